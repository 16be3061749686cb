#include "couponcast/ranking.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::Shards;
using testing::TestMatrix;

struct Sums {
  std::vector<double> sums;
  std::vector<double> squares;
  std::vector<int64_t> users;
  std::vector<int64_t> exposure;
  Sums(int64_t groups, int64_t items)
      : sums(static_cast<size_t>(groups * kNumRankingMetrics), -7.0),
        squares(sums.size(), -7.0),
        users(static_cast<size_t>(groups), -7),
        exposure(static_cast<size_t>(items), -7) {}
  RankingOutput view() { return {sums, squares, users, exposure}; }
  double of(RankingMetric metric, int64_t group = 0) const {
    return sums[static_cast<size_t>(group * kNumRankingMetrics) + static_cast<size_t>(metric)];
  }
};

TEST(Ranking, GoldenConventions) {
  // rel = [1, 0, 1, 0], 3 relevant, K = 4.
  const TestMatrix history({{0, 0, 0, 0, 0, 0}}, 6);
  const TestMatrix relevant({{1, 0, 1, 0, 1, 0}}, 6);
  const std::vector<int32_t> items = {0, 1, 2, 3};
  const std::vector<int32_t> counts = {4};
  Sums out(1, 6);
  ASSERT_OK(SumRankingMetrics(history.by_user(), history.by_item(), relevant.by_user(), {4, items, 4, counts}, {}, 0, true, {0, 1}, {},
                              out.view()));
  EXPECT_NEAR(out.of(RankingMetric::kNdcg), .703918, 5e-7);
  EXPECT_NEAR(out.of(RankingMetric::kNdcgByK), .585570, 5e-7);
  EXPECT_NEAR(out.of(RankingMetric::kMap), .555556, 5e-7);
  EXPECT_NEAR(out.of(RankingMetric::kMapByK), .416667, 5e-7);
  EXPECT_NEAR(out.of(RankingMetric::kPrecision), .5, 1e-12);
  EXPECT_NEAR(out.of(RankingMetric::kRecall), 2.0 / 3, 1e-12);
  EXPECT_EQ(out.of(RankingMetric::kMrr), 1);
  EXPECT_EQ(out.of(RankingMetric::kHitRate), 1);
  EXPECT_EQ(out.users[0], 1);
  EXPECT_EQ(out.exposure, (std::vector<int64_t>{1, 1, 1, 1, 0, 0}));
}

struct Case {
  TestMatrix history;
  TestMatrix relevant;
  int64_t width = 8;
  std::vector<int32_t> items;
  std::vector<int32_t> counts;
  std::vector<int32_t> labels;

  Case(int64_t users, int64_t num_items, uint64_t seed)
      : history(RandomMatrix({users, num_items, 0.2, false, false}, seed)),
        relevant(RandomMatrix({users, num_items, 0.1, false, false}, seed + 1)) {
    Random random(seed + 2);
    for (int64_t u = 0; u < users; ++u) {
      std::vector<int32_t> order(static_cast<size_t>(num_items));
      std::iota(order.begin(), order.end(), 0);
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[static_cast<size_t>(random.Below(static_cast<int64_t>(i)))]);
      const int64_t count = random.Below(width + 1);
      counts.push_back(static_cast<int32_t>(count));
      labels.push_back(static_cast<int32_t>(random.Below(4)) - 1);
      for (int64_t j = 0; j < width; ++j) items.push_back(j < count ? order[static_cast<size_t>(j)] : -1);
    }
  }
  Sums Run(RowRange range, int64_t k, CancelFlag cancel = {}) const {
    Sums out(4, history.cols());
    EXPECT_OK(SumRankingMetrics(history.by_user(), history.by_item(), relevant.by_user(), {k, items, width, counts}, labels, 3, true, range,
                                cancel, out.view()));
    return out;
  }
};

double Cosine(const TestMatrix& matrix, int64_t i, int64_t j) {
  double product = 0;
  double left = 0;
  double right = 0;
  for (int64_t u = 0; u < matrix.rows(); ++u) {
    product += matrix.at(u, i) * matrix.at(u, j);
    left += matrix.at(u, i) * matrix.at(u, i);
    right += matrix.at(u, j) * matrix.at(u, j);
  }
  return left > 0 && right > 0 ? product / std::sqrt(left * right) : 0;
}

TEST(Ranking, EqualsBruteForce) {
  const Case c(60, 25, 77);
  constexpr int64_t kLength = 5;
  const Sums out = c.Run({0, 60}, kLength);
  std::vector<std::array<double, kNumRankingMetrics>> expected(4);
  std::vector<int64_t> users(4, 0);
  const auto holders = [&](int64_t item) { return static_cast<double>(c.history.by_item().degree(item)); };
  for (int64_t u = 0; u < 60; ++u) {
    const auto own = c.relevant.by_user().row_indices(u);
    if (own.empty()) continue;
    const auto relevant = static_cast<double>(own.size());
    std::array<double, kNumRankingMetrics> m{};
    const auto at = [&](RankingMetric metric) -> double& { return m[static_cast<size_t>(metric)]; };
    const int64_t length = std::min<int64_t>(kLength, c.counts[static_cast<size_t>(u)]);
    double hits = 0;
    double gain = 0;
    double precisions = 0;
    double cosines = 0;
    for (int64_t j = 0; j < length; ++j) {
      const int32_t item = c.items[static_cast<size_t>(u * c.width + j)];
      if (c.relevant.at(u, item) != 0) {
        if (hits == 0) at(RankingMetric::kMrr) = 1 / static_cast<double>(j + 1);
        ++hits;
        precisions += hits / static_cast<double>(j + 1);
        gain += 1 / std::log2(static_cast<double>(j + 2));
      }
      at(RankingMetric::kNovelty) += -std::log2((holders(item) + 1) / 61) / static_cast<double>(length);
      at(RankingMetric::kPopularity) += holders(item) / 60 / static_cast<double>(length);
      for (int64_t i = 0; i < j; ++i) cosines += Cosine(c.history, item, c.items[static_cast<size_t>(u * c.width + i)]);
    }
    const auto ideal = [](int64_t places) {
      double sum = 0;
      for (int64_t j = 0; j < places; ++j) sum += 1 / std::log2(static_cast<double>(j + 2));
      return sum;
    };
    const double reachable = std::min(relevant, static_cast<double>(kLength));
    at(RankingMetric::kPrecision) = hits / kLength;
    at(RankingMetric::kRecall) = hits / relevant;
    at(RankingMetric::kMap) = precisions / reachable;
    at(RankingMetric::kMapByK) = precisions / kLength;
    at(RankingMetric::kNdcg) = gain / ideal(static_cast<int64_t>(reachable));
    at(RankingMetric::kNdcgByK) = gain / ideal(kLength);
    at(RankingMetric::kHitRate) = hits > 0 ? 1 : 0;
    const auto row = c.history.by_user().row_indices(u);
    for (const int32_t item : row) at(RankingMetric::kHistory) += holders(item) / 60 / static_cast<double>(row.size());
    if (length > 1) at(RankingMetric::kDiversity) = 1 - cosines / (static_cast<double>(length * (length - 1)) / 2);
    for (const int64_t group : {static_cast<int64_t>(c.labels[static_cast<size_t>(u)]), int64_t{3}}) {
      if (group < 0) continue;
      ++users[static_cast<size_t>(group)];
      for (size_t i = 0; i < m.size(); ++i) expected[static_cast<size_t>(group)][i] += m[i];
    }
  }
  for (int64_t group = 0; group < 4; ++group) {
    EXPECT_EQ(out.users[static_cast<size_t>(group)], users[static_cast<size_t>(group)]);
    for (int64_t i = 0; i < kNumRankingMetrics; ++i) {
      EXPECT_NEAR(out.of(static_cast<RankingMetric>(i), group), expected[static_cast<size_t>(group)][static_cast<size_t>(i)], 1e-9)
          << "group " << group << ", metric " << i;
    }
  }
}

TEST(Ranking, ShardsAddUp) {
  const Case c(50, 20, 91);
  const Sums whole = c.Run({0, 50}, 8);
  std::vector<int64_t> exposure(20, 0);
  std::vector<double> sums(whole.sums.size(), 0.0);
  for (const RowRange range : Shards(50, 7)) {
    const Sums part = c.Run(range, 8);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += part.sums[i];
    for (size_t i = 0; i < exposure.size(); ++i) exposure[i] += part.exposure[i];
  }
  EXPECT_EQ(exposure, whole.exposure);
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(sums[i], whole.sums[i], 1e-9);
}

TEST(Ranking, RefusesWhatDoesNotFit) {
  const Case c(6, 9, 5);
  Sums out(4, 9);
  const auto run = [&](const RankedLists& lists, RowRange range, CancelFlag cancel) {
    return SumRankingMetrics(c.history.by_user(), c.history.by_item(), c.relevant.by_user(), lists, c.labels, 3, true, range, cancel,
                             out.view());
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, run({9, c.items, 8, c.counts}, {0, 6}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({0, c.items, 8, c.counts}, {0, 6}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({4, std::span(c.items).first(3), 8, c.counts}, {0, 6}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, run({4, c.items, 8, c.counts}, {0, 7}, {}));
  EXPECT_CODE(StatusCode::kCancelled, run({4, c.items, 8, c.counts}, {0, 6}, Raised()));
  std::vector<int32_t> outside = c.items;
  std::ranges::fill(outside, 9);
  const std::vector<int32_t> full(6, 8);
  EXPECT_CODE(StatusCode::kOutOfRange, run({4, outside, 8, full}, {0, 6}, {}));
  const TestMatrix fewer({{1, 0}}, 2);
  EXPECT_CODE(StatusCode::kInvalidArgument, SumRankingMetrics(c.history.by_user(), c.history.by_item(), fewer.by_user(),
                                                              {4, c.items, 8, c.counts}, c.labels, 3, true, {0, 6}, {}, out.view()));
}

}  // namespace
}  // namespace couponcast
