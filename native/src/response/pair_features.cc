#include "couponcast/response.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "base/portable_math.h"
#include "response/pair_features.h"

namespace couponcast {
namespace {

constexpr double kShareFloor = 0.01;
constexpr double kMaxStretch = 3.0;
constexpr double kOrdersFloor = 0.001;

double ChannelShare(const PairInputs& inputs, size_t user, size_t coupon) {
  if (inputs.user_channels.empty() || inputs.user_channels[user] == 0) return 1.0;
  const uint8_t own = inputs.user_channels[user];
  const auto shared = static_cast<uint8_t>(own & inputs.coupon_channels[coupon]);
  return static_cast<double>(std::popcount(shared)) / static_cast<double>(std::popcount(own));
}

}  // namespace

double HorizonOf(const PairInputs& inputs, int64_t coupon) {
  return inputs.horizon_days.empty() ? 0.0 : inputs.horizon_days[static_cast<size_t>(coupon)];
}

double DiscountMinor(const BenefitTiers& tiers, int64_t coupon, double order_value_minor) {
  double best = 0;
  for (auto t = static_cast<size_t>(tiers.indptr[static_cast<size_t>(coupon)]);
       t < static_cast<size_t>(tiers.indptr[static_cast<size_t>(coupon) + 1]); ++t) {
    if (order_value_minor < tiers.threshold[t]) continue;
    // Percent in millionths and whole minor units: 19.99 % of 100.00 must not lose a cent to binary fractions.
    const double percent_off = std::floor(std::floor(order_value_minor) * std::nearbyint(tiers.percent[t] * 1e4) / 1e6);
    const double discount = tiers.amount[t] > 0 ? tiers.amount[t] : percent_off;
    best = std::max(best, std::min(discount, tiers.max_discount[t]));
  }
  return std::floor(std::min(best, order_value_minor));
}

double StretchedOrderMinor(const BenefitTiers& tiers, int64_t coupon, double order_value_minor) {
  double lowest = INFINITY;
  for (auto t = static_cast<size_t>(tiers.indptr[static_cast<size_t>(coupon)]);
       t < static_cast<size_t>(tiers.indptr[static_cast<size_t>(coupon) + 1]); ++t) {
    lowest = std::min(lowest, tiers.threshold[t]);
  }
  return std::isfinite(lowest) ? std::max(order_value_minor, lowest) : order_value_minor;
}

void OnePairFeatures(const PairInputs& inputs, int64_t user, int64_t coupon, const PairOrder& order, double horizon_days,
                     std::span<double> features) {
  const auto u = static_cast<size_t>(user);
  const auto c = static_cast<size_t>(coupon);
  const float* row = inputs.affinity.data() + user * (inputs.coupons + 1);
  const double affinity = std::max(0.0, static_cast<double>(row[coupon]));
  const auto total = static_cast<double>(row[inputs.coupons]);
  const double share = total > 0 ? std::min(1.0, affinity / total) : 0.0;
  const double usual = inputs.order_value[u];
  features[0] = share;
  features[1] = Log((share + kShareFloor) / (static_cast<double>(inputs.mean_share[c]) + kShareFloor));
  features[2] = order.order > 0 ? order.discount / order.order : 0.0;
  features[3] = order.order > usual && usual > 0 ? std::min(kMaxStretch, Log(order.order / usual)) : 0.0;
  features[4] = inputs.purchase_rate.empty() ? 0.0 : Log(inputs.purchase_rate[u] * horizon_days * share + kOrdersFloor);
  features[5] = ChannelShare(inputs, u, c);
}

PairOrder OrderOf(const PairInputs& inputs, int64_t user, int64_t coupon) {
  PairOrder order;
  order.order = StretchedOrderMinor(inputs.tiers, coupon, inputs.order_value[static_cast<size_t>(user)]);
  order.discount = DiscountMinor(inputs.tiers, coupon, order.order);
  return order;
}

OrderFactors FactorsOf(double spread) {
  // The middles of seven equal parts of the normal distribution.
  constexpr OrderFactors kMiddles = {-1.4652337926855223, -0.7916386077433746, -0.36610635680056963, 0,
                                     0.36610635680056963, 0.7916386077433746,  1.4652337926855223};
  OrderFactors factors = {};
  double sum = 0;
  for (size_t k = 0; k < factors.size(); ++k) sum += factors[k] = Exp(spread * kMiddles[k]);
  for (double& factor : factors) factor *= static_cast<double>(factors.size()) / sum;
  return factors;
}

PairOrder MeanOrderOf(const PairInputs& inputs, int64_t user, int64_t coupon, const OrderFactors& factors) {
  PairOrder mean;
  for (const double factor : factors) {
    const double order = StretchedOrderMinor(inputs.tiers, coupon, factor * inputs.order_value[static_cast<size_t>(user)]);
    mean.order += order;
    mean.discount += DiscountMinor(inputs.tiers, coupon, order);
  }
  mean.order /= static_cast<double>(factors.size());
  mean.discount /= static_cast<double>(factors.size());
  return mean;
}

Status CheckPairInputs(const PairInputs& inputs) {
  const auto users = static_cast<int64_t>(inputs.order_value.size());
  // First, since it bounds coupons: coupons + 1 cannot overflow then.
  COUPONCAST_RETURN_IF_ERROR(CheckSize("mean_share", inputs.mean_share.size(), inputs.coupons));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity", inputs.affinity.size(), users * (inputs.coupons + 1)));
  if (!inputs.purchase_rate.empty()) {
    COUPONCAST_RETURN_IF_ERROR(CheckSize("purchase_rate", inputs.purchase_rate.size(), users));
    COUPONCAST_RETURN_IF_ERROR(CheckSize("horizon_days", inputs.horizon_days.size(), inputs.coupons));
  }
  if (!inputs.user_channels.empty()) {
    COUPONCAST_RETURN_IF_ERROR(CheckSize("user_channels", inputs.user_channels.size(), users));
    COUPONCAST_RETURN_IF_ERROR(CheckSize("coupon_channels", inputs.coupon_channels.size(), inputs.coupons));
  }
  const BenefitTiers& tiers = inputs.tiers;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("tier indptr", tiers.indptr.size(), inputs.coupons + 1));
  const auto count = static_cast<int64_t>(tiers.threshold.size());
  if (tiers.indptr.front() != 0 || tiers.indptr.back() != count || !std::ranges::is_sorted(tiers.indptr)) {
    return InvalidArgument("the tiers' indptr does not span them");
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("tier amount", tiers.amount.size(), count));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("tier percent", tiers.percent.size(), count));
  return CheckSize("tier max_discount", tiers.max_discount.size(), count);
}

Status PairFeatures(const PairInputs& inputs, std::span<const int32_t> users, std::span<const int32_t> coupons,
                    std::span<const double> horizon_days, std::span<float> features) {
  COUPONCAST_RETURN_IF_ERROR(CheckPairInputs(inputs));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupons", coupons.size(), static_cast<int64_t>(users.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("features", features.size(), static_cast<int64_t>(users.size()) * kPairFeatures));
  if (!horizon_days.empty()) {
    COUPONCAST_RETURN_IF_ERROR(CheckSize("horizon_days", horizon_days.size(), static_cast<int64_t>(users.size())));
  }
  std::array<double, kPairFeatures> one = {};
  for (size_t i = 0; i < users.size(); ++i) {
    if (users[i] < 0 || static_cast<size_t>(users[i]) >= inputs.order_value.size() || coupons[i] < 0 || coupons[i] >= inputs.coupons) {
      return OutOfRange("pair " + std::to_string(i) + " names a user or coupon that does not exist");
    }
    const double days = horizon_days.empty() ? HorizonOf(inputs, coupons[i]) : horizon_days[i];
    OnePairFeatures(inputs, users[i], coupons[i], OrderOf(inputs, users[i], coupons[i]), days, one);
    for (size_t f = 0; f < one.size(); ++f) features[i * one.size() + f] = static_cast<float>(one[f]);
  }
  return {};
}

}  // namespace couponcast
