#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "couponcast/response.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Random;

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
