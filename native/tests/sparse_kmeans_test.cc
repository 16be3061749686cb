#include "couponcast/sparse_kmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/sparse_kmeans_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::AssignInShards;
using testing::ForEachTarget;
using testing::MatrixKind;
using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::SparseAssignment;
using testing::SparseCentroids;
using testing::SparseRows;

TEST(SparseKmeans, AssignsAndAveragesAsDenseArithmeticDoes) {
  uint64_t seed = 70;
  for (const MatrixKind& kind : testing::MatrixKinds()) {
    for (const int64_t k : {1, 3, 16, 50, 70}) {
      for (const bool unit : {false, true}) {
        const SparseRows drawn_rows(kind, ++seed, unit);
        const auto& [matrix, factors, squares] = drawn_rows;
        const CsrView rows = matrix.by_user();
        const auto n = static_cast<size_t>(rows.rows);
        SparseCentroids drawn(rows.cols, k);
        Random random(seed);
        for (int64_t col = 0; col < rows.cols; ++col) {
          for (int64_t c = 0; c < k; ++c) drawn.Set(col, c, random.Between(-1, 1));
        }
        const auto& [lanes, centroids, norms] = drawn;
        const SparseAssignment step = AssignInShards(rows, factors, squares, centroids, norms, rows.rows);
        for (int64_t row = 0; row < rows.rows; ++row) {
          const auto distance_to = [&](int64_t c) {
            std::vector<double> dense(static_cast<size_t>(rows.cols), 0.0);
            for (size_t cell = 0; cell < rows.row_indices(row).size(); ++cell) {
              dense[static_cast<size_t>(rows.row_indices(row)[cell])] =
                  static_cast<double>(factors[static_cast<size_t>(row)]) * static_cast<double>(rows.row_values(row)[cell]);
            }
            double sum = 0;
            for (int64_t col = 0; col < rows.cols; ++col) {
              const double gap = dense[static_cast<size_t>(col)] - static_cast<double>(centroids[static_cast<size_t>(col * lanes + c)]);
              sum += gap * gap;
            }
            return sum;
          };
          const auto at = static_cast<size_t>(row);
          if (rows.row_indices(row).empty()) {
            EXPECT_EQ(step.labels[at], -1);
            continue;
          }
          const double own = distance_to(step.labels[at]);
          EXPECT_NEAR(static_cast<double>(step.distances[at]), own, 1e-4 * (1 + own));
          for (int64_t c = 0; c < k; ++c) EXPECT_LE(own, distance_to(c) + 1e-4 * (1 + own));
        }
        for (const int64_t shard : {1, 7}) {
          const SparseAssignment parts = AssignInShards(rows, factors, squares, centroids, norms, shard);
          EXPECT_TRUE(SameBits(parts.labels, step.labels) && SameBits(parts.distances, step.distances));
        }
        ForEachTarget([&] {
          const SparseAssignment other = AssignInShards(rows, factors, squares, centroids, norms, rows.rows);
          EXPECT_TRUE(SameBits(other.labels, step.labels) && SameBits(other.distances, step.distances));
        });
        // Means.
        const bool weighted = k % 2 == 1;
        std::vector<float> weights(weighted ? n : 0);
        for (float& weight : weights) weight = random.Between(0, 1) < 0.3 ? 0.0F : static_cast<float>(random.Between(0, 3));
        const auto weight_of = [&](size_t row) { return weighted ? static_cast<double>(weights[row]) : 1.0; };
        std::vector<double> totals(static_cast<size_t>(k));
        double weighted_inertia = 0;
        double inertia = 0;
        for (size_t row = 0; row < n; ++row) {
          if (step.labels[row] < 0) continue;
          totals[static_cast<size_t>(step.labels[row])] += weight_of(row);
          weighted_inertia += weight_of(row) * static_cast<double>(step.distances[row]);
          inertia += weight_of(row) * squares[row];
        }
        std::vector<double> scale(static_cast<size_t>(k));
        for (size_t c = 0; c < scale.size(); ++c) scale[c] = totals[c] > 0 ? 1 / totals[c] : 0;
        std::vector<float> means(centroids.size());
        std::vector<int16_t> shorts(centroids.size());
        float largest = 0;
        std::vector<double> sum_norms(static_cast<size_t>(k));
        std::vector<double> shifts(static_cast<size_t>(k));
        std::vector<double> products(static_cast<size_t>(k));
        ASSERT_OK(SparseKmeansMeans(matrix.by_item(), factors, weights, step.labels, scale, centroids, {0, rows.cols}, {}, {},
                                    {means, shorts, 4096}, {sum_norms, shifts, products}, &largest));
        for (size_t c = 0; c < norms.size(); ++c) inertia += totals[c] * norms[c] - 2 * products[c];
        EXPECT_NEAR(inertia, weighted_inertia, 1e-4 * (1 + weighted_inertia));
        if (!weighted) {
          EXPECT_NEAR(inertia, step.inertia, 1e-4 * (1 + step.inertia));
        }
        std::vector<int16_t> alone(centroids.size());
        ASSERT_OK(SparseKmeansShorten(means, k, 4096, {0, rows.cols}, {}, alone));
        EXPECT_TRUE(SameBits(alone, shorts));
        float expected_largest = 0;
        const auto width = static_cast<size_t>(SparseKmeansLanes(k));
        for (size_t i = 0; i < means.size(); ++i) {
          const auto [low, high] = std::ranges::minmax(std::span(means).subspan(i / width * width, width));
          const float value = means[i] - (0.5F * low + 0.5F * high);
          expected_largest = std::max(expected_largest, std::abs(value));
          EXPECT_EQ(shorts[i], std::nearbyint(std::clamp(value * 4096, -32767.0F, 32767.0F)));
        }
        EXPECT_EQ(largest, expected_largest);
        for (int64_t c = 0; c < k; ++c) {
          std::vector<double> sums(static_cast<size_t>(rows.cols), 0.0);
          for (int64_t row = 0; row < rows.rows; ++row) {
            if (step.labels[static_cast<size_t>(row)] != c) continue;
            for (size_t cell = 0; cell < rows.row_indices(row).size(); ++cell) {
              sums[static_cast<size_t>(rows.row_indices(row)[cell])] +=
                  weight_of(static_cast<size_t>(row)) * static_cast<double>(factors[static_cast<size_t>(row)] * rows.row_values(row)[cell]);
            }
          }
          double norm = 0;
          for (int64_t col = 0; col < rows.cols; ++col) {
            const auto at = static_cast<size_t>(col * lanes + c);
            const float expected = scale[static_cast<size_t>(c)] == 0
                                       ? centroids[at]
                                       : static_cast<float>(sums[static_cast<size_t>(col)] * scale[static_cast<size_t>(c)]);
            EXPECT_EQ(means[at], expected);
            norm += static_cast<double>(expected) * static_cast<double>(expected);
          }
          EXPECT_EQ(sum_norms[static_cast<size_t>(c)], norm);
        }
      }
    }
  }
}

TEST(SparseKmeans, LengthsStayFiniteHoweverSmallOrLargeTheCells) {
  const float least = std::numeric_limits<float>::denorm_min();
  const float largest = std::numeric_limits<float>::max();
  const testing::TestMatrix matrix({{least, 0}, {least, 3 * least}, {largest, largest}, {0, 0}});
  const CsrView rows = matrix.by_user();
  std::vector<float> factors(4);
  std::vector<double> squares(4);
  ASSERT_OK(SparseRowLengths(rows, true, {0, 4}, {}, factors, squares));
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_TRUE(std::isfinite(factors[row]));
    EXPECT_GT(squares[row], 0);
    EXPECT_LE(squares[row], 1 + 1e-5);
  }
  EXPECT_GT(squares[2], 1 - 1e-5);
  EXPECT_EQ(factors[3], 0);
  EXPECT_EQ(squares[3], 0);
}

TEST(SparseKmeans, RefusesWhatDoesNotFit) {
  const auto matrix = testing::GoldenMatrix();
  const CsrView rows = matrix.by_user();
  std::vector<float> factors(3);
  std::vector<double> squares(3);
  EXPECT_OK(SparseRowLengths(rows, true, {0, 3}, {}, factors, squares));
  EXPECT_CODE(StatusCode::kOutOfRange, SparseRowLengths(rows, true, {0, 4}, {}, factors, squares));
  std::vector<float> centroids(48);
  std::vector<double> norms(2);
  std::vector<int32_t> labels(3);
  std::vector<float> distances(3);
  std::vector<int64_t> counts(2);
  double inertia = 0;
  const auto assign = [&](std::span<const float> c, CancelFlag cancel = {}) {
    return SparseKmeansAssign(rows, factors, squares, c, norms, {0, 3}, cancel, labels, distances, counts, &inertia);
  };
  EXPECT_OK(assign(centroids));
  EXPECT_CODE(StatusCode::kInvalidArgument, assign(std::span(centroids).first(16)));
  EXPECT_CODE(StatusCode::kCancelled, assign(centroids, Raised()));
  std::vector<double> scale(2);
  std::vector<double> totals(2);
  float largest = 0;
  const auto means = [&](std::span<const float> weights, std::span<const float> row_factors) {
    return SparseKmeansMeans(matrix.by_item(), row_factors, weights, labels, scale, centroids, {0, 3}, {}, {}, {centroids, {}, 1},
                             {norms, totals, totals}, &largest);
  };
  EXPECT_OK(means({}, factors));
  EXPECT_CODE(StatusCode::kInvalidArgument, means(std::span(factors).first(2), factors));
  EXPECT_CODE(StatusCode::kInvalidArgument, means({}, std::span(factors).first(2)));
  labels[1] = 2;
  EXPECT_CODE(StatusCode::kInvalidArgument, means({}, factors));
  labels[1] = -2;
  EXPECT_CODE(StatusCode::kInvalidArgument, means({}, factors));
}

}  // namespace
}  // namespace couponcast
