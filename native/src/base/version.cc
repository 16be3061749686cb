#include "couponcast/version.h"

#include <hwy/targets.h>

namespace couponcast {

const char* CoreVersion() { return COUPONCAST_VERSION; }

std::vector<std::string> SimdTargets() {
  std::vector<std::string> names;
  for (int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets != 0; targets &= targets - 1) {
    names.emplace_back(hwy::TargetName(targets & -targets));
  }
  return names;
}

}  // namespace couponcast
