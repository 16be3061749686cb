#include <gtest/gtest.h>

#include "couponcast/sparse_kmeans.h"
#include "tests/sparse_kmeans_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::MatrixKind;
using testing::Raised;
using testing::Random;
using testing::SparseMeans;
using testing::SparseRows;

constexpr int64_t kClusters = 21;

// In calls of one shard each.
SparseMeans MeansOf(const SparseRows& rows, const std::vector<int32_t>& labels, const std::vector<float>& old,
                    const SparseKmeansKeptSums& kept) {
  const CsrView items = rows.matrix.by_item();
  SparseMeans means(items.rows, kClusters);
  const std::vector<double> scale(kClusters, 0.125);
  for (int64_t begin = 0; begin < items.rows; begin += kSparseKmeansShard) {
    const auto part = [&](std::vector<double>& all) {
      return std::span(all).subspan(static_cast<size_t>(begin / kSparseKmeansShard * kClusters), kClusters);
    };
    float largest = 0;
    EXPECT_OK(SparseKmeansMeans(items, rows.factors, {}, labels, scale, old, {begin, std::min(begin + kSparseKmeansShard, items.rows)}, {},
                                kept, {means.centroids, means.shorts, 4096}, {part(means.norms), part(means.shifts), part(means.products)},
                                &largest));
    means.largest = std::max(means.largest, largest);
  }
  return means;
}

TEST(SparseKmeansKept, MeansOfMovedRowsAreThoseOfAll) {
  std::vector<MatrixKind> kinds = testing::MatrixKinds();
  kinds.push_back({.rows = 60, .cols = 4100, .density = 0.02});
  uint64_t seed = 400;
  for (const MatrixKind& kind : kinds) {
    const bool unit = ++seed % 2 == 0;
    const SparseRows rows(kind, seed, unit);
    const CsrView by_user = rows.matrix.by_user();
    ForEachTarget([&] {
      Random random(seed);
      std::vector<double> sums(static_cast<size_t>(kind.cols * SparseKmeansLanes(kClusters)), 7.0);
      std::vector<int32_t> before;
      std::vector<int32_t> labels(static_cast<size_t>(kind.rows), -1);
      std::vector<float> old(sums.size());
      for (float& value : old) value = static_cast<float>(random.Between(-1, 1));
      // No, few, half and all rows move; some leave or join what is in no cluster.
      for (const double share : {1.0, 0.0, 0.02, 0.05, 0.5, 0.02, 0.0, 1.0, 0.05}) {
        for (int32_t& label : labels) {
          if (random.Between(0, 1) < share) label = static_cast<int32_t>(random.Below(kClusters + 1)) - 1;
        }
        const SparseMeans kept = MeansOf(rows, labels, old, {&by_user, before, sums});
        ExpectSame(kept, MeansOf(rows, labels, old, {}));
        before = labels;
        old = kept.centroids;
      }
    });
  }
}

TEST(SparseKmeansKept, ReachIsThatOfTheCells) {
  for (const bool unit : {false, true}) {
    for (const bool whole : {false, true}) {
      const SparseRows rows({.rows = 50, .cols = 40, .density = 0.5, .negative = true, .small_integers = whole}, 9, unit);
      SparseKmeansReach expected;
      const CsrView by_user = rows.matrix.by_user();
      for (int64_t row = 0; row < by_user.rows; ++row) {
        for (const float value : by_user.row_values(row)) {
          const float cell = std::abs(rows.factors[static_cast<size_t>(row)] * value);
          if (cell == 0) continue;
          expected.least = std::min(expected.least, cell);
          expected.largest = std::max(expected.largest, cell);
        }
      }
      ForEachTarget([&] {
        std::vector<int16_t> codes(by_user.values.size());
        std::vector<float> steps(50);
        std::vector<float> errors(50);
        SparseKmeansReach reach;
        ASSERT_OK(SparseKmeansEncode(by_user, rows.factors, {0, 50}, {}, codes, steps, errors, &reach));
        EXPECT_EQ(reach.least, expected.least);
        EXPECT_EQ(reach.largest, expected.largest);
      });
    }
  }
  const testing::TestMatrix empty(testing::Dense(3, std::vector<float>(2)), 2);
  std::vector<float> factors(3);
  std::vector<float> steps(3);
  SparseKmeansReach reach;
  ASSERT_OK(SparseKmeansEncode(empty.by_user(), factors, {0, 3}, {}, {}, steps, steps, &reach));
  EXPECT_EQ(reach.largest, 0);
  EXPECT_EQ(reach.least, std::numeric_limits<float>::infinity());
}

TEST(SparseKmeansKept, RefusesWhatDoesNotFit) {
  const SparseRows rows({.rows = 6, .cols = 4, .density = 1}, 3, true);
  const CsrView by_user = rows.matrix.by_user();
  const CsrView items = rows.matrix.by_item();
  std::vector<int32_t> labels(6);
  std::vector<int32_t> before(6);
  const std::vector<double> scale(1, 1.0);
  std::vector<float> centroids(64);
  std::vector<double> totals(1);
  std::vector<double> sums(64);
  std::vector<float> weights;
  float largest = 0;
  const auto means = [&](const SparseKmeansKeptSums& kept, CancelFlag cancel = {}) {
    return SparseKmeansMeans(items, rows.factors, weights, labels, scale, centroids, {0, 4}, cancel, kept, {centroids, {}, 1},
                             {totals, totals, totals}, &largest);
  };
  const SparseKmeansKeptSums fits{&by_user, before, sums};
  EXPECT_OK(means(fits));
  labels[0] = -1;
  EXPECT_CODE(StatusCode::kCancelled, means(fits, Raised()));
  EXPECT_CODE(StatusCode::kInvalidArgument, means({nullptr, before, sums}));
  EXPECT_CODE(StatusCode::kInvalidArgument, means({&items, before, sums}));
  EXPECT_CODE(StatusCode::kInvalidArgument, means({&by_user, std::span(before).first(5), sums}));
  EXPECT_CODE(StatusCode::kInvalidArgument, means({&by_user, before, std::span(sums).first(63)}));
  before[2] = 1;
  EXPECT_CODE(StatusCode::kInvalidArgument, means(fits));
  before[2] = 0;
  weights.assign(6, 1.0F);
  EXPECT_CODE(StatusCode::kInvalidArgument, means(fits));
}

}  // namespace
}  // namespace couponcast
