#include "couponcast/cosine_dbscan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "couponcast/dbscan.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::MatrixKind;
using testing::MatrixKinds;
using testing::Raised;
using testing::RandomMatrix;
using testing::Shards;
using testing::TestMatrix;

struct OwnedIndex {
  std::vector<double> norms;
  std::vector<int32_t> ranks;
  std::vector<int32_t> cuts;
  std::vector<int32_t> marks;
  std::vector<float> beginnings;
  std::vector<int64_t> indptr;
  std::vector<int32_t> entries;
  std::vector<float> weights;

  OwnedIndex(const TestMatrix& matrix, double eps)
      : norms(static_cast<size_t>(matrix.rows())),
        ranks(static_cast<size_t>(matrix.cols())),
        cuts(norms.size()),
        marks(kCosineMarks),
        beginnings(norms.size() * kCosineMarks),
        indptr(static_cast<size_t>(matrix.cols()) + 1),
        entries(matrix.by_user().indices.size()),
        weights(entries.size()) {
    EXPECT_OK(
        BuildCosineIndex(matrix.by_user(), matrix.by_item(), eps, {}, {norms, ranks, cuts, marks, beginnings, indptr, entries, weights}));
  }
  CosineIndex view() const { return {norms, ranks, cuts, marks, beginnings, indptr, entries, weights}; }
};

std::vector<int32_t> Cluster(const TestMatrix& matrix, double eps, int64_t min_samples, int64_t shard, size_t lanes) {
  const OwnedIndex owner(matrix, eps);
  const CsrView rows = matrix.by_user();
  std::vector<int32_t> cores(static_cast<size_t>((rows.rows + 31) / 32));
  std::vector<std::vector<int32_t>> forests(lanes, std::vector<int32_t>(static_cast<size_t>(rows.rows)));
  for (auto& forest : forests) std::iota(forest.begin(), forest.end(), 0);
  std::vector<int32_t> labels(static_cast<size_t>(rows.rows), -7);
  size_t lane = 0;
  for (const RowRange range : Shards(rows.rows, shard))
    EXPECT_OK(CosineCores(rows, owner.view(), eps, min_samples, {}, range, {}, {}, cores));
  for (const RowRange range : Shards(rows.rows, shard)) {
    EXPECT_OK(CosineLinks(rows, owner.view(), eps, cores, range, {}, {}, forests[lane]));
    lane = (lane + 1) % lanes;
  }
  for (size_t i = 1; i < lanes; ++i) EXPECT_OK(MergeForests(forests[i], {}, forests[0]));
  int64_t clusters = 0;
  EXPECT_OK(NumberClusters({}, cores, forests[0], labels, &clusters));
  for (const RowRange range : Shards(rows.rows, shard)) EXPECT_OK(CosineBorders(rows, owner.view(), eps, cores, {}, range, {}, {}, labels));
  return labels;
}

// Scikit-learn's loop over all pairs.
std::vector<int32_t> Plain(const TestMatrix& matrix, double eps, int64_t min_samples) {
  const int64_t rows = matrix.rows();
  const auto dot = [&](int64_t a, int64_t b) {
    double sum = 0;
    for (int64_t col = 0; col < matrix.cols(); ++col) sum += matrix.at(a, col) * matrix.at(b, col);
    return sum;
  };
  const auto near = [&](int64_t a, int64_t b) {
    if (a == b) return true;
    const double norms = std::sqrt(dot(a, a)) * std::sqrt(dot(b, b));
    return norms > 0 && 1 - dot(a, b) / norms <= eps;
  };
  std::vector<bool> core;
  for (int64_t a = 0; a < rows; ++a) {
    int64_t found = 0;
    for (int64_t b = 0; b < rows; ++b) found += near(a, b) ? 1 : 0;
    core.push_back(found >= min_samples);
  }
  std::vector<int32_t> labels(static_cast<size_t>(rows), -1);
  int32_t clusters = 0;
  for (int64_t start = 0; start < rows; ++start) {
    if (!core[static_cast<size_t>(start)] || labels[static_cast<size_t>(start)] != -1) continue;
    std::vector<int64_t> stack = {start};
    labels[static_cast<size_t>(start)] = clusters;
    while (!stack.empty()) {
      const int64_t a = stack.back();
      stack.pop_back();
      for (int64_t b = 0; core[static_cast<size_t>(a)] && b < rows; ++b) {
        if (labels[static_cast<size_t>(b)] != -1 || !near(a, b)) continue;
        labels[static_cast<size_t>(b)] = clusters;
        stack.push_back(b);
      }
    }
    ++clusters;
  }
  return labels;
}

TEST(CosineDbscan, EqualsAllPairs) {
  uint64_t seed = 1;
  for (const MatrixKind& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, seed++);
    for (const double eps : {1e-6, 0.05, 0.2, 0.5, 0.8, 0.999}) {
      for (const int64_t min_samples : {1, 2, 4, 15}) {
        const std::vector<int32_t> expected = Plain(matrix, eps, min_samples);
        EXPECT_EQ(Cluster(matrix, eps, min_samples, 1024, 1), expected) << kind.rows << " x " << kind.cols << " eps " << eps;
        EXPECT_EQ(Cluster(matrix, eps, min_samples, 32, 3), expected) << "shards of 32 rows, 3 lanes";
      }
    }
  }
}

TEST(CosineDbscan, EqualRowsAndEmptyOnes) {
  testing::Dense dense(70, {0, 1, 2});
  dense[3] = {0, 0, 0};
  dense[69] = {5, 0, 0};
  const std::vector<int32_t> labels = Cluster(TestMatrix(dense, 3), 1e-6, 68, 64, 2);
  for (size_t row = 0; row < labels.size(); ++row) EXPECT_EQ(labels[row], row == 3 || row == 69 ? -1 : 0);
  EXPECT_EQ(Cluster(TestMatrix(testing::Dense(40, {0, 0}), 2), 0.5, 1, 32, 1)[39], 39);
}

TEST(CosineDbscan, LooksAtCandidatesOnly) {
  const TestMatrix matrix = RandomMatrix({70, 12, 0.4, false, false}, 5);
  const OwnedIndex owner(matrix, 0.3);
  const CsrView rows = matrix.by_user();
  const auto cores_of = [&](const std::vector<int32_t>& candidates) {
    std::vector<int32_t> cores(3);
    EXPECT_OK(CosineCores(rows, owner.view(), 0.3, 4, candidates, {0, 70}, {}, {}, cores));
    return cores;
  };
  const std::vector<int32_t> all = cores_of({});
  EXPECT_EQ(cores_of({-1, -1, -1}), all);
  EXPECT_EQ(cores_of(all), all);
  EXPECT_EQ(cores_of({0x55555555, 0, 3}), (std::vector<int32_t>{all[0] & 0x55555555, 0, all[2] & 3}));
  std::vector<int32_t> labels(70, 0);
  EXPECT_OK(CosineBorders(rows, owner.view(), 0.3, all, std::vector<int32_t>(3), {0, 70}, {}, {}, labels));
  for (size_t row = 0; row < labels.size(); ++row) EXPECT_EQ(labels[row], (all[row / 32] >> (row % 32) & 1) != 0 ? 0 : -1);
  std::vector<int32_t> cores(3);
  EXPECT_CODE(StatusCode::kInvalidArgument, CosineCores(rows, owner.view(), 0.3, 4, std::vector<int32_t>(2), {0, 70}, {}, {}, cores));
}

TEST(CosineDbscan, RefusesAndStops) {
  const TestMatrix matrix = RandomMatrix({50, 20, 0.3, false, false}, 3);
  const OwnedIndex owner(matrix, 0.5);
  const CsrView rows = matrix.by_user();
  std::vector<int32_t> cores(2);
  std::vector<int32_t> forest(50);
  for (const double eps : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_CODE(StatusCode::kInvalidArgument, CosineCores(rows, owner.view(), eps, 4, {}, {0, 50}, {}, {}, cores));
    EXPECT_CODE(StatusCode::kInvalidArgument, CosineLinks(rows, owner.view(), eps, cores, {0, 50}, {}, {}, forest));
    EXPECT_CODE(StatusCode::kInvalidArgument, CosineBorders(rows, owner.view(), eps, cores, {}, {0, 50}, {}, {}, forest));
  }
  EXPECT_CODE(StatusCode::kInvalidArgument, CosineCores(rows, owner.view(), 0.5, 0, {}, {0, 50}, {}, {}, cores));
  EXPECT_CODE(StatusCode::kInvalidArgument, CosineCores(rows, owner.view(), 0.5, 4, {}, {1, 50}, {}, {}, cores));
  EXPECT_CODE(StatusCode::kOutOfRange, CosineCores(rows, owner.view(), 0.5, 4, {}, {0, 51}, {}, {}, cores));
  EXPECT_CODE(StatusCode::kCancelled, CosineCores(rows, owner.view(), 0.5, 4, {}, {0, 50}, Raised(), {}, cores));
  EXPECT_CODE(StatusCode::kCancelled, CosineLinks(rows, owner.view(), 0.5, cores, {0, 50}, Raised(), {}, forest));
  EXPECT_CODE(StatusCode::kCancelled, CosineBorders(rows, owner.view(), 0.5, cores, {}, {0, 50}, Raised(), {}, forest));
}

}  // namespace
}  // namespace couponcast
