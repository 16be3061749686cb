#include "couponcast/walk_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "couponcast/similarity.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::RandomMatrix;
using testing::TestMatrix;

TEST(WalkWeights, SimilarityTimesTheRowsFactorIsTheWalk) {
  uint64_t seed = 40;
  for (const WalkParams params : {WalkParams{1, 0}, WalkParams{1, 0.6}, WalkParams{0.7, 1.3}, WalkParams{0, 0}}) {
    const TestMatrix matrix = RandomMatrix({50, 20, 0.3, true, false}, ++seed);
    std::vector<float> term_weight(50);
    std::vector<float> length(20, 7);
    std::vector<float> scale(20);
    std::vector<float> factor(20);
    ASSERT_OK(ComputeWalkWeights(matrix.by_item(), matrix.by_user(), params, {}, term_weight, length, scale, factor));
    WeightingParams weighting;
    weighting.weighting = Weighting::kBm25;
    weighting.k1 = 0;
    std::vector<int32_t> indices(400);
    std::vector<float> scores(400);
    std::vector<int32_t> counts(20);
    ASSERT_OK(SimilarRows(matrix.by_item(), matrix.by_user(), {weighting, term_weight, length, scale}, {0, 20}, 20, true, {}, indices,
                          scores, counts));
    const auto degree = [&](bool item, int64_t row) {
      double count = 0;
      for (int64_t other = 0; other < (item ? 50 : 20); ++other) count += (item ? matrix.at(other, row) : matrix.at(row, other)) > 0;
      return count;
    };
    for (int64_t item = 0; item < 20; ++item) {
      int64_t found = 0;
      for (int64_t other = 0; other < 20; ++other) {
        double walk = 0;
        for (int64_t user = 0; user < 50; ++user) {
          if (matrix.at(user, item) > 0 && matrix.at(user, other) > 0) walk += std::pow(degree(false, user), -params.alpha);
        }
        if (walk == 0) continue;
        ++found;
        walk *= std::pow(degree(true, item), -params.alpha) * std::pow(degree(true, other), -params.beta);
        const auto begin = indices.begin() + item * 20;
        const auto at = std::find(begin, begin + 20, other);
        ASSERT_NE(at, begin + 20);
        const auto place = static_cast<size_t>(at - indices.begin());
        EXPECT_NEAR(scores[place] * factor[static_cast<size_t>(item)], walk, 1e-5 * walk);
      }
      EXPECT_EQ(counts[static_cast<size_t>(item)], found);
    }
  }
}

TEST(WalkWeights, RefusesWhatDoesNotFit) {
  const TestMatrix matrix(testing::Dense{{1, 0, 2}, {0, 1, 0}});
  std::vector<float> users(2);
  std::vector<float> items(3);
  std::vector<float> more(3);
  const auto run = [&](const WalkParams& params, std::span<float> length, CancelFlag cancel = {}) {
    return ComputeWalkWeights(matrix.by_item(), matrix.by_user(), params, cancel, users, length, items, more);
  };
  std::vector<float> length(3);
  EXPECT_OK(run({}, length));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({-1, 0}, length));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({1, NAN}, length));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({}, std::span(length).first(2)));
  EXPECT_CODE(StatusCode::kCancelled, run({}, length, Raised()));
}

}  // namespace
}  // namespace couponcast
