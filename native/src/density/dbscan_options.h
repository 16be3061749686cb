#ifndef COUPONCAST_DENSITY_DBSCAN_OPTIONS_H_
#define COUPONCAST_DENSITY_DBSCAN_OPTIONS_H_

#include <string>

#include "couponcast/status.h"

namespace couponcast {

// Bounded, so that the square is finite.
inline Status CheckEps(double eps) {
  if (eps > 0 && eps <= 1e100) return {};
  return InvalidArgument("expected 0 < eps <= 1e100 but received " + std::to_string(eps));
}

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_DBSCAN_OPTIONS_H_
