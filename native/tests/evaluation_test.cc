#include "couponcast/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Random;
using testing::SameBits;

TEST(RankDescending, IsAStableSort) {
  Random random(1);
  for (const size_t n : {0, 1, 2, 3, 100, 5000}) {
    std::vector<double> scores(n);
    for (double& score : scores) {
      switch (random.Below(4)) {
        case 0:
          score = static_cast<double>(random.Below(3)) - 1;  // ties
          break;
        case 1:
          score = random.Between(-1e300, 1e300);
          break;
        case 2:
          score = random.Below(2) == 0 ? 0.0 : -0.0;
          break;
        default:
          score = random.Between(-1e-300, 1e-300);
      }
    }
    std::vector<int32_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0);
    std::ranges::stable_sort(expected,
                             [&](int32_t a, int32_t b) { return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)]; });
    std::vector<int32_t> order(n, -1);
    ASSERT_OK(RankDescending(scores, {}, order));
    EXPECT_EQ(order, expected);
  }
}

TEST(RankDescending, RefusesWhatHasNoOrder) {
  std::vector<double> scores = {1, std::numeric_limits<double>::quiet_NaN()};
  std::vector<int32_t> order(2);
  EXPECT_CODE(StatusCode::kInvalidArgument, RankDescending(scores, {}, order));
  scores[1] = std::numeric_limits<double>::infinity();
  EXPECT_CODE(StatusCode::kInvalidArgument, RankDescending(scores, {}, order));
  scores[1] = 2;
  EXPECT_CODE(StatusCode::kInvalidArgument, RankDescending(scores, {}, std::span(order).first(1)));
  const int32_t raised = 1;
  EXPECT_CODE(StatusCode::kCancelled, RankDescending(scores, CancelFlag(&raised), order));
}

TEST(PoissonBootstrap, DrawsEachRowOnceOnAverageAndTheSameInAnyShard) {
  constexpr int64_t kRows = 2000;
  constexpr size_t kReplicates = 400;
  Random random(3);
  std::vector<double> values(kRows * 2);
  std::vector<int32_t> groups(kRows);
  for (double& value : values) value = random.Between(0, 10);
  for (int32_t& group : groups) group = static_cast<int32_t>(random.Below(4)) - 1;
  std::vector<double> sums(kReplicates * 3 * 3);
  ASSERT_OK(PoissonBootstrap(values, 2, groups, 3, 7, {0, static_cast<int64_t>(kReplicates)}, {}, sums));
  for (size_t g = 0; g < 3; ++g) {
    double size = 0;
    double total = 0;
    for (size_t row = 0; row < groups.size(); ++row) {
      if (groups[row] != static_cast<int32_t>(g)) continue;
      ++size;
      total += values[row * 2];
    }
    double mean = 0;
    double square = 0;
    double mean_total = 0;
    for (size_t r = 0; r < kReplicates; ++r) {
      mean += sums[(r * 3 + g) * 3] / kReplicates;
      square += sums[(r * 3 + g) * 3] * sums[(r * 3 + g) * 3] / kReplicates;
      mean_total += sums[(r * 3 + g) * 3 + 1] / kReplicates;
    }
    // A sum of `size` Poisson(1) numbers: mean and variance are both `size`.
    EXPECT_NEAR(mean, size, 4 * std::sqrt(size / kReplicates));
    EXPECT_NEAR((square - mean * mean) / size, 1, 0.3);
    EXPECT_NEAR(mean_total / total, 1, 0.02);
  }
  std::vector<double> part(63);
  ASSERT_OK(PoissonBootstrap(values, 2, groups, 3, 7, {100, 107}, {}, part));
  EXPECT_TRUE(SameBits(part, std::vector<double>(sums.begin() + 900, sums.begin() + 900 + 63)));
  std::vector<double> other(63);
  ASSERT_OK(PoissonBootstrap(values, 2, groups, 3, 8, {100, 107}, {}, other));
  EXPECT_FALSE(SameBits(part, other));
}

TEST(PoissonBootstrap, RefusesWhatDoesNotFit) {
  const std::vector<double> values(6);
  std::vector<int32_t> groups = {0, -1, 1};
  std::vector<double> sums(12);
  EXPECT_OK(PoissonBootstrap(values, 2, groups, 2, 1, {0, 2}, {}, sums));
  EXPECT_CODE(StatusCode::kInvalidArgument, PoissonBootstrap(values, 0, groups, 2, 1, {0, 2}, {}, sums));
  EXPECT_CODE(StatusCode::kInvalidArgument, PoissonBootstrap(values, 4, groups, 2, 1, {0, 2}, {}, sums));
  EXPECT_CODE(StatusCode::kInvalidArgument, PoissonBootstrap(values, 2, groups, 0, 1, {0, 2}, {}, sums));
  EXPECT_CODE(StatusCode::kInvalidArgument, PoissonBootstrap(values, 2, groups, 2, 1, {0, 3}, {}, sums));
  EXPECT_CODE(StatusCode::kOutOfRange, PoissonBootstrap(values, 2, groups, 1, 1, {0, 4}, {}, sums));
  EXPECT_CODE(StatusCode::kOutOfRange, PoissonBootstrap(values, 2, groups, 2, 1, {2, 1}, {}, {}));
  const int32_t raised = 1;
  EXPECT_CODE(StatusCode::kCancelled, PoissonBootstrap(values, 2, groups, 2, 1, {0, 2}, CancelFlag(&raised), sums));
}

}  // namespace
}  // namespace couponcast
