// P(redeem): features of a (user, coupon) pair, and the candidates that follow.
#ifndef COUPONCAST_RESPONSE_H_
#define COUPONCAST_RESPONSE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// 1 / (1 + exp(-z)) in plain arithmetic, so that it gives the same bits on every machine; relative error < 1e-14.
double Sigmoid(double z);

// What a shopper gets off an order: of the tiers whose threshold the order meets, the best discount.
struct BenefitTiers {
  std::span<const int32_t> indptr;       // [coupons + 1], at least one tier a coupon
  std::span<const double> threshold;     // minor units
  std::span<const double> amount;        // minor units, 0 where percent counts
  std::span<const double> percent;       // 0..100
  std::span<const double> max_discount;  // minor units, infinity for none
};

// Discount in whole minor units (rounded down, never above the order) of coupon `coupon` on an order.
double DiscountMinor(const BenefitTiers& tiers, int64_t coupon, double order_value_minor);
// The order that the shopper places to use the coupon: the usual one, raised to the lowest threshold.
double StretchedOrderMinor(const BenefitTiers& tiers, int64_t coupon, double order_value_minor);

// What the features and the economics of a pair are computed from.
struct PairInputs {
  int64_t coupons = 0;
  std::span<const float> affinity;      // [users * (coupons + 1)] of affinity.h
  std::span<const float> mean_share;    // [coupons] mean over users of affinity share
  std::span<const double> order_value;  // [users] usual order value, minor units, > 0
  BenefitTiers tiers;

  // For feature 4; empty: it is 0.
  std::span<const double> purchase_rate;  // [users] orders a day without any coupon
  std::span<const double> horizon_days;   // [coupons]

  // For feature 5; empty: it is 1.
  std::span<const uint8_t> user_channels;    // [users] one bit a channel that the user shops in
  std::span<const uint8_t> coupon_channels;  // [coupons] one bit a channel that the coupon counts in
};

// Order of the features of a pair:
//   0  affinity share: affinity / the user's total, in [0, 1]
//   1  ln((share + 0.01) / (mean share + 0.01)): taste relative to everybody's
//   2  discount depth: discount / order, in [0, 1]
//   3  stretch: ln(lowest threshold / usual order) if positive, at most 3
//   4  ln(orders expected in scope within the horizon + 0.001) = ln(purchase rate * horizon * share + 0.001)
//   5  share of the user's channels that the coupon counts in
inline constexpr int64_t kPairFeatures = 6;
// A feature x acts as a curve of straight pieces: max(0, x - knot) for each of its knots.
inline constexpr int64_t kPairKnots = 5;
inline constexpr int64_t kPairColumns = kPairFeatures * kPairKnots;

// The logits of a pair: one of P(redeem), or three of the shares of users behind it, see CandidateParams.
inline constexpr int64_t kStrataLogits = 3;

// features [pairs * kPairFeatures] out, for users [pairs] and coupons [pairs]. horizon_days [pairs]: each pair's own, in place
// of the coupon's; or empty. Errors: kOutOfRange, kInvalidArgument.
Status PairFeatures(const PairInputs& inputs, std::span<const int32_t> users, std::span<const int32_t> coupons,
                    std::span<const double> horizon_days, std::span<float> features);

// Solves A s = b for a symmetric positive definite A [n * n] (Cholesky, float64). Errors: kInvalidArgument when A is not.
Status SolveSpd(std::span<const double> a, std::span<const double> b, std::span<double> solution);

struct CandidateParams {
  PairInputs pairs;
  std::span<const double> pair_knots;     // [kPairColumns] of each feature in turn
  std::span<const double> pair_beta;      // [logits * kPairColumns], logits 1 or kStrataLogits
  std::span<const double> user_score;     // [logits * users] the user's part of z, intercept included
  std::span<const double> coupon_score;   // [logits * coupons] the coupon's part of z
  std::span<const double> purchase_rate;  // [users] orders a day without any coupon
  std::span<const double> horizon_days;   // [coupons]
  std::span<const double> margin_rate;    // [coupons] margin of the scope's items as a share of the price
  std::span<const uint8_t> reasons;       // [users * coupons] 0: eligible; else why not
  uint8_t no_value_reason = 0;            // for users who are eligible but whom every coupon would only cost money
  int64_t limit = 20;                     // candidates kept a user
  // Coupons that something else than their value speaks for: pairs by ascending user.
  std::span<const int32_t> suggested_users;    // [suggestions]
  std::span<const int32_t> suggested_coupons;  // [suggestions]
  int64_t suggested_limit = 0;                 // of those, kept beside the others
  // Predictions of somebody else, in place of the logits, or both empty: P(redeem), NaN where there is none (no candidate);
  // and of those who redeem, the share of all who would have bought without it, NaN: as with one logit.
  std::span<const float> given_redeem;  // [users * coupons]
  std::span<const float> given_anyway;  // [users * coupons]
  // Standard deviation of ln(usual order) about order_value, in [0, 5].
  double order_spread = 0;
};

// Columns of the fixed width limit + suggested_limit, candidates in ascending order of the coupon.
struct CandidateOutput {
  std::span<int32_t> coupons;  // [range.size() * width], unused -1
  std::span<int64_t> value;    // [..] expected incremental margin, thousandths of a minor unit, > 0
  std::span<int64_t> cost;     // [..] expected discount paid, thousandths of a minor unit, rounded up
  std::span<float> p_redeem;   // [..]
  std::span<int32_t> counts;   // [range.size()]
  std::span<uint8_t> reasons;  // [range.size()] 0, or why the user has no candidate (the smallest reason of its coupons)
  std::span<int64_t> face;     // [..] discount when it is redeemed, as cost; or empty
};

// For each user the coupons that it is eligible for and that earn more than nothing:
//   z = user_score + coupon_score + sum of pair_beta max(0, feature - pair_knot)
// With one logit, p = sigmoid(z) redeem, of whom the share b = 1 - exp(-purchase_rate * horizon) buys without it too:
//   value = p (margin_rate (order' - b order) - discount),  cost = p discount
// With three, a = sigmoid(z_0) buy without the coupon, u = sigmoid(z_1) of them use it, and of the others
// s = sigmoid(z_2) buy because of it: p = a u + (1 - a) s redeem, (1 - a) s orders are won, and
//   value = margin_rate (p order' - a u order) - p discount,  cost = p discount
// with order' the stretched order and discount that of order', both in the mean over what the usual order may be: seven equally
// likely values, log-normal by order_spread, order_value in the mean. A tier just above the order is so half paid for. Of more than
// `limit`, half are the best by value, the others the best by value per cost (ties: smaller coupon). Of those that are left out then, the
// suggested_limit best by value among the suggested ones are kept too. Cost: coupons a user. Errors: as above.
Status MakeCandidates(const CandidateParams& params, RowRange range, CancelFlag cancel, const CandidateOutput& output);

}  // namespace couponcast

#endif  // COUPONCAST_RESPONSE_H_
