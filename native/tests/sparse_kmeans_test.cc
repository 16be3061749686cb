#include "couponcast/sparse_kmeans.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::MatrixKind;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;

struct Step {
  std::vector<int32_t> labels;
  std::vector<float> distances;
  std::vector<int64_t> counts;
  double inertia = 0;
};

Step Assign(const CsrView& rows, const std::vector<float>& factors, const std::vector<double>& squares, const std::vector<float>& centroids,
            const std::vector<double>& norms, int64_t shard) {
  const auto n = static_cast<size_t>(rows.rows);
  Step all{std::vector<int32_t>(n), std::vector<float>(n), std::vector<int64_t>(norms.size()), 0};
  for (const RowRange range : Shards(rows.rows, shard)) {
    std::vector<int64_t> counts(norms.size());
    double inertia = 0;
    EXPECT_OK(SparseKmeansAssign(rows, factors, squares, centroids, norms, range, {}, all.labels, all.distances, counts, &inertia));
    for (size_t c = 0; c < counts.size(); ++c) all.counts[c] += counts[c];
    all.inertia += inertia;
  }
  return all;
}

TEST(SparseKmeans, AssignsAndAveragesAsDenseArithmeticDoes) {
  uint64_t seed = 70;
  for (const MatrixKind& kind : testing::MatrixKinds()) {
    for (const int64_t k : {1, 3, 16, 50, 70}) {
      for (const bool unit : {false, true}) {
        const auto matrix = RandomMatrix(kind, ++seed);
        const CsrView rows = matrix.by_user();
        const auto n = static_cast<size_t>(rows.rows);
        std::vector<float> factors(n);
        std::vector<double> squares(n);
        ASSERT_OK(SparseRowLengths(rows, unit, {0, rows.rows}, {}, factors, squares));
        const int64_t lanes = SparseKmeansLanes(k);
        std::vector<float> centroids(static_cast<size_t>(rows.cols * lanes), 0.0F);
        std::vector<double> norms(static_cast<size_t>(k), 0.0);
        Random random(seed);
        for (int64_t col = 0; col < rows.cols; ++col) {
          for (int64_t c = 0; c < k; ++c) {
            const auto value = static_cast<float>(random.Between(-1, 1));
            centroids[static_cast<size_t>(col * lanes + c)] = value;
            norms[static_cast<size_t>(c)] += static_cast<double>(value) * static_cast<double>(value);
          }
        }
        const Step step = Assign(rows, factors, squares, centroids, norms, rows.rows);
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
          const Step parts = Assign(rows, factors, squares, centroids, norms, shard);
          EXPECT_TRUE(SameBits(parts.labels, step.labels) && SameBits(parts.distances, step.distances));
        }
        ForEachTarget([&] {
          const Step other = Assign(rows, factors, squares, centroids, norms, rows.rows);
          EXPECT_TRUE(SameBits(other.labels, step.labels) && SameBits(other.distances, step.distances));
        });
        // Means.
        std::vector<double> scale(static_cast<size_t>(k));
        for (size_t c = 0; c < scale.size(); ++c) scale[c] = step.counts[c] > 0 ? 1 / static_cast<double>(step.counts[c]) : 0;
        std::vector<float> means(centroids.size());
        std::vector<double> sum_norms(static_cast<size_t>(k));
        std::vector<double> shifts(static_cast<size_t>(k));
        ASSERT_OK(
            SparseKmeansMeans(matrix.by_item(), factors, step.labels, scale, centroids, {0, rows.cols}, {}, means, sum_norms, shifts));
        for (int64_t c = 0; c < k; ++c) {
          std::vector<double> sums(static_cast<size_t>(rows.cols), 0.0);
          for (int64_t row = 0; row < rows.rows; ++row) {
            if (step.labels[static_cast<size_t>(row)] != c) continue;
            for (size_t cell = 0; cell < rows.row_indices(row).size(); ++cell) {
              sums[static_cast<size_t>(rows.row_indices(row)[cell])] +=
                  static_cast<double>(factors[static_cast<size_t>(row)]) * static_cast<double>(rows.row_values(row)[cell]);
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
  std::vector<double> shifts(2);
  const auto means = [&] {
    return SparseKmeansMeans(matrix.by_item(), factors, labels, scale, centroids, {0, 3}, {}, centroids, norms, shifts);
  };
  labels[1] = 2;
  EXPECT_CODE(StatusCode::kInvalidArgument, means());
  labels[1] = -2;
  EXPECT_CODE(StatusCode::kInvalidArgument, means());
}

}  // namespace
}  // namespace couponcast
