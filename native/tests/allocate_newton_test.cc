#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "allocate/best_two.h"
#include "allocate/newton.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Random;

TEST(BestTwo, EqualsASearchOnEveryTarget) {
  ForEachTarget([] {
    Random random(1);
    std::vector<double> w;
    std::vector<RowOfValues> rows;
    for (int row = 0; row < 400; ++row) {
      const int64_t size = random.Below(40);
      rows.push_back({static_cast<int64_t>(w.size()), size});
      // Often equal, often below 0.
      for (int64_t i = 0; i < size; ++i) w.push_back(static_cast<double>(random.Below(row % 3 == 0 ? 4 : 1000) - int64_t{row % 4} * 2));
    }
    const std::vector<double> before = w;
    std::vector<BestTwo> two(rows.size());
    FindBestTwo(w, rows, two.data());
    EXPECT_EQ(w, before);
    for (size_t row = 0; row < rows.size(); ++row) {
      BestTwo expected;
      const auto at = [&](int64_t i) { return w[static_cast<size_t>(rows[row].begin + i)]; };
      for (int32_t i = 0; i < rows[row].size; ++i) {
        if (at(i) > 0 && (expected.best < 0 || at(i) > at(expected.best))) expected.best = i;
      }
      for (int32_t i = 0; i < rows[row].size; ++i) {
        if (i != expected.best && (expected.second < 0 || at(i) > at(expected.second))) expected.second = i;
      }
      EXPECT_EQ(two[row].best, expected.best) << row;
      EXPECT_EQ(two[row].second, expected.second) << row;
    }
  });
}

TEST(BoxNewtonStep, HoldsItsOptimalityConditions) {
  Random random(2);
  int bound = 0;
  for (int round = 0; round < 200; ++round) {
    const auto dims = static_cast<size_t>(1 + random.Below(12));
    std::vector<double> root(dims * dims);
    for (double& entry : root) entry = random.Between(-1, 1);
    std::vector<double> matrix(dims * dims);
    for (size_t i = 0; i < dims; ++i) {
      for (size_t j = 0; j < dims; ++j) {
        for (size_t k = 0; k < dims; ++k) matrix[i * dims + j] += root[i * dims + k] * root[j * dims + k];
      }
      matrix[i * dims + i] += 1;
    }
    std::vector<double> slope(dims);
    std::vector<double> lower(dims);
    std::vector<double> upper(dims);
    for (size_t i = 0; i < dims; ++i) {
      slope[i] = random.Between(-2, 2);
      lower[i] = random.Below(3) == 0 ? 0 : random.Between(-1, 0);
      upper[i] = random.Below(3) == 0 ? std::numeric_limits<double>::infinity() : random.Between(0, 1);
    }
    std::vector<double> d(dims);
    const double gain = BoxNewtonStep(matrix, slope, lower, upper, d);
    double expected = 0;
    for (size_t i = 0; i < dims; ++i) {
      double derivative = slope[i];
      for (size_t j = 0; j < dims; ++j) derivative += matrix[i * dims + j] * d[j];
      expected -= 0.5 * d[i] * (slope[i] + derivative);
      EXPECT_GE(d[i], lower[i]);
      EXPECT_LE(d[i], upper[i]);
      if (d[i] > lower[i] && d[i] < upper[i]) {
        EXPECT_NEAR(derivative, 0, 1e-9) << round;
      }
      if (d[i] == lower[i] && lower[i] < upper[i]) {
        EXPECT_GE(derivative, -1e-9) << round;
      }
      if (d[i] == upper[i] && lower[i] < upper[i]) {
        EXPECT_LE(derivative, 1e-9) << round;
      }
      bound += d[i] == lower[i] || d[i] == upper[i] ? 1 : 0;
    }
    EXPECT_NEAR(gain, expected, 1e-12);
  }
  EXPECT_GT(bound, 200);
}

TEST(BoxNewtonStep, GainsNothingWhereTheMatrixIsNotPositiveDefinite) {
  const std::vector<double> matrix = {1, 2, 2, 1};
  const std::vector<double> slope = {1, 1};
  const std::vector<double> lower = {-1, -1};
  const std::vector<double> upper = {1, 1};
  std::vector<double> d(2);
  EXPECT_LE(BoxNewtonStep(matrix, slope, lower, upper, d), 0);
}

}  // namespace
}  // namespace couponcast
