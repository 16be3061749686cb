// Random inputs of the response kernels, owned.
#ifndef COUPONCAST_TESTS_RESPONSE_INPUTS_FOR_TEST_H_
#define COUPONCAST_TESTS_RESPONSE_INPUTS_FOR_TEST_H_

#include <cmath>
#include <vector>

#include "couponcast/response.h"
#include "tests/test_util.h"

namespace couponcast::testing {

struct OwnedPairInputs {
  int64_t users;
  int64_t coupons;
  std::vector<float> affinity;
  std::vector<float> mean_share;
  std::vector<double> order_value;
  std::vector<int32_t> indptr = {0};
  std::vector<double> threshold;
  std::vector<double> amount;
  std::vector<double> percent;
  std::vector<double> max_discount;
  std::vector<double> purchase_rate;
  std::vector<double> horizon_days;
  std::vector<uint8_t> user_channels;
  std::vector<uint8_t> coupon_channels;

  OwnedPairInputs(int64_t num_users, int64_t num_coupons, uint64_t seed) : users(num_users), coupons(num_coupons) {
    Random random(seed);
    for (int64_t u = 0; u < users; ++u) {
      double total = 0;
      for (int64_t c = 0; c < coupons; ++c) {
        affinity.push_back(random.Below(4) == 0 ? 0.0F : static_cast<float>(random.Between(0, 9)));
        total += static_cast<double>(affinity.back()) * 0.5;
      }
      // About a sixth of the users have no affinity.
      affinity.push_back(random.Below(6) == 0 ? 0.0F : static_cast<float>(total));
      order_value.push_back(random.Between(500, 20000));
      purchase_rate.push_back(random.Below(5) == 0 ? 0 : random.Between(0, 0.1));
      user_channels.push_back(static_cast<uint8_t>(random.Below(4)));
    }
    for (int64_t c = 0; c < coupons; ++c) {
      horizon_days.push_back(random.Between(1, 30));
      coupon_channels.push_back(static_cast<uint8_t>(1 + random.Below(3)));
      mean_share.push_back(static_cast<float>(random.Between(0, 0.3)));
      const int64_t tiers = 1 + random.Below(3);
      for (int64_t t = 0; t < tiers; ++t) {
        const bool by_amount = random.Below(2) == 0;
        threshold.push_back(random.Below(3) == 0 ? 0 : std::floor(random.Between(0, 30000)));
        amount.push_back(by_amount ? std::floor(random.Between(1, 3000)) : 0);
        percent.push_back(by_amount ? 0 : random.Between(1, 60));
        max_discount.push_back(random.Below(2) == 0 ? INFINITY : std::floor(random.Between(100, 2000)));
      }
      indptr.push_back(static_cast<int32_t>(threshold.size()));
    }
  }
  PairInputs view() const {
    return {coupons,       affinity,     mean_share,    order_value,    {indptr, threshold, amount, percent, max_discount},
            purchase_rate, horizon_days, user_channels, coupon_channels};
  }
  // As PairFeatures, by the formulas of response.h.
  std::vector<double> Features(int64_t user, int64_t coupon, double days) const {
    const auto u = static_cast<size_t>(user);
    const auto c = static_cast<size_t>(coupon);
    const auto total = static_cast<double>(Row(user)[coupons]);
    const double share = total > 0 ? std::min(1.0, static_cast<double>(Row(user)[c]) / total) : 0;
    const double order = StretchedOrderMinor(view().tiers, coupon, order_value[u]);
    int own = 0;
    int covered = 0;
    for (const unsigned bit : {1U, 2U}) {
      own += (user_channels[u] & bit) != 0 ? 1 : 0;
      covered += (user_channels[u] & coupon_channels[c] & bit) != 0 ? 1 : 0;
    }
    return {share,
            std::log((share + 0.01) / (static_cast<double>(mean_share[c]) + 0.01)),
            DiscountMinor(view().tiers, coupon, order) / order,
            std::min(3.0, std::log(order / order_value[u])),
            std::log(purchase_rate[u] * days * share + 0.001),
            own > 0 ? static_cast<double>(covered) / own : 1};
  }
  const float* Row(int64_t user) const { return affinity.data() + user * (coupons + 1); }
};

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_RESPONSE_INPUTS_FOR_TEST_H_
