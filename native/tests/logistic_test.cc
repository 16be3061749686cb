#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "couponcast/response.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::Shards;

struct Design {
  size_t dims;
  std::vector<float> x;
  std::vector<uint8_t> y;
  int64_t rows() const { return static_cast<int64_t>(y.size()); }
};

Design RandomDesign(int64_t rows, size_t dims, uint64_t seed) {
  Random random(seed);
  Design design{dims, std::vector<float>(static_cast<size_t>(rows) * dims), std::vector<uint8_t>(static_cast<size_t>(rows))};
  for (float& value : design.x) value = random.Below(5) == 0 ? 0.0F : static_cast<float>(random.Between(-2, 2));
  for (uint8_t& label : design.y) label = static_cast<uint8_t>(random.Below(2));
  return design;
}

struct Partial {
  double loss = -7;
  std::vector<double> gradient;
  std::vector<double> hessian;
};

Partial Evaluate(const Design& design, const std::vector<double>& beta, RowRange range) {
  Partial partial{-7, std::vector<double>(design.dims, -7.0), std::vector<double>(design.dims * design.dims, -7.0)};
  EXPECT_OK(LogisticPartial(design.x, design.y, beta, range, {}, &partial.loss, partial.gradient, partial.hessian));
  return partial;
}

TEST(Logistic, LossIsTheNegativeLogLikelihood) {
  const Design design = RandomDesign(50, 3, 1);
  const std::vector<double> beta = {0.3, -1.2, 0.8};
  long double expected = 0;
  for (size_t i = 0; i < 50; ++i) {
    long double z = 0;
    for (size_t d = 0; d < 3; ++d) z += static_cast<long double>(design.x[i * 3 + d]) * static_cast<long double>(beta[d]);
    const long double p = 1 / (1 + std::exp(-z));
    expected -= design.y[i] != 0 ? std::log(p) : std::log(1 - p);
  }
  EXPECT_NEAR(Evaluate(design, beta, {0, 50}).loss, static_cast<double>(expected), 1e-12 * static_cast<double>(expected));
}

TEST(Logistic, DerivativesAgreeWithFiniteDifferences) {
  constexpr double kStep = 1e-5;
  for (const size_t dims : {1, 2, 5, 9}) {
    const Design design = RandomDesign(80, dims, 10 + dims);
    Random random(dims);
    std::vector<double> beta(dims);
    for (double& value : beta) value = random.Between(-1, 1);
    const Partial at = Evaluate(design, beta, {0, 80});
    for (size_t a = 0; a < dims; ++a) {
      std::vector<double> up = beta;
      std::vector<double> down = beta;
      up[a] += kStep;
      down[a] -= kStep;
      const Partial above = Evaluate(design, up, {0, 80});
      const Partial below = Evaluate(design, down, {0, 80});
      EXPECT_NEAR(at.gradient[a], (above.loss - below.loss) / (2 * kStep), 1e-6);
      for (size_t b = 0; b < dims; ++b) {
        EXPECT_NEAR(at.hessian[a * dims + b], (above.gradient[b] - below.gradient[b]) / (2 * kStep), 1e-6);
        EXPECT_EQ(at.hessian[a * dims + b], at.hessian[b * dims + a]);
      }
    }
  }
}

TEST(Logistic, ShardsAddUpToTheWhole) {
  const Design design = RandomDesign(101, 4, 3);
  const std::vector<double> beta = {0.5, -0.25, 1.0, -2.0};
  const Partial whole = Evaluate(design, beta, {0, 101});
  for (const int64_t size : {1, 10, 100}) {
    Partial sum{0, std::vector<double>(4, 0.0), std::vector<double>(16, 0.0)};
    for (const RowRange range : Shards(101, size)) {
      const Partial part = Evaluate(design, beta, range);
      sum.loss += part.loss;
      for (size_t i = 0; i < 4; ++i) sum.gradient[i] += part.gradient[i];
      for (size_t i = 0; i < 16; ++i) sum.hessian[i] += part.hessian[i];
    }
    EXPECT_NEAR(sum.loss, whole.loss, 1e-10);
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(sum.gradient[i], whole.gradient[i], 1e-10);
    for (size_t i = 0; i < 16; ++i) EXPECT_NEAR(sum.hessian[i], whole.hessian[i], 1e-10);
  }
}

TEST(Logistic, SurvivesScoresThatOverflowExp) {
  const Design design{1, {1e6F, -1e6F, 1e6F, -1e6F}, {1, 0, 0, 1}};
  const Partial partial = Evaluate(design, {1.0}, {0, 4});
  EXPECT_EQ(partial.loss, 2e6);  // the two wrong ones cost |z| each
  EXPECT_EQ(partial.gradient[0], 2e6);
  EXPECT_EQ(partial.hessian[0], 0.0);
}

TEST(Logistic, NewtonFindsThePlantedCoefficients) {
  const std::vector<double> planted = {-0.7, 1.3, -0.4};
  Random random(5);
  Design design = RandomDesign(40000, 3, 6);
  for (size_t i = 0; i < design.y.size(); ++i) {
    design.x[i * 3] = 1;
    double z = 0;
    for (size_t d = 0; d < 3; ++d) z += planted[d] * static_cast<double>(design.x[i * 3 + d]);
    design.y[i] = random.Between(0, 1) < Sigmoid(z) ? 1 : 0;
  }
  std::vector<double> beta(3, 0.0);
  for (int step = 0; step < 8; ++step) {
    const Partial at = Evaluate(design, beta, {0, design.rows()});
    std::vector<double> move(3);
    ASSERT_OK(SolveSpd(at.hessian, at.gradient, move));
    for (size_t d = 0; d < 3; ++d) beta[d] -= move[d];
  }
  for (const double g : Evaluate(design, beta, {0, design.rows()}).gradient) EXPECT_NEAR(g, 0, 1e-8);
  for (size_t d = 0; d < 3; ++d) EXPECT_NEAR(beta[d], planted[d], 0.06);
}

TEST(Logistic, PredictIsTheSigmoidOfTheScore) {
  const Design design = RandomDesign(30, 3, 8);
  const std::vector<double> beta = {0.3, -1.2, 0.8};
  std::vector<float> whole(30);
  ASSERT_OK(LogisticPredict(design.x, beta, {0, 30}, whole));
  for (size_t i = 0; i < 30; ++i) {
    double z = 0;
    for (size_t d = 0; d < 3; ++d) z += static_cast<double>(design.x[i * 3 + d]) * beta[d];
    EXPECT_EQ(whole[i], static_cast<float>(Sigmoid(z)));
  }
  std::vector<float> part(7);
  ASSERT_OK(LogisticPredict(design.x, beta, {10, 17}, part));
  EXPECT_TRUE(SameBits(part, std::vector<float>(whole.begin() + 10, whole.begin() + 17)));
}

TEST(Logistic, RefusesWhatDoesNotFit) {
  const Design design = RandomDesign(10, 3, 8);
  const std::vector<double> beta = {1, 2, 3};
  std::vector<double> gradient(3);
  std::vector<double> hessian(9);
  double loss = 0;
  const auto run = [&](std::span<const double> b, std::span<const uint8_t> y, RowRange range, CancelFlag cancel = {}) {
    return LogisticPartial(design.x, y, b, range, cancel, &loss, gradient, hessian);
  };
  const std::span<const uint8_t> y = design.y;
  EXPECT_OK(run(beta, y, {0, 10}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({}, y, {0, 10}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(std::span(beta).first(2), y, {0, 10}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(beta, y.first(9), {0, 10}));
  EXPECT_CODE(StatusCode::kOutOfRange, run(beta, y, {0, 11}));
  EXPECT_CODE(StatusCode::kCancelled, run(beta, y, {0, 10}, Raised()));
  hessian.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, run(beta, y, {0, 10}));
  std::vector<float> probabilities(9);
  EXPECT_CODE(StatusCode::kInvalidArgument, LogisticPredict(design.x, beta, {0, 10}, probabilities));
  EXPECT_CODE(StatusCode::kOutOfRange, LogisticPredict(design.x, beta, {2, 11}, probabilities));
  EXPECT_CODE(StatusCode::kInvalidArgument, LogisticPredict(design.x, {}, {0, 9}, probabilities));
}

TEST(SolveSpd, SolvesRandomSystems) {
  Random random(9);
  for (const size_t n : {1, 2, 5, 20}) {
    std::vector<double> root(n * n);
    for (double& value : root) value = random.Between(-1, 1);
    std::vector<double> a(n * n, 0.0);
    std::vector<double> expected(n);
    for (double& value : expected) value = random.Between(-5, 5);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        for (size_t k = 0; k < n; ++k) a[i * n + j] += root[i * n + k] * root[j * n + k];
      }
      a[i * n + i] += 1;
    }
    std::vector<double> b(n, 0.0);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) b[i] += a[i * n + j] * expected[j];
    }
    std::vector<double> solution(n);
    ASSERT_OK(SolveSpd(a, b, solution));
    for (size_t i = 0; i < n; ++i) EXPECT_NEAR(solution[i], expected[i], 1e-10);
  }
}

TEST(SolveSpd, RefusesWhatIsNotPositiveDefinite) {
  const std::vector<double> b = {1, 1};
  std::vector<double> solution(2);
  for (const std::vector<double>& a :
       {std::vector<double>{1, 2, 2, 1}, {0, 0, 0, 0}, {-1, 0, 0, 1}, {std::numeric_limits<double>::quiet_NaN(), 0, 0, 1}}) {
    EXPECT_CODE(StatusCode::kInvalidArgument, SolveSpd(a, b, solution));
  }
  const std::vector<double> small = {1, 0, 0};
  EXPECT_CODE(StatusCode::kInvalidArgument, SolveSpd(small, b, solution));
  EXPECT_CODE(StatusCode::kInvalidArgument, SolveSpd(std::vector<double>{1, 0, 0, 1}, b, std::span(solution).first(1)));
}

}  // namespace
}  // namespace couponcast
