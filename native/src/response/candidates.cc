#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/check.h"
#include "base/portable_math.h"
#include "couponcast/allocate.h"
#include "couponcast/response.h"
#include "response/pair_features.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 256;
constexpr double kMilli = 1000.0;
constexpr double kMaxOrderSpread = 5.0;
constexpr auto kMaxMilli = static_cast<double>(kMaxCandidateMilli);

struct Candidate {
  int32_t coupon;
  int64_t value;
  int64_t cost;
  int64_t face;
  float p_redeem;
};

bool IsWorthMore(const Candidate& a, const Candidate& b) { return a.value > b.value || (a.value == b.value && a.coupon < b.coupon); }

// Keeps `limit` candidates, half by value, the rest by value per cost, and beside them the most valuable suggested ones; then
// back in the order of the coupons.
void KeepBest(std::vector<Candidate>* candidates, size_t limit, std::span<const int32_t> suggested, size_t suggested_limit) {
  if (candidates->size() <= limit) return;
  const auto half = static_cast<std::ptrdiff_t>((limit + 1) / 2);
  const auto begin = candidates->begin();
  std::sort(begin, candidates->end(), IsWorthMore);
  const auto ratio = [](const Candidate& c) { return static_cast<double>(c.value) / static_cast<double>(std::max<int64_t>(c.cost, 1)); };
  std::sort(begin + half, candidates->end(), [&](const Candidate& a, const Candidate& b) {
    const double ratio_a = ratio(a);
    const double ratio_b = ratio(b);
    return ratio_a > ratio_b || (ratio_a == ratio_b && a.coupon < b.coupon);
  });
  const auto others = begin + static_cast<std::ptrdiff_t>(limit);
  const auto unsuggested = std::partition(others, candidates->end(),
                                          [&](const Candidate& c) { return std::ranges::find(suggested, c.coupon) != suggested.end(); });
  std::sort(others, unsuggested, IsWorthMore);
  candidates->resize(limit + std::min(static_cast<size_t>(unsuggested - others), suggested_limit));
  std::ranges::sort(*candidates, {}, &Candidate::coupon);
}

}  // namespace

Status MakeCandidates(const CandidateParams& params, RowRange range, CancelFlag cancel, const CandidateOutput& output) {
  const PairInputs& pairs = params.pairs;
  const int64_t coupons = pairs.coupons;
  const auto users = static_cast<int64_t>(pairs.order_value.size());
  COUPONCAST_RETURN_IF_ERROR(CheckPairInputs(pairs));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("limit", params.limit));
  const bool strata = params.pair_beta.size() == static_cast<size_t>(kStrataLogits * kPairColumns);
  const int64_t logits = strata ? kStrataLogits : 1;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("pair_knots", params.pair_knots.size(), kPairColumns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("pair_beta", params.pair_beta.size(), logits * kPairColumns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("user_score", params.user_score.size(), logits * users));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupon_score", params.coupon_score.size(), logits * coupons));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("purchase_rate", params.purchase_rate.size(), users));
  for (const auto& [name, values] : {std::pair("horizon_days", params.horizon_days), std::pair("margin_rate", params.margin_rate)}) {
    COUPONCAST_RETURN_IF_ERROR(CheckSize(name, values.size(), coupons));
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("reasons", params.reasons.size(), users * coupons));
  if (!(params.order_spread >= 0) || !(params.order_spread <= kMaxOrderSpread)) {
    return InvalidArgument("expected orderSpread between 0 and 5 but received " + std::to_string(params.order_spread));
  }
  if (params.suggested_limit < 0) {
    return InvalidArgument("expected suggestedLimit >= 0 but received " + std::to_string(params.suggested_limit));
  }
  COUPONCAST_RETURN_IF_ERROR(
      CheckSize("suggestedCoupons", params.suggested_coupons.size(), static_cast<int64_t>(params.suggested_users.size())));
  const int64_t width = params.limit + params.suggested_limit;
  const int64_t places = range.size() * width;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out coupons", output.coupons.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out value", output.value.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out cost", output.cost.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out p_redeem", output.p_redeem.size(), places));
  if (!output.face.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("out face", output.face.size(), places));
  const bool given = !params.given_redeem.empty();
  if (given) {
    COUPONCAST_RETURN_IF_ERROR(CheckSize("given_redeem", params.given_redeem.size(), users * coupons));
    COUPONCAST_RETURN_IF_ERROR(CheckSize("given_anyway", params.given_anyway.size(), users * coupons));
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out counts", output.counts.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out reasons", output.reasons.size(), range.size()));

  const OrderFactors factors = FactorsOf(params.order_spread);
  std::vector<Candidate> candidates;
  std::array<double, kPairFeatures> features = {};
  std::array<double, kPairColumns> columns = {};
  auto suggestion = static_cast<size_t>(std::ranges::lower_bound(params.suggested_users, range.begin) - params.suggested_users.begin());
  for (int64_t user = range.begin; user < range.end; ++user) {
    const auto u = static_cast<size_t>(user);
    const auto place = static_cast<size_t>(user - range.begin);
    if (static_cast<int64_t>(place) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    candidates.clear();
    bool eligible = false;
    uint8_t reason = std::numeric_limits<uint8_t>::max();
    for (int64_t coupon = 0; coupon < coupons; ++coupon) {
      const auto c = static_cast<size_t>(coupon);
      const uint8_t why_not = params.reasons[u * static_cast<size_t>(coupons) + c];
      if (why_not != 0) {
        reason = std::min(reason, why_not);
        continue;
      }
      eligible = true;
      const PairOrder order = OrderOf(pairs, user, coupon);
      std::array<double, kStrataLogits> chances = {};
      if (given) {
        chances[0] = params.given_redeem[u * static_cast<size_t>(coupons) + c];
      } else {
        OnePairFeatures(pairs, user, coupon, order, HorizonOf(pairs, coupon), features);
        for (size_t k = 0; k < columns.size(); ++k)
          columns[k] = std::max(0.0, features[k / static_cast<size_t>(kPairKnots)] - params.pair_knots[k]);
        for (size_t m = 0; m < static_cast<size_t>(logits); ++m) {
          double z = params.user_score[m * pairs.order_value.size() + u] + params.coupon_score[m * static_cast<size_t>(coupons) + c];
          for (size_t k = 0; k < columns.size(); ++k) z += params.pair_beta[m * columns.size() + k] * columns[k];
          chances[m] = Sigmoid(z);
        }
      }
      // Of the orders with a redeemed coupon, those that would have been made without it.
      double p = chances[0];
      double anyway = p * (1.0 - Exp(-params.purchase_rate[u] * params.horizon_days[c]));
      if (given) {
        const double known = params.given_anyway[u * static_cast<size_t>(coupons) + c];
        if (!std::isnan(known)) anyway = std::min(known, p);
      } else if (strata) {
        anyway = chances[0] * chances[1];
        p = anyway + (1.0 - chances[0]) * chances[2];
      }
      const PairOrder mean = params.order_spread > 0 ? MeanOrderOf(pairs, user, coupon, factors) : order;
      const double gain = params.margin_rate[c] * (p * mean.order - anyway * pairs.order_value[u]) - p * mean.discount;
      const double value = std::floor(gain * kMilli);
      const double cost = std::ceil(p * mean.discount * kMilli);
      const double face = std::min(std::ceil(mean.discount * kMilli), kMaxMilli);
      if (!(value > 0) || !(cost >= 0) || !(cost < kMaxMilli)) continue;
      candidates.push_back({static_cast<int32_t>(coupon), static_cast<int64_t>(std::min(value, kMaxMilli)), static_cast<int64_t>(cost),
                            static_cast<int64_t>(face), static_cast<float>(p)});
    }
    const size_t first = suggestion;
    while (suggestion < params.suggested_users.size() && params.suggested_users[suggestion] == user) ++suggestion;
    KeepBest(&candidates, static_cast<size_t>(params.limit), params.suggested_coupons.subspan(first, suggestion - first),
             static_cast<size_t>(params.suggested_limit));
    if (!candidates.empty()) {
      reason = 0;
    } else if (eligible || coupons == 0) {
      reason = params.no_value_reason;
    }
    output.counts[place] = static_cast<int32_t>(candidates.size());
    output.reasons[place] = reason;
    for (size_t j = 0; j < static_cast<size_t>(width); ++j) {
      const size_t at = place * static_cast<size_t>(width) + j;
      const Candidate candidate = j < candidates.size() ? candidates[j] : Candidate{-1, 0, 0, 0, 0.0F};
      output.coupons[at] = candidate.coupon;
      output.value[at] = candidate.value;
      output.cost[at] = candidate.cost;
      output.p_redeem[at] = candidate.p_redeem;
      if (!output.face.empty()) output.face[at] = candidate.face;
    }
  }
  return {};
}

}  // namespace couponcast
