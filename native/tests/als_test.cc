#include "couponcast/als.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::MatrixKinds;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;
using testing::TestMatrix;

std::vector<float> RandomFactors(int64_t rows, int64_t factors, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(rows * factors));
  for (float& value : values) value = static_cast<float>(random.Between(-0.5, 1));
  return values;
}

double At(std::span<const float> rows, int64_t factors, int64_t row, int64_t factor) {
  return static_cast<double>(rows[static_cast<size_t>(row * factors + factor)]);
}

std::vector<double> Gram(std::span<const float> rows, int64_t factors) {
  std::vector<double> gram(static_cast<size_t>(factors * factors));
  EXPECT_OK(AlsGram(rows, factors, {0, std::ssize(rows) / factors}, {}, gram));
  return gram;
}

// The normal equations of one row in float64, solved by elimination.
std::vector<double> SolvePlainly(const TestMatrix& matrix, int64_t row, std::span<const float> others, const AlsParams& params) {
  const auto f = static_cast<size_t>(params.factors);
  std::vector<std::vector<double>> a(f, std::vector<double>(f + 1, 0.0));
  for (size_t k = 0; k < f; ++k) a[k][k] = params.regularisation;
  for (int64_t col = 0; col < matrix.cols(); ++col) {
    const double r = matrix.at(row, col);
    const double confidence = 1 + params.alpha * std::fabs(r);
    for (size_t k = 0; k < f; ++k) {
      const double y = At(others, params.factors, col, static_cast<int64_t>(k));
      for (size_t l = 0; l < f; ++l) a[k][l] += confidence * y * At(others, params.factors, col, static_cast<int64_t>(l));
      if (r > 0) a[k][f] += confidence * y;
    }
  }
  for (size_t k = 0; k < f; ++k) {
    for (size_t i = 0; i < f; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (size_t l = k; l <= f; ++l) a[i][l] -= factor * a[k][l];
    }
  }
  std::vector<double> x(f);
  for (size_t k = 0; k < f; ++k) x[k] = a[k][f] / a[k][k];
  return x;
}

double LossPlainly(const TestMatrix& matrix, std::span<const float> rows, std::span<const float> others, const AlsParams& params) {
  double loss = 0;
  for (int64_t row = 0; row < matrix.rows(); ++row) {
    for (int64_t col = 0; col < matrix.cols(); ++col) {
      double score = 0;
      for (int64_t k = 0; k < params.factors; ++k) score += At(rows, params.factors, row, k) * At(others, params.factors, col, k);
      const double r = matrix.at(row, col);
      loss += (1 + params.alpha * std::fabs(r)) * std::pow((r > 0 ? 1.0 : 0.0) - score, 2);
    }
  }
  for (const float value : rows) loss += params.regularisation * static_cast<double>(value) * static_cast<double>(value);
  for (const float value : others) loss += params.regularisation * static_cast<double>(value) * static_cast<double>(value);
  return loss;
}

double Loss(const TestMatrix& matrix, const std::vector<float>& rows, const std::vector<float>& others, const AlsParams& params) {
  double loss = 0;
  for (const RowRange range : Shards(matrix.rows(), 7)) {
    double part = -7;
    EXPECT_OK(AlsLoss(matrix.by_user(), rows, others, params, range, {}, &part));
    loss += part;
  }
  const std::vector<double> x = Gram(rows, params.factors);
  const std::vector<double> y = Gram(others, params.factors);
  for (size_t i = 0; i < x.size(); ++i) loss += x[i] * y[i];
  for (size_t k = 0; k < x.size(); k += static_cast<size_t>(params.factors) + 1) loss += params.regularisation * (x[k] + y[k]);
  return loss;
}

struct Basis {
  std::vector<float> root, inverse, turned;
};

Basis BasisOf(std::span<const float> others, const AlsParams& params, int64_t shard = 1000) {
  const int64_t f = params.factors;
  const auto square = static_cast<size_t>(f * f);
  const int64_t width = (f + 15) / 16 * 16;
  Basis basis{std::vector<float>(square), std::vector<float>(square),
              std::vector<float>(others.size() / static_cast<size_t>(f) * static_cast<size_t>(width))};
  EXPECT_OK(AlsBasis(Gram(others, f), params, basis.root, basis.inverse));
  for (const RowRange range : Shards(std::ssize(others) / f, shard)) {
    const auto part = std::span(basis.turned).subspan(static_cast<size_t>(range.begin * width), static_cast<size_t>(range.size() * width));
    EXPECT_OK(AlsTurn(others, f, basis.inverse, range, {}, part));
  }
  return basis;
}

std::vector<float> Solve(const CsrView& cells, const std::vector<float>& others, const AlsParams& params, std::vector<float> x,
                         int64_t shard) {
  const Basis basis = BasisOf(others, params);
  for (const RowRange range : Shards(cells.rows, shard)) {
    const auto part =
        std::span(x).subspan(static_cast<size_t>(range.begin * params.factors), static_cast<size_t>(range.size() * params.factors));
    EXPECT_OK(AlsSolve(cells, basis.turned, basis.root, basis.inverse, params, range, {}, part));
  }
  return x;
}

TEST(Als, GramIsTheSumOfSquares) {
  for (const int64_t factors : {1, 3, 16, 17, 64, 70}) {
    const std::vector<float> rows = RandomFactors(700, factors, 5);
    const std::vector<double> gram = Gram(rows, factors);
    for (int64_t k = 0; k < factors; ++k) {
      for (int64_t l = 0; l < factors; ++l) {
        double expected = 0;
        for (int64_t row = 0; row < 700; ++row) expected += At(rows, factors, row, k) * At(rows, factors, row, l);
        EXPECT_NEAR(gram[static_cast<size_t>(k * factors + l)], expected, 1e-3);
      }
    }
    std::vector<double> sum(gram.size(), 0.0);
    for (const RowRange range : Shards(700, 256)) {
      std::vector<double> part(gram.size(), -7.0);
      ASSERT_OK(AlsGram(rows, factors, range, {}, part));
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
    }
    EXPECT_TRUE(SameBits(sum, gram));
    ForEachTarget([&] { EXPECT_TRUE(SameBits(Gram(rows, factors), gram)); });
  }
}

TEST(Als, BasisIsTheRootOfTheGram) {
  for (const int64_t factors : {1, 3, 17, 64}) {
    const AlsParams params{factors, 0.25, 1, AlsSolver::kConjugateGradient, 2};
    const std::vector<float> rows = RandomFactors(300, factors, 6);
    const std::vector<double> gram = Gram(rows, factors);
    const Basis basis = BasisOf(rows, params);
    const int64_t width = std::ssize(basis.turned) / 300;
    for (int64_t k = 0; k < factors; ++k) {
      for (int64_t l = 0; l < factors; ++l) {
        double square = 0;
        double identity = 0;
        for (int64_t i = 0; i < factors; ++i) {
          square += At(basis.root, factors, k, i) * At(basis.root, factors, l, i);
          identity += At(basis.inverse, factors, k, i) * At(basis.root, factors, i, l);
        }
        EXPECT_NEAR(square, gram[static_cast<size_t>(k * factors + l)] + (k == l ? 0.25 : 0), 1e-3);
        EXPECT_NEAR(identity, k == l ? 1 : 0, 1e-5);
      }
    }
    for (int64_t row = 0; row < 300; ++row) {
      for (int64_t k = 0; k < width; ++k) {
        double expected = 0;
        for (int64_t i = 0; k < factors && i < factors; ++i) expected += At(basis.inverse, factors, k, i) * At(rows, factors, row, i);
        EXPECT_NEAR(At(basis.turned, width, row, k), expected, 1e-5);
      }
    }
    EXPECT_TRUE(SameBits(BasisOf(rows, params, 7).turned, basis.turned));
    ForEachTarget([&] { EXPECT_TRUE(SameBits(BasisOf(rows, params).turned, basis.turned)); });
  }
}

TEST(Als, CholeskySolvesEachRow) {
  uint64_t seed = 100;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (const int64_t factors : {1, 5, 16, 33}) {
      const AlsParams params{factors, 0.5, 2, AlsSolver::kCholesky, 3};
      const std::vector<float> others = RandomFactors(matrix.cols(), factors, ++seed);
      const std::vector<float> solved = Solve(matrix.by_user(), others, params, RandomFactors(matrix.rows(), factors, ++seed), 9);
      for (int64_t row = 0; row < matrix.rows(); ++row) {
        const std::vector<double> expected = SolvePlainly(matrix, row, others, params);
        for (int64_t k = 0; k < factors; ++k) EXPECT_NEAR(At(solved, factors, row, k), expected[static_cast<size_t>(k)], 2e-3);
      }
    }
  }
}

TEST(Als, ConjugateGradientReachesTheSolution) {
  uint64_t seed = 200;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (const int64_t factors : {1, 5, 16, 20}) {
      const AlsParams params{factors, 0.5, 2, AlsSolver::kConjugateGradient, 200};
      const std::vector<float> others = RandomFactors(matrix.cols(), factors, ++seed);
      const std::vector<float> solved = Solve(matrix.by_user(), others, params, RandomFactors(matrix.rows(), factors, ++seed), 9);
      for (int64_t row = 0; row < matrix.rows(); ++row) {
        const std::vector<double> expected = SolvePlainly(matrix, row, others, params);
        for (int64_t k = 0; k < factors; ++k) EXPECT_NEAR(At(solved, factors, row, k), expected[static_cast<size_t>(k)], 2e-3);
      }
    }
  }
}

TEST(Als, LossFallsAndIsThatOfAllCells) {
  uint64_t seed = 300;
  for (const AlsSolver solver : {AlsSolver::kConjugateGradient, AlsSolver::kCholesky}) {
    for (const auto& kind : MatrixKinds()) {
      const TestMatrix matrix = RandomMatrix(kind, ++seed);
      const AlsParams params{6, 0.1, 1.5, solver, 3};
      std::vector<float> x = RandomFactors(matrix.rows(), 6, ++seed);
      std::vector<float> y = RandomFactors(matrix.cols(), 6, ++seed);
      double before = Loss(matrix, x, y, params);
      for (int iteration = 0; iteration < 5; ++iteration) {
        x = Solve(matrix.by_user(), y, params, x, 50);
        y = Solve(matrix.by_item(), x, params, y, 50);
        const double loss = Loss(matrix, x, y, params);
        EXPECT_LE(loss, before * (1 + 1e-5) + 1e-5);
        EXPECT_NEAR(loss, LossPlainly(matrix, x, y, params), 1e-4 * (1 + loss));
        before = loss;
      }
    }
  }
}

TEST(Als, TheSameBitsForEveryTargetAndShard) {
  for (const AlsSolver solver : {AlsSolver::kConjugateGradient, AlsSolver::kCholesky}) {
    for (const int64_t factors : {1, 15, 48, 64, 100}) {
      const TestMatrix matrix = RandomMatrix({40, 300, 0.4, true, false}, 7);
      const AlsParams params{factors, 0.01, 1, solver, 3};
      const std::vector<float> others = RandomFactors(300, factors, 8);
      const std::vector<float> start = RandomFactors(40, factors, 9);
      const std::vector<float> solved = Solve(matrix.by_user(), others, params, start, 40);
      for (const int64_t shard : {1, 6}) EXPECT_TRUE(SameBits(Solve(matrix.by_user(), others, params, start, shard), solved));
      ForEachTarget([&] { EXPECT_TRUE(SameBits(Solve(matrix.by_user(), others, params, start, 40), solved)); });
    }
  }
}

TEST(Als, RowsLongerThanTheTile) {
  constexpr int64_t kFactors = 512;
  const TestMatrix matrix = RandomMatrix({2, 700, 0.9, false, false}, 3);
  const std::vector<float> others = RandomFactors(700, kFactors, 4);
  AlsParams params{kFactors, 50, 1, AlsSolver::kConjugateGradient, 300};
  const std::vector<float> start(static_cast<size_t>(2 * kFactors), 0.0F);
  const std::vector<float> by_steps = Solve(matrix.by_user(), others, params, start, 2);
  params.solver = AlsSolver::kCholesky;
  const std::vector<float> at_once = Solve(matrix.by_user(), others, params, start, 2);
  for (size_t i = 0; i < start.size(); ++i) EXPECT_NEAR(by_steps[i], at_once[i], 1e-4);
}

TEST(Als, NothingThatDeterminesARow) {
  // No regularisation, one cell, three factors, two of them 0 everywhere.
  const TestMatrix matrix(testing::Dense{{1}, {0}}, 1);
  for (const AlsSolver solver : {AlsSolver::kConjugateGradient, AlsSolver::kCholesky}) {
    const AlsParams params{3, 0, 1, solver, 5};
    const std::vector<float> solved = Solve(matrix.by_user(), {0.5F, 0, 0}, params, {0, 0, 0, 7, 7, 7}, 2);
    EXPECT_NEAR(solved[0], 2, 1e-5);
    for (size_t i = 1; i < 6; ++i) EXPECT_EQ(solved[i], 0.0F);
  }
}

TEST(Als, DirectionsThatAreRoundingAloneHaveNoPart) {
  // Four items in seven factors: three directions are nobody's, and without regularisation nothing but rounding holds them.
  const testing::Dense dense{{1, 0, 0, 1}, {0, 1, 1, 1}, {0, 1, 0, 1}};
  const TestMatrix matrix(dense, 4);
  for (const AlsSolver solver : {AlsSolver::kConjugateGradient, AlsSolver::kCholesky}) {
    const AlsParams params{7, 0, 0, solver, 20};
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      const std::vector<float> items = RandomFactors(4, 7, seed);
      const std::vector<float> users = Solve(matrix.by_user(), items, params, std::vector<float>(21), 3);
      for (size_t u = 0; u < dense.size(); ++u) {
        for (size_t i = 0; i < 4; ++i) {
          double score = 0;
          for (size_t k = 0; k < 7; ++k) score += double{users[u * 7 + k]} * items[i * 7 + k];
          EXPECT_NEAR(score, dense[u][i], 5e-3) << seed;
        }
      }
    }
  }
}

TEST(Als, StartDependsOnSeedAndPlaceAlone) {
  std::vector<float> all(1000);
  AlsStart(7, 0, 0.01F, all);
  std::vector<float> part(300);
  AlsStart(7, 500, 0.01F, part);
  EXPECT_TRUE(SameBits(part, std::vector<float>(all.begin() + 500, all.begin() + 800)));
  double sum = 0;
  for (const float value : all) {
    EXPECT_LE(std::fabs(value), 0.01F);
    sum += static_cast<double>(value);
  }
  EXPECT_LT(std::fabs(sum / 1000), 0.001);
  AlsStart(8, 500, 0.01F, part);
  EXPECT_NE(part[0], all[500]);
}

TEST(Als, RefusesWhatDoesNotFit) {
  const TestMatrix matrix({{1, 0, 2}, {0, 1, 0}});
  const std::vector<float> others(6, 1.0F);
  const std::vector<float> turned(48, 1.0F);
  std::vector<float> square(4, 1.0F);
  std::vector<float> solved(4);
  const auto solve = [&](const AlsParams& params, RowRange range = {0, 2}, CancelFlag cancel = {}) {
    return AlsSolve(matrix.by_user(), turned, square, square, params, range, cancel, solved);
  };
  const AlsParams good{2, 0.1, 1, AlsSolver::kConjugateGradient, 3};
  EXPECT_OK(solve(good));
  const auto with = [&](auto change) {
    AlsParams params = good;
    change(params);
    return params;
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(with([](AlsParams& p) { p.factors = 0; })));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(with([](AlsParams& p) { p.factors = 513; })));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(with([](AlsParams& p) { p.factors = 3; })));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(with([](AlsParams& p) { p.regularisation = -1; })));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(with([](AlsParams& p) { p.alpha = NAN; })));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(with([](AlsParams& p) { p.steps = 0; })));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve(good, {0, 1}));
  EXPECT_CODE(StatusCode::kOutOfRange, solve(good, {1, 3}));
  EXPECT_CODE(StatusCode::kCancelled, solve(good, {0, 2}, Raised()));
  std::vector<double> sums(4);
  EXPECT_CODE(StatusCode::kInvalidArgument, AlsGram(others, 4, {0, 1}, {}, sums));
  EXPECT_CODE(StatusCode::kOutOfRange, AlsGram(others, 2, {0, 4}, {}, sums));
  EXPECT_CODE(StatusCode::kCancelled, AlsGram(others, 2, {0, 3}, Raised(), sums));
  EXPECT_CODE(StatusCode::kInvalidArgument, AlsBasis(std::vector<double>(3), good, square, square));
  EXPECT_CODE(StatusCode::kInvalidArgument, AlsBasis(std::vector<double>(4, NAN), good, square, square));
  std::vector<float> turn(32);
  EXPECT_CODE(StatusCode::kInvalidArgument, AlsTurn(others, 4, square, {0, 1}, {}, turn));
  EXPECT_CODE(StatusCode::kInvalidArgument, AlsTurn(others, 2, square, {0, 1}, {}, turn));
  EXPECT_CODE(StatusCode::kOutOfRange, AlsTurn(others, 2, square, {2, 4}, {}, turn));
  EXPECT_CODE(StatusCode::kCancelled, AlsTurn(others, 2, square, {1, 3}, Raised(), turn));
  double sum = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument, AlsLoss(matrix.by_user(), others, others, good, {0, 2}, {}, &sum));
  EXPECT_CODE(StatusCode::kCancelled, AlsLoss(matrix.by_user(), solved, others, good, {0, 2}, Raised(), &sum));
}

}  // namespace
}  // namespace couponcast
