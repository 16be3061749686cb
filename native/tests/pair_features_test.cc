#include <gtest/gtest.h>

#include <limits>

#include "tests/response_inputs_for_test.h"

namespace couponcast {
namespace {

using testing::OwnedPairInputs;

// Coupons: 0: 300 off 2000, 800 off 5000; 1: 10 %, at most 150; 2: 20 off anything; 3: 5000 off anything.
struct Tiers {
  std::vector<int32_t> indptr = {0, 2, 3, 4, 5};
  std::vector<double> threshold = {2000, 5000, 0, 0, 0};
  std::vector<double> amount = {300, 800, 0, 20, 5000};
  std::vector<double> percent = {0, 0, 10, 0, 0};
  std::vector<double> max_discount = {INFINITY, INFINITY, 150, INFINITY, INFINITY};
  BenefitTiers view() const { return {indptr, threshold, amount, percent, max_discount}; }
};

TEST(Discount, TakesTheBestTierThatTheOrderMeets) {
  const Tiers tiers;
  EXPECT_EQ(DiscountMinor(tiers.view(), 0, 1999), 0);
  EXPECT_EQ(DiscountMinor(tiers.view(), 0, 2000), 300);
  EXPECT_EQ(DiscountMinor(tiers.view(), 0, 4999), 300);
  EXPECT_EQ(DiscountMinor(tiers.view(), 0, 5000), 800);
  EXPECT_EQ(DiscountMinor(tiers.view(), 1, 1009), 100);  // 100.9, rounded down
  EXPECT_EQ(DiscountMinor(tiers.view(), 1, 5000), 150);
  EXPECT_EQ(DiscountMinor(tiers.view(), 2, 15), 15);  // never above the order
  EXPECT_EQ(DiscountMinor(tiers.view(), 3, 4999.5), 4999);
}

TEST(StretchedOrder, IsRaisedToTheLowestThreshold) {
  const Tiers tiers;
  EXPECT_EQ(StretchedOrderMinor(tiers.view(), 0, 500), 2000);
  EXPECT_EQ(StretchedOrderMinor(tiers.view(), 0, 3000), 3000);
  EXPECT_EQ(StretchedOrderMinor(tiers.view(), 1, 500), 500);
}

TEST(PairFeatures, EqualTheFormulas) {
  const OwnedPairInputs inputs(60, 9, 3);
  std::vector<int32_t> users;
  std::vector<int32_t> coupons;
  for (int32_t u = 0; u < 60; ++u) {
    for (int32_t c = 0; c < 9; ++c) {
      users.push_back(u);
      coupons.push_back(c);
    }
  }
  std::vector<double> own_days(users.size());
  for (size_t i = 0; i < users.size(); ++i) own_days[i] = static_cast<double>(i % 40);
  std::vector<float> features(users.size() * kPairFeatures, -7.0F);
  std::vector<float> own(features);
  ASSERT_OK(PairFeatures(inputs.view(), users, coupons, {}, features));
  ASSERT_OK(PairFeatures(inputs.view(), users, coupons, own_days, own));
  int stretched = 0;
  int without = 0;
  int partly = 0;
  for (size_t i = 0; i < users.size(); ++i) {
    without += inputs.Row(users[i])[9] > 0 ? 0 : 1;
    const float* row = features.data() + i * kPairFeatures;
    const std::vector<double> expected = inputs.Features(users[i], coupons[i], inputs.horizon_days[static_cast<size_t>(coupons[i])]);
    for (size_t f = 0; f < expected.size(); ++f) EXPECT_NEAR(row[f], expected[f], 1e-5) << f;
    EXPECT_NEAR(own[i * kPairFeatures + 4], inputs.Features(users[i], coupons[i], own_days[i])[4], 1e-5);
    EXPECT_EQ(own[i * kPairFeatures], row[0]);
    EXPECT_GE(row[2], 0);
    EXPECT_LE(row[2], 1);
    stretched += row[3] > 0 ? 1 : 0;
    partly += row[5] > 0 && row[5] < 1 ? 1 : 0;
  }
  EXPECT_GT(stretched, 10);
  EXPECT_GT(without, 3);
  EXPECT_GT(partly, 10);
}

TEST(PairFeatures, NegativeOrUndefinedAffinityCountsAsNone) {
  OwnedPairInputs inputs(1, 1, 3);
  for (const float affinity : {-2.0F, std::numeric_limits<float>::quiet_NaN()}) {
    inputs.affinity = {affinity, 4.0F};
    std::vector<float> features(kPairFeatures);
    const std::vector<int32_t> zero = {0};
    ASSERT_OK(PairFeatures(inputs.view(), zero, zero, {}, features));
    EXPECT_EQ(features[0], 0.0F);
  }
}

TEST(PairFeatures, RefusesWhatDoesNotFit) {
  const OwnedPairInputs good(4, 3, 1);
  std::vector<float> features(2 * kPairFeatures);
  const std::vector<int32_t> users = {0, 3};
  const std::vector<int32_t> coupons = {2, 0};
  EXPECT_OK(PairFeatures(good.view(), users, coupons, {}, features));
  const std::vector<int32_t> bad_user = {0, 4};
  const std::vector<int32_t> bad_coupon = {3, 0};
  const std::vector<int32_t> negative = {-1, 0};
  EXPECT_CODE(StatusCode::kOutOfRange, PairFeatures(good.view(), bad_user, coupons, {}, features));
  EXPECT_CODE(StatusCode::kOutOfRange, PairFeatures(good.view(), negative, coupons, {}, features));
  EXPECT_CODE(StatusCode::kOutOfRange, PairFeatures(good.view(), users, bad_coupon, {}, features));
  EXPECT_CODE(StatusCode::kOutOfRange, PairFeatures(good.view(), users, negative, {}, features));
  EXPECT_CODE(StatusCode::kInvalidArgument, PairFeatures(good.view(), users, std::span(coupons).first(1), {}, features));
  EXPECT_CODE(StatusCode::kInvalidArgument, PairFeatures(good.view(), users, coupons, {}, std::span(features).first(9)));
  const std::vector<double> too_few = {1.0};
  EXPECT_CODE(StatusCode::kInvalidArgument, PairFeatures(good.view(), users, coupons, too_few, features));
  const auto broken = [&](auto&& change) {
    OwnedPairInputs inputs = good;
    change(inputs);
    return PairFeatures(inputs.view(), users, coupons, {}, features);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.affinity.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.mean_share.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.order_value.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.indptr.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.indptr[0] = 1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.indptr[1] = 1000; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.indptr.back() += 1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.amount.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.percent.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.max_discount.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.user_channels.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.coupon_channels.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.coupons = -1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](OwnedPairInputs& i) { i.coupons = std::numeric_limits<int64_t>::max(); }));
}

}  // namespace
}  // namespace couponcast
