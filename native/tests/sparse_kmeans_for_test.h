// What the tests of K-means on sparse rows share: rows of a random matrix, their labels, their codes, and means by item.
#ifndef COUPONCAST_TESTS_SPARSE_KMEANS_FOR_TEST_H_
#define COUPONCAST_TESTS_SPARSE_KMEANS_FOR_TEST_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "couponcast/sparse_kmeans.h"
#include "tests/test_util.h"

namespace couponcast::testing {

struct SparseRows {
  SparseRows(const MatrixKind& kind, uint64_t seed, bool unit)
      : matrix(RandomMatrix(kind, seed)), factors(static_cast<size_t>(kind.rows)), squares(factors.size()) {
    EXPECT_OK(SparseRowLengths(matrix.by_user(), unit, {0, kind.rows}, {}, factors, squares));
  }

  TestMatrix matrix;
  std::vector<float> factors;
  std::vector<double> squares;
};

// Centroids by item, all 0 but those that are set, each once, and their squared lengths.
struct SparseCentroids {
  SparseCentroids(int64_t items, int64_t k)
      : lanes(SparseKmeansLanes(k)), scores(static_cast<size_t>(items * lanes), 0.0F), norms(static_cast<size_t>(k), 0.0) {}
  void Set(int64_t item, int64_t c, double value) {
    const auto score = static_cast<float>(value);
    scores[static_cast<size_t>(item * lanes + c)] = score;
    norms[static_cast<size_t>(c)] += static_cast<double>(score) * static_cast<double>(score);
  }

  int64_t lanes;
  std::vector<float> scores;
  std::vector<double> norms;
};

// Labels of rows by all distances.
struct SparseAssignment {
  std::vector<int32_t> labels;
  std::vector<float> distances;
  std::vector<int64_t> counts;
  double inertia = 0;
};

inline SparseAssignment AssignInShards(const CsrView& rows, const std::vector<float>& factors, const std::vector<double>& squares,
                                       const std::vector<float>& centroids, const std::vector<double>& norms, int64_t shard) {
  const auto n = static_cast<size_t>(rows.rows);
  SparseAssignment all{std::vector<int32_t>(n), std::vector<float>(n), std::vector<int64_t>(norms.size()), 0};
  for (const RowRange range : Shards(rows.rows, shard)) {
    std::vector<int64_t> counts(norms.size());
    double inertia = 0;
    EXPECT_OK(SparseKmeansAssign(rows, factors, squares, centroids, norms, range, {}, all.labels, all.distances, counts, &inertia));
    for (size_t c = 0; c < counts.size(); ++c) all.counts[c] += counts[c];
    all.inertia += inertia;
  }
  return all;
}

struct SparseCodes {
  // In calls of `shard` rows each.
  SparseCodes(const CsrView& rows, const std::vector<float>& factors, int64_t shard)
      : codes(rows.values.size()), steps(factors.size()), errors(factors.size()) {
    for (const RowRange range : Shards(rows.rows, shard)) {
      SparseKmeansReach reach;
      EXPECT_OK(SparseKmeansEncode(rows, factors, range, {}, codes, steps, errors, &reach));
    }
  }
  SparseKmeansCodes view() const { return {codes, steps, errors}; }

  std::vector<int16_t> codes;
  std::vector<float> steps;
  std::vector<float> errors;
};

struct SparseMeans {
  SparseMeans(int64_t items, int64_t k)
      : centroids(static_cast<size_t>(items * SparseKmeansLanes(k))),
        shorts(centroids.size()),
        norms(static_cast<size_t>(SparseKmeansShards(items) * k)),
        shifts(norms.size()),
        products(norms.size()) {}
  SparseKmeansTotals totals() { return {norms, shifts, products}; }

  std::vector<float> centroids;
  std::vector<int16_t> shorts;
  std::vector<double> norms;
  std::vector<double> shifts;
  std::vector<double> products;
  float largest = 0;
};

inline void ExpectSame(const SparseMeans& a, const SparseMeans& b) {
  EXPECT_TRUE(SameBits(a.centroids, b.centroids) && SameBits(a.shorts, b.shorts));
  EXPECT_TRUE(SameBits(a.norms, b.norms) && SameBits(a.shifts, b.shifts) && SameBits(a.products, b.products));
  EXPECT_EQ(a.largest, b.largest);
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_SPARSE_KMEANS_FOR_TEST_H_
