#ifndef COUPONCAST_VERSION_H_
#define COUPONCAST_VERSION_H_

#include <cstdint>
#include <string>
#include <vector>

namespace couponcast {

// Version of the core, as in package.json (set by the build).
const char* CoreVersion();
// Names of the SIMD targets that this binary holds and this processor runs, best first.
std::vector<std::string> SimdTargets();

}  // namespace couponcast

#endif  // COUPONCAST_VERSION_H_
