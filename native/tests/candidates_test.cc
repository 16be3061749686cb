#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/portable_math.h"
#include "couponcast/allocate.h"
#include "tests/response_inputs_for_test.h"

namespace couponcast {
namespace {

using testing::OwnedPairInputs;
using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::Shards;

constexpr uint8_t kNoValue = 200;

struct Inputs {
  OwnedPairInputs pairs;
  std::vector<double> pair_knots;
  std::vector<double> pair_beta;
  std::vector<double> user_score;
  std::vector<double> coupon_score;
  std::vector<double> purchase_rate;
  std::vector<double> horizon_days;
  std::vector<double> margin_rate;
  std::vector<uint8_t> reasons;
  int64_t limit;
  std::vector<int32_t> suggested_users;
  std::vector<int32_t> suggested_coupons;
  int64_t suggested_limit = 0;
  double order_spread = 0;

  Inputs(int64_t users, int64_t coupons, int64_t kept, uint64_t seed, int64_t logits = 1) : pairs(users, coupons, seed), limit(kept) {
    Random random(seed + 1);
    for (int64_t k = 0; k < kPairColumns; ++k) pair_knots.push_back(random.Between(-1, 0.6));
    for (int64_t k = 0; k < logits * kPairColumns; ++k) pair_beta.push_back(random.Between(-0.3, 0.4));
    if (logits == 3) {
      for (int64_t u = 0; u < 2 * users; ++u) user_score.push_back(random.Between(-3, 0));
      for (int64_t c = 0; c < 2 * coupons; ++c) coupon_score.push_back(random.Between(-1, 1));
    }
    for (int64_t u = 0; u < users; ++u) {
      user_score.push_back(random.Between(-3, 0));
      purchase_rate.push_back(random.Below(5) == 0 ? 0 : random.Between(0, 0.1));
      const bool excluded = random.Below(8) == 0;
      for (int64_t c = 0; c < coupons; ++c)
        reasons.push_back(excluded || random.Below(4) == 0 ? static_cast<uint8_t>(1 + random.Below(5)) : uint8_t{0});
    }
    for (int64_t c = 0; c < coupons; ++c) {
      coupon_score.push_back(random.Between(-1, 1));
      horizon_days.push_back(random.Between(1, 30));
      margin_rate.push_back(random.Between(0, 0.6));
    }
  }
  CandidateParams view() const {
    return {pairs.view(),      pair_knots,      pair_beta, user_score, coupon_score, purchase_rate,
            horizon_days,      margin_rate,     reasons,   kNoValue,   limit,        suggested_users,
            suggested_coupons, suggested_limit, {},        {},         order_spread};
  }
};

struct Output {
  int64_t limit;
  std::vector<int32_t> coupons;
  std::vector<int64_t> value;
  std::vector<int64_t> cost;
  std::vector<float> p_redeem;
  std::vector<int32_t> counts;
  std::vector<uint8_t> reasons;

  Output(int64_t users, int64_t width)
      : limit(width),
        coupons(static_cast<size_t>(users * width), -7),
        value(coupons.size(), -7),
        cost(coupons.size(), -7),
        p_redeem(coupons.size(), -7.0F),
        counts(static_cast<size_t>(users), -7),
        reasons(static_cast<size_t>(users), 77) {}
  CandidateOutput Rows(RowRange range) {
    const auto at = static_cast<size_t>(range.begin * limit);
    const auto size = static_cast<size_t>(range.size() * limit);
    const auto row = static_cast<size_t>(range.begin);
    const auto rows = static_cast<size_t>(range.size());
    return {std::span(coupons).subspan(at, size),
            std::span(value).subspan(at, size),
            std::span(cost).subspan(at, size),
            std::span(p_redeem).subspan(at, size),
            std::span(counts).subspan(row, rows),
            std::span(reasons).subspan(row, rows),
            {}};
  }
  bool operator==(const Output& o) const {
    return SameBits(coupons, o.coupons) && SameBits(value, o.value) && SameBits(cost, o.cost) && SameBits(p_redeem, o.p_redeem) &&
           SameBits(counts, o.counts) && SameBits(reasons, o.reasons);
  }
};

Output RunAll(const Inputs& inputs, int64_t shard) {
  Output output(inputs.pairs.users, inputs.limit + inputs.suggested_limit);
  for (const RowRange range : Shards(inputs.pairs.users, shard)) EXPECT_OK(MakeCandidates(inputs.view(), range, {}, output.Rows(range)));
  return output;
}

// The middles of seven equal parts of a log-normal distribution, by bisection; in the mean 1.
std::vector<double> OrderFactors(double spread) {
  std::vector<double> factors;
  double sum = 0;
  for (int part = 0; part < 7; ++part) {
    double low = -9;
    double high = 9;
    while (high - low > 1e-13) {
      const double middle = (low + high) / 2;
      (std::erfc(-middle / std::sqrt(2.0)) / 2 < (part + 0.5) / 7 ? low : high) = middle;
    }
    sum += factors.emplace_back(std::exp(spread * low));
  }
  for (double& factor : factors) factor *= 7 / sum;
  return factors;
}

TEST(Candidates, EqualAPlainReimplementation) {
  for (const auto& [limit, logits] : {std::pair<int64_t, int64_t>(1, 1), {2, 3}, {5, 1}, {8, 3}, {8, 1}, {50, 3}}) {
    Inputs inputs(120, 17, limit, static_cast<uint64_t>(limit), logits);
    inputs.order_spread = limit % 2 == 0 ? 0.3 : 0;
    const Output output = RunAll(inputs, 1000);
    int cut = 0;
    int without = 0;
    for (int64_t user = 0; user < 120; ++user) {
      const auto u = static_cast<size_t>(user);
      struct Candidate {
        int64_t value;
        int64_t cost;
        double p;
      };
      std::map<int32_t, Candidate> all;
      bool eligible = false;
      uint8_t smallest = 255;
      for (int32_t coupon = 0; coupon < 17; ++coupon) {
        const auto c = static_cast<size_t>(coupon);
        const uint8_t reason = inputs.reasons[u * 17 + c];
        if (reason != 0) {
          smallest = std::min(smallest, reason);
          continue;
        }
        eligible = true;
        const double usual = inputs.pairs.order_value[u];
        double order = 0;
        double discount = 0;
        for (const double factor : OrderFactors(inputs.order_spread)) {
          const double may_be = StretchedOrderMinor(inputs.pairs.view().tiers, coupon, factor * usual);
          order += may_be / 7;
          discount += DiscountMinor(inputs.pairs.view().tiers, coupon, may_be) / 7;
        }
        const std::vector<double> features = inputs.pairs.Features(user, coupon, inputs.pairs.horizon_days[c]);
        const auto chance = [&](size_t m) {
          double z = inputs.user_score[m * inputs.pairs.order_value.size() + u] + inputs.coupon_score[m * 17 + c];
          for (size_t k = 0; k < kPairColumns; ++k)
            z += inputs.pair_beta[m * kPairColumns + k] * std::max(0.0, features[k / kPairKnots] - inputs.pair_knots[k]);
          return 1 / (1 + std::exp(-z));
        };
        const bool strata = logits == 3;
        const double buys_anyway = strata ? 0 : 1 - std::exp(-inputs.purchase_rate[u] * inputs.horizon_days[c]);
        const double anyway = strata ? chance(0) * chance(1) : chance(0) * buys_anyway;
        const double p = strata ? anyway + (1 - chance(0)) * chance(2) : chance(0);
        const double value = inputs.margin_rate[c] * (p * order - anyway * usual) - p * discount;
        // The kernel rounds down to thousandths; what rounds to nothing is no candidate.
        if (std::floor(value * 1000) > 0) {
          all[coupon] = {static_cast<int64_t>(std::floor(value * 1000)), static_cast<int64_t>(std::ceil(p * discount * 1000)), p};
        }
      }
      // Kept: half by value, the rest by value per cost.
      std::set<int32_t> kept;
      const auto take = [&](int64_t how_many, auto&& score) {
        for (int64_t i = 0; i < how_many && kept.size() < all.size(); ++i) {
          int32_t best = -1;
          for (const auto& [coupon, candidate] : all) {
            if (!kept.contains(coupon) && (best < 0 || score(candidate) > score(all.at(best)))) best = coupon;
          }
          kept.insert(best);
        }
      };
      take((limit + 1) / 2, [](const Candidate& c) { return static_cast<double>(c.value); });
      take(limit / 2, [](const Candidate& c) { return static_cast<double>(c.value) / static_cast<double>(std::max<int64_t>(c.cost, 1)); });
      cut += all.size() > kept.size() ? 1 : 0;

      ASSERT_EQ(output.counts[u], static_cast<int32_t>(kept.size())) << user;
      int64_t j = 0;
      for (const int32_t coupon : kept) {
        const auto at = static_cast<size_t>(user * limit + j++);
        ASSERT_EQ(output.coupons[at], coupon) << user;
        EXPECT_NEAR(static_cast<double>(output.value[at]), static_cast<double>(all.at(coupon).value), 1);
        EXPECT_NEAR(static_cast<double>(output.cost[at]), static_cast<double>(all.at(coupon).cost), 1);
        EXPECT_NEAR(output.p_redeem[at], all.at(coupon).p, 1e-6);
      }
      for (; j < limit; ++j) {
        const auto at = static_cast<size_t>(user * limit + j);
        EXPECT_EQ(output.coupons[at], -1);
        EXPECT_EQ(output.value[at], 0);
        EXPECT_EQ(output.cost[at], 0);
        EXPECT_EQ(output.p_redeem[at], 0.0F);
      }
      uint8_t expected_reason = 0;
      if (kept.empty()) expected_reason = eligible ? kNoValue : smallest;
      EXPECT_EQ(output.reasons[u], expected_reason);
      without += kept.empty() ? 1 : 0;
    }
    EXPECT_GT(without, 5);
    if (limit < 5) {
      EXPECT_GT(cut, 20);
    }
  }
}

TEST(Candidates, SuggestedOnesAreKeptBesideTheBest) {
  constexpr int64_t kUsers = 150;
  constexpr int64_t kCoupons = 17;
  Inputs inputs(kUsers, kCoupons, kCoupons, 5);
  const Output all = RunAll(inputs, 1000);
  inputs.limit = 3;
  const Output best = RunAll(inputs, 1000);
  Random random(8);
  for (int32_t user = 0; user < kUsers; ++user) {
    for (int64_t i = random.Below(6); i > 0; --i) {
      inputs.suggested_users.push_back(user);
      inputs.suggested_coupons.push_back(static_cast<int32_t>(random.Below(kCoupons)));
    }
  }
  inputs.suggested_limit = 2;
  const Output output = RunAll(inputs, 1000);
  EXPECT_TRUE(output == RunAll(inputs, 7));
  int added = 0;
  for (int32_t user = 0; user < kUsers; ++user) {
    const auto row = [&](const Output& from) {
      std::map<int32_t, int64_t> values;
      for (int64_t j = 0; j < from.counts[static_cast<size_t>(user)]; ++j) {
        const auto at = static_cast<size_t>(user * from.limit + j);
        values[from.coupons[at]] = from.value[at];
      }
      return values;
    };
    std::map<int32_t, int64_t> expected = row(best);
    std::set<std::pair<int64_t, int32_t>> others;
    const auto every = row(all);
    for (size_t i = 0; i < inputs.suggested_users.size(); ++i) {
      const int32_t coupon = inputs.suggested_coupons[i];
      if (inputs.suggested_users[i] == user && every.contains(coupon) && !expected.contains(coupon))
        others.emplace(-every.at(coupon), coupon);
    }
    for (const auto& [minus_value, coupon] : others) {
      if (static_cast<int64_t>(expected.size()) == inputs.limit + inputs.suggested_limit) break;
      expected[coupon] = -minus_value;
      ++added;
    }
    EXPECT_EQ(row(output), expected) << user;
    EXPECT_EQ(output.reasons[static_cast<size_t>(user)], best.reasons[static_cast<size_t>(user)]);
  }
  EXPECT_GT(added, 20);
  inputs.suggested_coupons.pop_back();
  Output refused(kUsers, 5);
  EXPECT_CODE(StatusCode::kInvalidArgument, MakeCandidates(inputs.view(), {0, kUsers}, {}, refused.Rows({0, kUsers})));
}

TEST(Candidates, TakeGivenChancesAndTellTheDiscount) {
  const Inputs inputs(60, 9, 9, 21);
  Random random(22);
  std::vector<float> redeem;
  std::vector<float> anyway;
  const float none = std::numeric_limits<float>::quiet_NaN();
  for (int i = 0; i < 60 * 9; ++i) {
    redeem.push_back(random.Below(4) == 0 ? none : static_cast<float>(random.Between(0, 1)));
    anyway.push_back(random.Below(3) == 0 ? none : static_cast<float>(random.Between(0, 1.2)));
  }
  CandidateParams params = inputs.view();
  params.given_redeem = redeem;
  params.given_anyway = anyway;
  Output output(60, 9);
  std::vector<int64_t> face(size_t{60} * 9, -7);
  CandidateOutput rows = output.Rows({0, 60});
  rows.face = face;
  ASSERT_OK(MakeCandidates(params, {0, 60}, {}, rows));
  int given = 0;
  for (size_t u = 0; u < 60; ++u) {
    size_t j = 0;
    for (size_t c = 0; c < 9; ++c) {
      const double p = redeem[u * 9 + c];
      const double usual = inputs.pairs.order_value[u];
      const double order = StretchedOrderMinor(inputs.pairs.view().tiers, static_cast<int64_t>(c), usual);
      const double discount = DiscountMinor(inputs.pairs.view().tiers, static_cast<int64_t>(c), order);
      double buys = p * (1 - std::exp(-inputs.purchase_rate[u] * inputs.horizon_days[c]));
      if (!std::isnan(anyway[u * 9 + c])) buys = std::min<double>(anyway[u * 9 + c], p);
      const double value = std::floor((inputs.margin_rate[c] * (p * order - buys * usual) - p * discount) * 1000);
      if (inputs.reasons[u * 9 + c] != 0 || !(value > 0)) continue;
      const size_t at = u * 9 + j++;
      ASSERT_EQ(output.coupons[at], static_cast<int32_t>(c));
      EXPECT_NEAR(static_cast<double>(output.value[at]), value, 1);
      EXPECT_EQ(output.p_redeem[at], redeem[u * 9 + c]);
      EXPECT_EQ(face[at], static_cast<int64_t>(std::ceil(discount * 1000)));
      ++given;
    }
    ASSERT_EQ(output.counts[u], static_cast<int32_t>(j));
  }
  EXPECT_GT(given, 20);
  redeem.pop_back();
  params.given_redeem = redeem;
  EXPECT_CODE(StatusCode::kInvalidArgument, MakeCandidates(params, {0, 60}, {}, rows));
}

TEST(Candidates, ShardsGiveTheSameBytes) {
  const Inputs inputs(100, 12, 4, 9);
  const Output whole = RunAll(inputs, 100);
  for (const int64_t shard : {1, 7, 64}) EXPECT_TRUE(RunAll(inputs, shard) == whole);
}

TEST(Candidates, AreAProblemThatTheAllocationTakes) {
  const Inputs inputs(100, 12, 4, 10);
  const Output output = RunAll(inputs, 100);
  const std::vector<int32_t> group(12, -1);
  const std::vector<int64_t> no_constraints(13, 0);
  AllocationProblem problem;
  problem.users = 100;
  problem.width = 4;
  problem.counts = output.counts;
  problem.coupons = output.coupons;
  problem.value = output.value;
  problem.cost = output.cost;
  problem.group = group;
  problem.cell_indptr = no_constraints;
  CandidateTotals totals;
  EXPECT_OK(CheckProblem(problem, {0, 100}, {}, &totals));
}

TEST(Candidates, UndefinedOrExcessiveNumbersYieldNoCandidate) {
  Inputs inputs(4, 1, 2, 4);
  std::ranges::fill(inputs.reasons, uint8_t{0});
  inputs.pairs.indptr = {0, 1};
  inputs.pairs.threshold = {-1e6};
  inputs.pairs.amount = {0};
  inputs.pairs.percent = {90};
  inputs.pairs.max_discount = {INFINITY};
  inputs.margin_rate = {0.95};
  inputs.pairs.order_value = {1000, 1e300, std::numeric_limits<double>::quiet_NaN(), -1e6};
  inputs.purchase_rate = {0, 0, 0, 0};
  const Output output = RunAll(inputs, 3);
  EXPECT_EQ(output.counts, std::vector<int32_t>({1, 0, 0, 0}));
  EXPECT_EQ(output.reasons, std::vector<uint8_t>({0, kNoValue, kNoValue, kNoValue}));
}

TEST(Candidates, NoCouponsAtAll) {
  const Inputs inputs(3, 0, 2, 4);
  const Output output = RunAll(inputs, 3);
  EXPECT_EQ(output.counts, std::vector<int32_t>({0, 0, 0}));
  EXPECT_EQ(output.reasons, std::vector<uint8_t>({kNoValue, kNoValue, kNoValue}));
}

TEST(Candidates, RefusesWhatDoesNotFit) {
  const Inputs good(6, 4, 3, 2);
  const auto run = [](const Inputs& inputs, RowRange range, Output output, CancelFlag cancel = {}) {
    return MakeCandidates(inputs.view(), range, cancel,
                          {output.coupons, output.value, output.cost, output.p_redeem, output.counts, output.reasons, {}});
  };
  EXPECT_OK(run(good, {0, 6}, Output(6, 3)));
  EXPECT_CODE(StatusCode::kOutOfRange, run(good, {0, 7}, Output(7, 3)));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(good, {0, 6}, Output(5, 3)));
  EXPECT_CODE(StatusCode::kCancelled, run(good, {0, 6}, Output(6, 3), Raised()));
  const auto broken = [&](auto&& change) {
    Inputs inputs = good;
    change(inputs);
    return run(inputs, {0, 6}, Output(6, 3));
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.pair_knots.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.pair_beta.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.user_score.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.coupon_score.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.purchase_rate.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.horizon_days.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.margin_rate.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.reasons.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.limit = 0; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.order_spread = -0.1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.order_spread = std::nan(""); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.limit = int64_t{1} << 62; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Inputs& i) { i.pairs.affinity.pop_back(); }));
  for (int field = 0; field < 6; ++field) {
    Output output(6, 3);
    if (field == 0) output.coupons.pop_back();
    if (field == 1) output.value.pop_back();
    if (field == 2) output.cost.pop_back();
    if (field == 3) output.p_redeem.pop_back();
    if (field == 4) output.counts.pop_back();
    if (field == 5) output.reasons.pop_back();
    EXPECT_CODE(StatusCode::kInvalidArgument, run(good, {0, 6}, output));
  }
}

}  // namespace
}  // namespace couponcast
