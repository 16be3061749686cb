#include "couponcast/kmeans_batch.h"

#include <gtest/gtest.h>

#include "couponcast/kmeans_filter.h"
#include "tests/kmeans_answer_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using Answer = testing::KmeansAnswer;
using testing::MatrixKind;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;

std::vector<int32_t> RandomRows(size_t count, int64_t rows, Random& random) {
  std::vector<int32_t> drawn(count);
  for (int32_t& row : drawn) row = static_cast<int32_t>(random.Below(static_cast<uint64_t>(rows)));
  return drawn;
}

TEST(KmeansBatch, ChosenRowsAreAssignedAsAllAre) {
  Random random(31);
  for (const int64_t dims : {1, 5, 8, 33}) {
    for (const int64_t k : {1, 3, 40}) {
      const int64_t n = 90;
      std::vector<float> points(static_cast<size_t>(n * dims));
      for (float& value : points) value = dims == 5 ? static_cast<float>(random.Below(3)) : static_cast<float>(random.Between(-3, 3));
      std::vector<float> weights(static_cast<size_t>(n));
      for (float& weight : weights) weight = static_cast<float>(random.Below(3));
      const std::vector<float> centroids(points.begin(), points.begin() + k * dims);
      std::vector<float> lows(static_cast<size_t>(dims));
      std::vector<float> highs(static_cast<size_t>(dims));
      ASSERT_OK(KmeansBox(points, dims, {0, n}, {}, lows, highs));
      std::vector<float> centre;
      std::vector<float> steps;
      for (size_t d = 0; d < lows.size(); ++d) {
        steps.push_back((highs[d] - lows[d]) / 254);
        centre.push_back(lows[d] + 128 * steps.back());
      }
      const std::vector<int32_t> rows = RandomRows(150, n, random);
      for (const bool weighted : {false, true}) {
        const std::span<const float> own = weighted ? std::span<const float>(weights) : std::span<const float>();
        // The plain way: the rows as points of their own.
        std::vector<float> copies;
        std::vector<float> copied_weights;
        for (const int32_t row : rows) {
          copies.insert(copies.end(), points.begin() + row * dims, points.begin() + (row + 1) * dims);
          if (weighted) copied_weights.push_back(weights[static_cast<size_t>(row)]);
        }
        const auto width = static_cast<size_t>(dims);
        Answer expected(rows.size(), static_cast<size_t>(k), width);
        KmeansPartial partial{expected.sums, expected.weight_sums, expected.counts, 0};
        ASSERT_OK(KmeansAssign(copies, dims, copied_weights, centroids, {0, static_cast<int64_t>(rows.size())}, {}, expected.labels,
                               expected.distances, &partial));
        expected.inertia = partial.inertia;
        const auto check = [&](const KmeansFrame& frame) {
          Answer answer(rows.size(), static_cast<size_t>(k), width);
          std::ranges::fill(answer.labels, -9);
          KmeansPartial into{answer.sums, answer.weight_sums, answer.counts, -9};
          ASSERT_OK(KmeansAssignRows(points, dims, own, centroids, frame, rows, {}, answer.labels, answer.distances, &into));
          answer.inertia = into.inertia;
          EXPECT_TRUE(answer == expected) << dims << " dims, " << k << " centroids";
        };
        ForEachTarget([&] {
          check({});
          check({centre, steps});
        });
      }
    }
  }
}

TEST(KmeansBatch, RefusesWhatDoesNotFit) {
  const std::vector<float> points = {0, 1, 2, 3};
  const std::vector<float> centroids = {0, 3};
  std::vector<int32_t> rows = {3, 0};
  Answer answer(2, 2, 1);
  KmeansPartial partial{answer.sums, answer.weight_sums, answer.counts, 0};
  const auto assign = [&](const KmeansFrame& frame = {}, CancelFlag cancel = {}) {
    return KmeansAssignRows(points, 1, {}, centroids, frame, rows, cancel, answer.labels, answer.distances, &partial);
  };
  EXPECT_OK(assign());
  EXPECT_EQ(answer.labels, (std::vector<int32_t>{1, 0}));
  EXPECT_CODE(StatusCode::kCancelled, assign({}, Raised()));
  const std::vector<float> two = {1, 1};
  EXPECT_CODE(StatusCode::kInvalidArgument, assign({two, two}));
  rows[1] = 4;
  EXPECT_CODE(StatusCode::kOutOfRange, assign());
  rows[1] = -1;
  EXPECT_CODE(StatusCode::kOutOfRange, assign());
  rows.push_back(0);
  EXPECT_CODE(StatusCode::kOutOfRange, assign());
  rows = {0, 1, 2};
  EXPECT_CODE(StatusCode::kInvalidArgument, assign());
}

TEST(SparseKmeansBatch, ChosenRowsAreAssignedAndAddedAsAllAre) {
  uint64_t seed = 90;
  for (const MatrixKind& kind : testing::MatrixKinds()) {
    for (const int64_t k : {1, 3, 20}) {
      const auto matrix = RandomMatrix(kind, ++seed);
      const CsrView all = matrix.by_user();
      const auto n = static_cast<size_t>(all.rows);
      Random random(seed);
      std::vector<float> factors(n);
      std::vector<double> squares(n);
      ASSERT_OK(SparseRowLengths(all, true, {0, all.rows}, {}, factors, squares));
      const auto lanes = static_cast<size_t>(SparseKmeansLanes(k));
      const auto cols = static_cast<size_t>(all.cols);
      std::vector<float> centroids(cols * lanes, 0.0F);
      std::vector<double> norms(static_cast<size_t>(k), 0.0);
      for (size_t col = 0; col < cols; ++col) {
        for (size_t c = 0; c < norms.size(); ++c) {
          centroids[col * lanes + c] = static_cast<float>(random.Between(-1, 1));
          norms[c] += static_cast<double>(centroids[col * lanes + c]) * static_cast<double>(centroids[col * lanes + c]);
        }
      }
      std::vector<int32_t> labels(n);
      std::vector<float> distances(n);
      std::vector<int64_t> counts(norms.size());
      double inertia = 0;
      ASSERT_OK(SparseKmeansAssign(all, factors, squares, centroids, norms, {0, all.rows}, {}, labels, distances, counts, &inertia));
      if (n == 0) continue;
      const std::vector<int32_t> rows = RandomRows(50, all.rows, random);
      std::vector<int32_t> own_labels(rows.size());
      std::vector<float> own_distances(rows.size());
      std::vector<int64_t> own_counts(norms.size());
      double own_inertia = 0;
      ASSERT_OK(
          SparseKmeansAssignRows(all, factors, squares, centroids, norms, rows, {}, own_labels, own_distances, own_counts, &own_inertia));
      double expected_inertia = 0;
      for (size_t i = 0; i < rows.size(); ++i) {
        const auto row = static_cast<size_t>(rows[i]);
        EXPECT_EQ(own_labels[i], labels[row]);
        EXPECT_EQ(own_distances[i], distances[row]);
        expected_inertia += static_cast<double>(distances[row]);
      }
      EXPECT_NEAR(own_inertia, expected_inertia, 1e-5 * (1 + expected_inertia));

      std::vector<float> weights(n);
      for (float& weight : weights) weight = static_cast<float>(random.Between(0, 2));
      std::vector<double> expected(cols * lanes, 0.25);
      for (size_t i = 0; i < rows.size(); ++i) {
        if (own_labels[i] < 0) continue;
        const auto row = static_cast<size_t>(rows[i]);
        for (size_t cell = 0; cell < all.row_indices(rows[i]).size(); ++cell) {
          const auto col = static_cast<size_t>(all.row_indices(rows[i])[cell]);
          expected[col * lanes + static_cast<size_t>(own_labels[i])] +=
              static_cast<double>(weights[row]) * static_cast<double>(factors[row]) * static_cast<double>(all.row_values(rows[i])[cell]);
        }
      }
      for (const int64_t shard : {int64_t{1}, int64_t{5}, std::max<int64_t>(all.cols, 1)}) {
        std::vector<double> sums(cols * lanes, 0.25);
        for (const RowRange range : Shards(all.cols, shard))
          ASSERT_OK(SparseKmeansAddRows(all, factors, weights, rows, own_labels, k, range, {}, sums));
        EXPECT_TRUE(SameBits(sums, expected));
      }

      std::vector<double> scale(norms.size());
      for (size_t c = 0; c < scale.size(); ++c) scale[c] = static_cast<double>(c % 3) * 0.5;
      std::vector<float> moved = centroids;
      std::vector<double> new_norms(norms.size());
      std::vector<double> shifts(norms.size());
      ASSERT_OK(SparseKmeansScale(expected, scale, all.cols, {0, all.cols}, {}, moved, new_norms, shifts));
      for (size_t c = 0; c < scale.size(); ++c) {
        double norm = 0;
        double shift = 0;
        for (size_t at = c; at < moved.size(); at += lanes) {
          const auto wanted = scale[c] == 0 ? centroids[at] : static_cast<float>(expected[at] * scale[c]);
          EXPECT_EQ(moved[at], wanted);
          norm += static_cast<double>(wanted) * static_cast<double>(wanted);
          const double move = static_cast<double>(wanted) - static_cast<double>(centroids[at]);
          shift += move * move;
        }
        EXPECT_EQ(new_norms[c], norm);
        EXPECT_EQ(shifts[c], shift);
      }
    }
  }
}

TEST(SparseKmeansBatch, RefusesWhatDoesNotFit) {
  const auto matrix = testing::GoldenMatrix();
  const CsrView all = matrix.by_user();
  std::vector<float> factors(3, 1.0F);
  const std::vector<double> squares(3, 1.0);
  std::vector<float> centroids(48);
  std::vector<double> norms(2);
  std::vector<int32_t> rows = {0, 2};
  std::vector<int32_t> labels(2);
  std::vector<float> distances(2);
  std::vector<int64_t> counts(2);
  double inertia = 0;
  const auto assign = [&](CancelFlag cancel = {}) {
    return SparseKmeansAssignRows(all, factors, squares, centroids, norms, rows, cancel, labels, distances, counts, &inertia);
  };
  std::vector<double> sums(48);
  const auto add = [&](CancelFlag cancel = {}) { return SparseKmeansAddRows(all, factors, {}, rows, labels, 2, {0, 3}, cancel, sums); };
  EXPECT_OK(assign());
  EXPECT_OK(add());
  EXPECT_CODE(StatusCode::kCancelled, assign(Raised()));
  EXPECT_CODE(StatusCode::kCancelled, add(Raised()));
  labels[0] = 2;
  EXPECT_CODE(StatusCode::kInvalidArgument, add());
  labels[0] = 0;
  rows[0] = 3;
  EXPECT_CODE(StatusCode::kOutOfRange, assign());
  EXPECT_CODE(StatusCode::kOutOfRange, add());
  rows.pop_back();
  rows[0] = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument, add());
  std::vector<double> scale(2, 1.0);
  std::vector<double> shifts(2);
  EXPECT_OK(SparseKmeansScale(sums, scale, 3, {0, 3}, {}, centroids, norms, shifts));
  EXPECT_CODE(StatusCode::kCancelled, SparseKmeansScale(sums, scale, 3, {0, 3}, Raised(), centroids, norms, shifts));
  EXPECT_CODE(StatusCode::kOutOfRange, SparseKmeansScale(sums, scale, 3, {0, 4}, {}, centroids, norms, shifts));
  EXPECT_CODE(StatusCode::kInvalidArgument, SparseKmeansScale(sums, scale, 4, {0, 3}, {}, centroids, norms, shifts));
}

}  // namespace
}  // namespace couponcast
