// What the kernels of a factorisation demand of their arguments.
#ifndef COUPONCAST_FACTOR_ALS_PARAMS_H_
#define COUPONCAST_FACTOR_ALS_PARAMS_H_

#include <cmath>
#include <span>
#include <string>

#include "base/check.h"
#include "couponcast/als.h"

namespace couponcast {

// Rows of `factors` numbers.
inline Status CheckRows(std::span<const float> rows, int64_t factors) {
  if (factors < 1 || factors > kMaxFactors) {
    return InvalidArgument("expected factors between 1 and " + std::to_string(kMaxFactors) + " but received " + std::to_string(factors));
  }
  if (rows.size() % static_cast<size_t>(factors) == 0) return {};
  return InvalidArgument("expected rows of " + std::to_string(factors) + " numbers");
}

inline Status CheckParams(const AlsParams& params) {
  COUPONCAST_RETURN_IF_ERROR(CheckRows({}, params.factors));
  if (!(params.regularisation >= 0) || !std::isfinite(params.regularisation) || !(params.alpha >= 0) || !std::isfinite(params.alpha))
    return InvalidArgument("expected finite regularisation >= 0 and alpha >= 0");
  return CheckCount("steps", params.steps);
}

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_ALS_PARAMS_H_
