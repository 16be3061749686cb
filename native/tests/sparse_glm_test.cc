#include "couponcast/sparse_glm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace couponcast {
namespace {

// Rows, targets and coefficients, and the same as plain dense arrays with the intercept's column of ones.
struct Data {
  int64_t cols = 0;
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<float> values;
  std::vector<float> y;
  std::vector<float> weights;
  std::vector<double> beta;
  std::vector<std::vector<double>> dense;

  SparseRows rows() const { return {.cols = cols, .indptr = indptr, .indices = indices, .values = values}; }
};

Data MakeData(int64_t rows, int64_t cols, GlmFamily family, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  Data data;
  data.cols = cols;
  for (int64_t i = 0; i < rows; ++i) {
    std::vector<double> dense(static_cast<size_t>(cols) + 1, 0.0);
    dense.back() = 1;
    for (int32_t c = 0; c < cols; ++c) {
      if (unit(random) < 0.7) continue;
      data.indices.push_back(c);
      data.values.push_back(static_cast<float>(unit(random) * 4 - 2));
      dense[static_cast<size_t>(c)] = static_cast<double>(data.values.back());
    }
    data.indptr.push_back(static_cast<int64_t>(data.indices.size()));
    data.dense.push_back(dense);
    data.y.push_back(family == GlmFamily::kLogistic ? (unit(random) < 0.3 ? 1.0F : 0.0F) : static_cast<float>(unit(random) * 10 - 5));
    data.weights.push_back(static_cast<float>(unit(random) * 3));
  }
  for (int64_t c = 0; c <= cols; ++c) data.beta.push_back(unit(random) * 2 - 1);
  return data;
}

struct Expected {
  double loss = 0;
  std::vector<double> gradient;
  std::vector<double> hessian;
};

Expected BruteForce(const Data& data, GlmFamily family, bool weighted, RowRange range) {
  const size_t dims = data.beta.size();
  Expected expected{0, std::vector<double>(dims, 0.0), std::vector<double>(dims * dims, 0.0)};
  for (auto i = static_cast<size_t>(range.begin); i < static_cast<size_t>(range.end); ++i) {
    double z = 0;
    for (size_t d = 0; d < dims; ++d) z += data.dense[i][d] * data.beta[d];
    const double w = weighted ? static_cast<double>(data.weights[i]) : 1.0;
    const auto y = static_cast<double>(data.y[i]);
    const bool logistic = family == GlmFamily::kLogistic;
    const double p = 1 / (1 + std::exp(-z));
    expected.loss += w * (logistic ? std::log(1 + std::exp(z)) - y * z : (z - y) * (z - y) / 2);
    const double residual = w * (logistic ? p - y : z - y);
    const double curvature = w * (logistic ? p * (1 - p) : 1.0);
    for (size_t a = 0; a < dims; ++a) {
      expected.gradient[a] += residual * data.dense[i][a];
      for (size_t b = 0; b < dims; ++b) expected.hessian[a * dims + b] += curvature * data.dense[i][a] * data.dense[i][b];
    }
  }
  return expected;
}

TEST(SparseGlm, LossGradientAndHessianAreThoseOfPlainCode) {
  for (const GlmFamily family : {GlmFamily::kLogistic, GlmFamily::kGaussian}) {
    for (const bool weighted : {false, true}) {
      const Data data = MakeData(1300, 9, family, weighted ? 1U : 2U);
      const size_t dims = data.beta.size();
      for (const RowRange range : {RowRange{0, 1300}, RowRange{7, 640}, RowRange{5, 5}}) {
        double loss = -1;
        std::vector<double> gradient(dims);
        std::vector<double> hessian(dims * dims);
        const std::span<const float> weights = weighted ? std::span<const float>(data.weights) : std::span<const float>();
        ASSERT_TRUE(CheckGlmRows(data.rows(), family, data.y, weights, range, {}).ok());
        ASSERT_TRUE(GlmPartial(data.rows(), family, data.y, weights, data.beta, range, {}, &loss, gradient, hessian).ok());
        const Expected expected = BruteForce(data, family, weighted, range);
        EXPECT_NEAR(loss, expected.loss, 1e-9 * (1 + expected.loss));
        for (size_t d = 0; d < dims; ++d) EXPECT_NEAR(gradient[d], expected.gradient[d], 1e-8);
        for (size_t d = 0; d < dims * dims; ++d) EXPECT_NEAR(hessian[d], expected.hessian[d], 1e-8);
        double again = -1;
        std::vector<double> gradient_only(dims);
        ASSERT_TRUE(GlmPartial(data.rows(), family, data.y, weights, data.beta, range, {}, &again, gradient_only, {}).ok());
        EXPECT_EQ(again, loss);
        EXPECT_EQ(gradient_only, gradient);
      }
    }
  }
}

TEST(SparseGlm, ScoresFarFromZeroStayFinite) {
  Data data;
  data.cols = 1;
  data.indptr = {0, 1, 2, 2};
  data.indices = {0, 0};
  data.values = {1000.0F, -1000.0F};
  data.y = {0.0F, 1.0F, 1.0F};
  data.beta = {1.0, 0.0};
  double loss = 0;
  std::vector<double> gradient(2);
  ASSERT_TRUE(GlmPartial(data.rows(), GlmFamily::kLogistic, data.y, {}, data.beta, {0, 3}, {}, &loss, gradient, {}).ok());
  EXPECT_NEAR(loss, 2000 + std::log(2.0), 1e-9);
  EXPECT_DOUBLE_EQ(gradient[0], 2000.0);
  std::vector<double> scores(3);
  ASSERT_TRUE(GlmScores(data.rows(), data.beta, {0, 3}, {}, scores).ok());
  EXPECT_EQ(scores, (std::vector<double>{1000, -1000, 0}));
}

TEST(SparseGlm, BadRowsAreNamed) {
  const Data good = MakeData(20, 4, GlmFamily::kLogistic, 3);
  const auto check = [&](const Data& data) { return CheckGlmRows(data.rows(), GlmFamily::kLogistic, data.y, data.weights, {0, 20}, {}); };
  EXPECT_TRUE(check(good).ok());
  Data bad = good;
  bad.y[3] = 0.5F;
  EXPECT_NE(check(bad).message().find("row 3"), std::string::npos);
  bad = good;
  bad.weights[4] = -1;
  EXPECT_FALSE(check(bad).ok());
  bad = good;
  bad.values[0] = NAN;
  EXPECT_FALSE(check(bad).ok());
  bad = good;
  bad.indices[0] = 4;
  EXPECT_FALSE(check(bad).ok());
  bad = good;
  std::swap(bad.indptr[4], bad.indptr[10]);
  EXPECT_FALSE(check(bad).ok());
  bad = good;
  bad.indptr.back() += 1;
  EXPECT_FALSE(check(bad).ok());
  EXPECT_FALSE(CheckGlmRows(good.rows(), GlmFamily::kLogistic, good.y, good.weights, {0, 21}, {}).ok());
  const int32_t set = 1;
  double loss = 0;
  std::vector<double> gradient(5);
  EXPECT_EQ(GlmPartial(good.rows(), GlmFamily::kLogistic, good.y, {}, good.beta, {0, 20}, CancelFlag(&set), &loss, gradient, {}).code(),
            StatusCode::kCancelled);
}

TEST(ElasticNetStep, MeetsTheConditionsOfTheMinimum) {
  const Data data = MakeData(400, 12, GlmFamily::kGaussian, 5);
  const Expected model = BruteForce(data, GlmFamily::kGaussian, false, {0, 400});
  const size_t n = data.beta.size();
  const double l1 = 150;
  std::vector<double> step(n);
  ASSERT_TRUE(ElasticNetStep(model.hessian, model.gradient, data.beta, l1, 1e-13, 10000, {}, step).ok());
  int64_t zeros = 0;
  for (size_t j = 0; j < n; ++j) {
    double slope = model.gradient[j];
    for (size_t k = 0; k < n; ++k) slope += model.hessian[j * n + k] * step[k];
    const double at = data.beta[j] + step[j];
    if (j + 1 == n) {
      EXPECT_NEAR(slope, 0, 1e-6);
    } else if (at == 0) {
      EXPECT_LE(std::fabs(slope), l1 + 1e-6);
      ++zeros;
    } else {
      EXPECT_NEAR(slope, at > 0 ? -l1 : l1, 1e-6);
    }
  }
  EXPECT_GT(zeros, 0);
}

TEST(FitIsotonic, IsTheBestNonDecreasingFit) {
  const std::vector<double> y = {1, 3, 2, 2, 5, 4, 0};
  const std::vector<double> weights = {1, 1, 1, 2, 1, 1, 1};
  std::vector<double> fitted(y.size());
  ASSERT_TRUE(FitIsotonic(y, weights, fitted).ok());
  // min over later ends of the max over earlier starts of the weighted mean.
  for (size_t i = 0; i < y.size(); ++i) {
    double best = INFINITY;
    for (size_t end = i; end < y.size(); ++end) {
      double most = -INFINITY;
      for (size_t begin = 0; begin <= i; ++begin) {
        double sum = 0;
        double weight = 0;
        for (size_t k = begin; k <= end; ++k) {
          sum += weights[k] * y[k];
          weight += weights[k];
        }
        most = std::max(most, sum / weight);
      }
      best = std::min(best, most);
    }
    EXPECT_NEAR(fitted[i], best, 1e-12);
  }
  EXPECT_TRUE(FitIsotonic({}, {}, {}).ok());
  EXPECT_FALSE(FitIsotonic(y, std::vector<double>(y.size(), 0.0), fitted).ok());
}

}  // namespace
}  // namespace couponcast
