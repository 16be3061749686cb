#include "couponcast/ease.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "couponcast/scored_index.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Dense;
using testing::ForEachTarget;
using testing::MatrixKinds;
using testing::Raised;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;
using testing::TestMatrix;

// The weights by the steps of the core, in shards of `shard` rows.
std::vector<float> Weights(const TestMatrix& matrix, double regularisation, int64_t shard) {
  const int64_t items = matrix.cols();
  const int64_t size = EaseSize(items);
  std::vector<double> square(static_cast<size_t>(size * size), -7.0);
  std::vector<double> pivot(static_cast<size_t>(kEaseBlock * kEaseBlock));
  std::vector<double> columns(static_cast<size_t>(size * kEaseBlock));
  std::vector<double> solved(columns.size());
  const EaseState state{square, pivot, columns, solved};
  for (const RowRange range : Shards(size, shard))
    EXPECT_OK(EaseGram(matrix.by_user(), matrix.by_item(), regularisation, range, {}, square));
  for (int64_t block = 0; block < EaseBlocks(size); ++block) {
    EXPECT_OK(EasePivot(state, block));
    for (const RowRange range : Shards(size, shard)) EXPECT_OK(EasePanel(state, block, range, {}));
    for (const RowRange range : Shards(size, shard)) EXPECT_OK(EaseUpdate(state, block, range, {}));
  }
  std::vector<float> weights(static_cast<size_t>(items * items), -7);
  for (const RowRange range : Shards(items, shard)) {
    const auto part = std::span(weights).subspan(static_cast<size_t>(range.begin * items), static_cast<size_t>(range.size() * items));
    EXPECT_OK(EaseWeights(square, items, range, part));
  }
  return weights;
}

std::vector<double> WeightsPlainly(const TestMatrix& matrix, double regularisation) {
  const auto n = static_cast<size_t>(matrix.cols());
  std::vector<std::vector<double>> a(n, std::vector<double>(2 * n, 0.0));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      for (int64_t user = 0; user < matrix.rows(); ++user)
        a[i][j] += matrix.at(user, static_cast<int64_t>(i)) * matrix.at(user, static_cast<int64_t>(j));
    }
    a[i][i] += regularisation;
    a[i][n + i] = 1;
  }
  for (size_t p = 0; p < n; ++p) {
    const double pivot = a[p][p];
    for (double& value : a[p]) value /= pivot;
    for (size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = a[i][p];
      for (size_t j = 0; j < 2 * n; ++j) a[i][j] -= factor * a[p][j];
    }
  }
  std::vector<double> weights(n * n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) weights[i * n + j] = i == j ? 0 : -a[i][n + j] / a[j][n + j];
  }
  return weights;
}

// numpy: X = [[1, 2, 0], [0, 1, 1], [3, 0, 1]]; P = inv(X.T @ X + 2 I); B = -P / diag(P), diagonal 0.
TEST(Ease, GoldenOfNumpy) {
  const std::vector<float> weights = Weights(TestMatrix(Dense{{1, 2, 0}, {0, 1, 1}, {3, 0, 1}}), 2, 24);
  const std::vector<double> expected = {0, 0.12820512820512819,  0.23749999999999999, 0.18518518518518512,
                                        0, 0.074999999999999997, 0.70370370370370361, 0.15384615384615385,
                                        0};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(weights[i], expected[i], 1e-7);
}

TEST(Ease, EqualsThePlainInverse) {
  uint64_t seed = 500;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (const double regularisation : {0.01, 10.0}) {
      const std::vector<float> weights = Weights(matrix, regularisation, 72);
      const std::vector<double> expected = WeightsPlainly(matrix, regularisation);
      for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(weights[i], expected[i], 1e-6 * (1 + std::fabs(expected[i])));
    }
  }
}

TEST(Ease, SeveralBlocksHaveTheSameBitsForEveryTargetAndShard) {
  const TestMatrix matrix = RandomMatrix({100, kEaseBlock + 40, 0.2, true, false}, 5);
  const std::vector<float> weights = Weights(matrix, 3, 2 * kEaseBlock);
  const std::vector<double> expected = WeightsPlainly(matrix, 3);
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(weights[i], expected[i], 1e-6 * (1 + std::fabs(expected[i])));
  EXPECT_TRUE(SameBits(Weights(matrix, 3, 24), weights));
  ForEachTarget([&] { EXPECT_TRUE(SameBits(Weights(matrix, 3, 144), weights)); });
}

TEST(Ease, RecommendsTheLargestSums) {
  const TestMatrix matrix = RandomMatrix({60, 40, 0.2, false, false}, 9);
  const std::vector<float> weights = Weights(matrix, 5, 48);
  RecommendOptions options;
  options.n = 6;
  std::vector<uint8_t> allowed(40, 1);
  allowed[3] = 0;
  options.allowed = allowed;
  std::vector<int32_t> items(size_t{60} * 6);
  std::vector<float> scores(size_t{60} * 6);
  std::vector<uint8_t> sources(size_t{60} * 6);
  std::vector<int32_t> counts(60);
  ASSERT_OK(RecommendFromDense(matrix.by_user(), weights, {0, 60}, options, {}, {items, scores, sources, counts}));
  for (int64_t user = 0; user < 60; ++user) {
    std::vector<ScoredIndex> all;
    for (int64_t item = 0; item < 40; ++item) {
      float sum = 0;
      for (int64_t own = 0; own < 40; ++own) {
        const volatile float product = static_cast<float>(matrix.at(user, own)) * weights[static_cast<size_t>(own * 40 + item)];
        if (matrix.at(user, own) != 0) sum += product;
      }
      if (sum > 0 && item != 3 && matrix.at(user, item) == 0) all.push_back({sum, static_cast<int32_t>(item)});
    }
    std::ranges::sort(all, kBetter);
    ASSERT_EQ(counts[static_cast<size_t>(user)], std::min<int64_t>(6, std::ssize(all)));
    for (size_t j = 0; j < static_cast<size_t>(counts[static_cast<size_t>(user)]); ++j) {
      EXPECT_EQ(items[static_cast<size_t>(user) * 6 + j], all[j].index);
      EXPECT_EQ(scores[static_cast<size_t>(user) * 6 + j], all[j].score);
    }
  }
}

TEST(Ease, ScopesSumRows) {
  const std::vector<float> dense = {0, 1, 2, 3, 0, 4, 5, 6, 0};
  const std::vector<int64_t> indptr = {0, 2, 3};
  const std::vector<int32_t> items = {0, 2, 1};
  std::vector<float> weights(9);
  ASSERT_OK(ScopeWeightsOfDense(dense, {3, indptr, items}, {0, 3}, {}, weights));
  EXPECT_EQ(weights, std::vector<float>({2, 1, 3, 7, 0, 7, 5, 6, 11}));
}

TEST(Ease, RefusesWhatDoesNotFit) {
  const TestMatrix matrix(Dense{{1, 0, 2}, {0, 1, 0}});
  std::vector<double> square(static_cast<size_t>(kEaseTile * kEaseTile));
  const auto gram = [&](double regularisation, RowRange range, CancelFlag cancel = {}) {
    return EaseGram(matrix.by_user(), matrix.by_item(), regularisation, range, cancel, square);
  };
  EXPECT_OK(gram(1, {0, kEaseTile}));
  EXPECT_CODE(StatusCode::kInvalidArgument, gram(0, {0, 1}));
  EXPECT_CODE(StatusCode::kInvalidArgument, gram(NAN, {0, 1}));
  EXPECT_CODE(StatusCode::kOutOfRange, gram(1, {0, kEaseTile + 1}));
  std::vector<double> pivot(static_cast<size_t>(kEaseBlock * kEaseBlock));
  std::vector<double> columns(static_cast<size_t>(kEaseTile * kEaseBlock));
  std::vector<double> solved(columns.size());
  const EaseState state{square, pivot, columns, solved};
  EXPECT_OK(EasePivot(state, 0));
  EXPECT_CODE(StatusCode::kOutOfRange, EasePivot(state, 1));
  EXPECT_CODE(StatusCode::kInvalidArgument, EasePivot(state, 0));  // swept: negative definite
  EXPECT_CODE(StatusCode::kInvalidArgument, EasePanel(state, 0, {0, 23}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, EaseUpdate(state, 0, {0, 2 * kEaseTile}, {}));
  EXPECT_CODE(StatusCode::kCancelled, EasePanel(state, 0, {0, kEaseTile}, Raised()));
  EXPECT_CODE(StatusCode::kCancelled, EaseUpdate(state, 0, {0, kEaseTile}, Raised()));
  EXPECT_CODE(StatusCode::kInvalidArgument, EasePivot({std::span(square).first(100), pivot, columns, solved}, 0));
  std::vector<float> weights(9);
  EXPECT_CODE(StatusCode::kInvalidArgument, EaseWeights(square, 3, {0, 2}, weights));
}

}  // namespace
}  // namespace couponcast
