#include "couponcast/walk_weights.h"

#include <algorithm>

#include "base/check.h"
#include "base/portable_math.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 1024;
constexpr double kLargestPower = 10;

float Power(int64_t degree, double exponent) {
  return degree > 0 ? static_cast<float>(Exp(exponent * Log(static_cast<double>(degree)))) : 0.0F;
}

template <typename Use>
Status ForEachDegree(const CsrView& matrix, CancelFlag cancel, Use&& use) {
  for (int64_t row = 0; row < matrix.rows; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    use(static_cast<size_t>(row), std::ranges::count_if(matrix.row_values(row), [](float value) { return value > 0; }));
  }
  return {};
}

}  // namespace

Status ComputeWalkWeights(const CsrView& items, const CsrView& users, const WalkParams& params, CancelFlag cancel,
                          std::span<float> term_weight, std::span<float> length, std::span<float> scale, std::span<float> row_factor) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(items, users));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("term_weight", term_weight.size(), items.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("length", length.size(), items.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", scale.size(), items.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("row_factor", row_factor.size(), items.rows));
  const auto sound = [](double power) { return power >= 0 && power <= kLargestPower; };
  if (!sound(params.alpha) || !sound(params.beta)) return InvalidArgument("expected alpha and beta between 0 and 10");
  std::ranges::fill(length, 0.0F);
  COUPONCAST_RETURN_IF_ERROR(
      ForEachDegree(users, cancel, [&](size_t user, int64_t degree) { term_weight[user] = Power(degree, -params.alpha / 2); }));
  return ForEachDegree(items, cancel, [&](size_t item, int64_t degree) {
    scale[item] = Power(degree, -params.beta);
    row_factor[item] = Power(degree, params.beta - params.alpha);
  });
}

}  // namespace couponcast
