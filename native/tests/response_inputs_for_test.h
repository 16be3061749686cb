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
    }
    for (int64_t c = 0; c < coupons; ++c) {
      horizon_days.push_back(random.Between(1, 30));
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
    return {coupons, affinity, mean_share, order_value, {indptr, threshold, amount, percent, max_discount}, purchase_rate, horizon_days};
  }
  const float* Row(int64_t user) const { return affinity.data() + user * (coupons + 1); }
};

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_RESPONSE_INPUTS_FOR_TEST_H_
