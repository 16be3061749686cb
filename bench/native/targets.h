// Which SIMD target the kernels of this process use.
#ifndef COUPONCAST_BENCH_NATIVE_TARGETS_H_
#define COUPONCAST_BENCH_NATIVE_TARGETS_H_

#include <hwy/targets.h>

#include <cstdint>
#include <vector>

namespace couponcast::bench {

// Targets that this program holds and this processor runs, best first.
inline std::vector<int64_t> Targets() {
  hwy::SetSupportedTargetsForTest(0);
  return hwy::SupportedAndGeneratedTargets();
}

// From here on every kernel takes this one. Highway caches its choice, so it is updated along with the mask.
inline void UseTarget(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(target);
}

}  // namespace couponcast::bench

#endif  // COUPONCAST_BENCH_NATIVE_TARGETS_H_
