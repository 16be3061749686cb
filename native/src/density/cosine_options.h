#ifndef COUPONCAST_DENSITY_COSINE_OPTIONS_H_
#define COUPONCAST_DENSITY_COSINE_OPTIONS_H_

#include <string>

#include "couponcast/status.h"

namespace couponcast {

// Below 1, so that neighbours share a column. Not so near to 0 that rounding decides.
inline Status CheckCosineEps(double eps) {
  if (eps >= 1e-6 && eps < 1) return {};
  return InvalidArgument("expected 1e-6 <= eps < 1 for cosine distances but received " + std::to_string(eps));
}

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_COSINE_OPTIONS_H_
