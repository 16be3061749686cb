#include "couponcast/sparse_kmeans.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/sparse_kmeans_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::AssignInShards;
using testing::ForEachTarget;
using testing::MatrixKind;
using testing::Random;
using testing::SameBits;
using testing::Shards;
using testing::SparseAssignment;
using testing::SparseCentroids;
using testing::SparseCodes;
using testing::SparseRows;

// How the centroids of a test lie: apart, so near that only exact products tell them apart, or equal.
enum class Spread { kApart, kNear, kEqual };

TEST(SparseKmeans, FilteredLabelsAreThoseOfAllDistances) {
  uint64_t seed = 170;
  for (const MatrixKind& kind : testing::MatrixKinds()) {
    for (const int64_t k : {1, 5, 50, 64, 65, 130}) {
      for (const Spread spread : {Spread::kApart, Spread::kNear, Spread::kEqual}) {
        for (const double magnitude : {1.0, 1e-18, 1e12}) {
          ++seed;
          const SparseRows drawn_rows(kind, seed, seed % 2 == 0);
          const auto& [matrix, factors, squares] = drawn_rows;
          const CsrView rows = matrix.by_user();
          const auto n = static_cast<size_t>(rows.rows);
          SparseCentroids drawn(rows.cols, k);
          Random random(seed);
          for (int64_t col = 0; col < rows.cols; ++col) {
            const double centre = random.Between(-1, 1);
            for (int64_t c = 0; c < k; ++c) {
              const double apart = spread == Spread::kApart ? random.Between(-1, 1) : spread == Spread::kNear ? random.Between(0, 1e-6) : 0;
              drawn.Set(col, c, magnitude * (centre + apart));
            }
          }
          const auto& [lanes, centroids, norms] = drawn;
          const SparseAssignment all = AssignInShards(rows, factors, squares, centroids, norms, rows.rows);
          const SparseCodes codes(rows, factors, 7);
          ForEachTarget([&] {
            std::vector<int16_t> shorts(centroids.size());
            const double scale = 8192 / magnitude;
            ASSERT_OK(SparseKmeansShorten(centroids, k, scale, {0, rows.cols}, {}, shorts));
            for (const int64_t shard : {int64_t{7}, rows.rows}) {
              std::vector<int32_t> labels(n);
              std::vector<int64_t> counts(norms.size(), 0);
              for (const RowRange range : Shards(rows.rows, shard)) {
                std::vector<int64_t> some(norms.size());
                ASSERT_OK(
                    SparseKmeansLabels(rows, factors, squares, centroids, norms, codes.view(), shorts, scale, range, {}, labels, some));
                for (size_t c = 0; c < counts.size(); ++c) counts[c] += some[c];
              }
              EXPECT_TRUE(SameBits(labels, all.labels));
              EXPECT_EQ(counts, all.counts);
            }
          });
        }
      }
    }
  }
}

TEST(SparseKmeans, FilteredLabelsOfLongRows) {
  constexpr int64_t kCols = 900;
  constexpr int64_t kClusters = 33;
  Random random(12);
  testing::Dense dense(40, std::vector<float>(kCols));
  for (auto& row : dense) {
    for (float& value : row) value = static_cast<float>(random.Between(0, 1) < 0.9 ? random.Between(0, 1) : random.Between(0, 1e4));
  }
  const testing::TestMatrix matrix(dense);
  const CsrView rows = matrix.by_user();
  const auto n = static_cast<size_t>(rows.rows);
  std::vector<float> factors(n);
  std::vector<double> squares(n);
  ASSERT_OK(SparseRowLengths(rows, true, {0, rows.rows}, {}, factors, squares));
  SparseCentroids drawn(kCols, kClusters);
  for (int64_t col = 0; col < kCols; ++col) {
    for (int64_t c = 0; c < kClusters; ++c) drawn.Set(col, c, random.Between(0, 0.05));
  }
  const auto& [lanes, centroids, norms] = drawn;
  const SparseAssignment all = AssignInShards(rows, factors, squares, centroids, norms, rows.rows);
  const SparseCodes codes(rows, factors, 7);
  ForEachTarget([&] {
    std::vector<int16_t> shorts(centroids.size());
    ASSERT_OK(SparseKmeansShorten(centroids, kClusters, 1e5, {0, kCols}, {}, shorts));
    std::vector<int32_t> labels(n);
    std::vector<int64_t> counts(kClusters);
    ASSERT_OK(SparseKmeansLabels(rows, factors, squares, centroids, norms, codes.view(), shorts, 1e5, {0, rows.rows}, {}, labels, counts));
    EXPECT_TRUE(SameBits(labels, all.labels));
  });
}

TEST(SparseKmeans, CodesSayWhatTheRowsAre) {
  Random random(31);
  for (const double magnitude : {1e-30, 1e-20, 1.0, 40.0, 1e30}) {
    for (const bool whole : {false, true}) {
      testing::Dense dense(30, std::vector<float>(3000));
      for (auto& row : dense) {
        for (float& value : row) {
          const double drawn = magnitude * random.Between(-1, 1);
          value = static_cast<float>(whole ? std::round(drawn) : drawn);
        }
      }
      const testing::TestMatrix matrix(dense);
      const CsrView rows = matrix.by_user();
      std::vector<float> factors(dense.size());
      std::vector<double> squares(dense.size());
      ASSERT_OK(SparseRowLengths(rows, true, {0, rows.rows}, {}, factors, squares));
      const SparseCodes codes(rows, factors, 7);
      for (int64_t row = 0; row < rows.rows; ++row) {
        const auto at = static_cast<size_t>(row);
        double missed = 0;
        int64_t sum = 0;
        for (size_t cell = 0; cell < rows.row_values(row).size(); ++cell) {
          const int16_t code = codes.codes[static_cast<size_t>(rows.indptr[at]) + cell];
          const double gap = static_cast<double>(factors[at]) * static_cast<double>(rows.row_values(row)[cell]) -
                             static_cast<double>(codes.steps[at]) * static_cast<double>(code);
          missed += gap * gap;
          sum += std::abs(static_cast<int32_t>(code));
        }
        EXPECT_LE(sum, 65535);
        // The float32 of the step costs a rounding of each product, which the bound of a score knows of.
        EXPECT_LE(std::sqrt(missed), static_cast<double>(codes.errors[at]) + 0x1p-23 * std::sqrt(squares[at]));
        const bool exact = whole && magnitude < 50;
        if (exact) {
          EXPECT_EQ(codes.errors[at], 0);
        }
        if (magnitude > 1e-30) {
          EXPECT_LE(static_cast<double>(codes.errors[at]), 0.02 * std::sqrt(squares[at]));
        }
      }
    }
  }
  EXPECT_CODE(StatusCode::kInvalidArgument, [] {
    const auto matrix = testing::GoldenMatrix();
    std::vector<int16_t> codes(1);
    std::vector<float> factors(3);
    std::vector<float> steps(3);
    SparseKmeansReach reach;
    return SparseKmeansEncode(matrix.by_user(), factors, {0, 3}, {}, codes, steps, steps, &reach);
  }());
}

}  // namespace
}  // namespace couponcast
