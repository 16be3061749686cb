// A small journal for tests: users, events, items and the scopes that hold them.
#ifndef COUPONCAST_TESTS_JOURNAL_FOR_TEST_H_
#define COUPONCAST_TESTS_JOURNAL_FOR_TEST_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "couponcast/moments.h"

namespace couponcast::testing {

inline constexpr int64_t kUsers = 40;
inline constexpr int64_t kItems = 25;
inline constexpr int64_t kCoupons = 6;
inline constexpr int64_t kDay = 86'400'000'000;

struct Shop {
  std::vector<int64_t> indptr = {0};
  std::vector<int64_t> times;
  std::vector<int32_t> items;
  std::vector<uint8_t> behaviours;
  std::vector<uint8_t> orders;
  std::vector<double> values;
  std::vector<double> weights = {1, 2, 5};
  std::vector<double> log_price;
  std::vector<int64_t> item_indptr = {0};
  std::vector<int32_t> item_coupons;
  std::vector<double> prior_share;
  std::vector<int32_t> users;
  std::vector<int64_t> moments;

  explicit Shop(uint32_t seed) {
    std::mt19937 random(seed);
    const auto draw = [&random](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint32_t>(n)); };
    for (int64_t u = 0; u < kUsers; ++u) {
      std::vector<int64_t> own(static_cast<size_t>(u % 7 == 0 ? 0 : draw(30)));
      for (int64_t& t : own) t = draw(50) * kDay / 4;
      std::ranges::sort(own);
      for (const int64_t t : own) {
        const auto behaviour = static_cast<uint8_t>(draw(3));
        times.push_back(t);
        items.push_back(static_cast<int32_t>(draw(kItems)));
        behaviours.push_back(behaviour);
        orders.push_back(behaviour == 2 ? static_cast<uint8_t>(draw(2)) : uint8_t{0});
        values.push_back(behaviour == 2 ? static_cast<double>(100 + draw(900)) : 0.0);
      }
      indptr.push_back(static_cast<int64_t>(times.size()));
      for (int64_t n = draw(6); n > 0; --n) {
        users.push_back(static_cast<int32_t>(u));
        moments.push_back(draw(60) * kDay / 4);
      }
    }
    for (int64_t i = 0; i < kItems; ++i) {
      log_price.push_back(draw(5) == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(draw(100)) / 16);
      for (int32_t c = 0; c < kCoupons; ++c) {
        if (draw(3) == 0) item_coupons.push_back(c);
      }
      item_indptr.push_back(static_cast<int64_t>(item_coupons.size()));
    }
    for (int64_t c = 0; c < kCoupons; ++c) prior_share.push_back(static_cast<double>(1 + c) / 10);
  }

  MomentParams params() const {
    return {{indptr, times, items, behaviours, orders, values}, weights, 2, log_price, item_indptr, item_coupons, prior_share, 10};
  }
};

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_JOURNAL_FOR_TEST_H_
