#include "couponcast/blend.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::TestMatrix;

struct Output {
  std::vector<int32_t> items;
  std::vector<float> scores;
  std::vector<uint8_t> sources;
  std::vector<int32_t> counts;
  Output(size_t rows, size_t n) : items(rows * n, -7), scores(rows * n, -7.0F), sources(rows * n, 77), counts(rows, -7) {}
  RecommendOutput view() { return {items, scores, sources, counts}; }
};

RecommendOptions Options(int64_t n) {
  RecommendOptions options;
  options.n = n;
  return options;
}

// One user who holds item 4; two lists of depth 3.
const TestMatrix one_user({{0, 0, 0, 0, 1}}, 5);
const std::vector<int32_t> first_items = {2, 0, 4};
const std::vector<float> first_scores = {9.0F, 4.0F, 1.0F};
const std::vector<int32_t> second_items = {0, 1, -1};
const std::vector<float> second_scores = {0.5F, 0.25F, 0.0F};
const std::vector<int32_t> three = {3};
const std::vector<int32_t> two = {2};

std::vector<BlendPart> Parts(float first, float second) {
  return {{first, first_items, first_scores, three, {}, {}}, {second, second_items, second_scores, two, {}, {}}};
}

TEST(Blend, ByRankAddsReciprocals) {
  Output out(1, 4);
  ASSERT_OK(BlendLists(one_user.by_user(), Parts(1, 2), 3, 60, {0, 1}, Options(4), {}, out.view()));
  // Item 4 is the user's own.
  ASSERT_EQ(out.counts[0], 3);
  EXPECT_EQ(out.items, (std::vector<int32_t>{0, 1, 2, -1}));
  EXPECT_NEAR(out.scores[0], 1.0 / 62 + 2.0 / 61, 1e-7);
  EXPECT_NEAR(out.scores[1], 2.0 / 62, 1e-7);
  EXPECT_NEAR(out.scores[2], 1.0 / 61, 1e-7);
}

TEST(Blend, ByScoreGoesAlongCurves) {
  std::vector<BlendPart> parts = Parts(1, 1);
  const std::vector<float> x = {0.0F, 4.0F, 8.0F};
  const std::vector<float> y = {0.0F, 0.2F, 0.6F};
  const std::vector<float> step_x = {0.25F, 0.25F};
  const std::vector<float> step_y = {0.1F, 0.5F};
  parts[0].curve_x = x;
  parts[0].curve_y = y;
  parts[1].curve_x = step_x;
  parts[1].curve_y = step_y;
  Output out(1, 3);
  ASSERT_OK(BlendLists(one_user.by_user(), parts, 3, 60, {0, 1}, Options(3), {}, out.view()));
  EXPECT_EQ(out.items, (std::vector<int32_t>{0, 2, 1}));
  EXPECT_NEAR(out.scores[0], 0.2 + 0.5, 1e-6);
  EXPECT_NEAR(out.scores[1], 0.6, 1e-6);
  EXPECT_NEAR(out.scores[2], 0.5, 1e-6);
}

TEST(Blend, OfOnePartKeepsItsOrder) {
  RecommendOptions options = Options(3);
  options.filter_seen = false;
  Output out(1, 3);
  ASSERT_OK(BlendLists(one_user.by_user(), Parts(1, 0), 3, 0, {0, 1}, options, {}, out.view()));
  EXPECT_EQ(out.items, first_items);
}

TEST(Blend, AffinityAddsShares) {
  const std::vector<float> first = {1, 3, 4, 0, 0, 0};
  const std::vector<float> second = {20, 20, 80, 5, 0, 10};
  const std::vector<std::span<const float>> parts = {first, second};
  const std::vector<float> weights = {2, 1};
  std::vector<float> out(6, -7);
  ASSERT_OK(BlendAffinity(parts, weights, 3, {}, out));
  EXPECT_EQ(out, (std::vector<float>{0.75F, 1.75F, 3.0F, 0.5F, 0.0F, 1.0F}));
}

TEST(Blend, RefusesWhatDoesNotFit) {
  const auto blend = [](const std::vector<BlendPart>& parts, int64_t depth = 3, double offset = 60, CancelFlag cancel = {}) {
    Output out(1, 2);
    return BlendLists(one_user.by_user(), parts, depth, offset, {0, 1}, Options(2), cancel, out.view());
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, blend(Parts(-1, 1)));
  EXPECT_CODE(StatusCode::kInvalidArgument, blend(Parts(std::numeric_limits<float>::quiet_NaN(), 1)));
  EXPECT_CODE(StatusCode::kInvalidArgument, blend(Parts(1, 1), 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, blend(Parts(1, 1), 3, -1));
  EXPECT_CODE(StatusCode::kCancelled, blend(Parts(1, 1), 3, 60, Raised()));
  std::vector<BlendPart> parts = Parts(1, 1);
  const std::vector<int32_t> outside = {0, 5, 1};
  parts[0].items = outside;
  EXPECT_CODE(StatusCode::kOutOfRange, blend(parts));
  parts = Parts(1, 1);
  const std::vector<int32_t> four = {4};
  parts[0].counts = four;
  EXPECT_CODE(StatusCode::kOutOfRange, blend(parts));
  parts = Parts(1, 1);
  const std::vector<float> falling = {2, 1};
  parts[0].curve_x = falling;
  parts[0].curve_y = falling;
  EXPECT_CODE(StatusCode::kInvalidArgument, blend(parts));
}

}  // namespace
}  // namespace couponcast
