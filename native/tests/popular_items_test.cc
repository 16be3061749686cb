#include "couponcast/recommend.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::GoldenMatrix;
using testing::Raised;
using testing::TestMatrix;

TEST(RankPopularItems, CountsHoldersBySegmentAndInAll) {
  const TestMatrix matrix({{1, 1, 0, 0}, {0, 1, 2, 0}, {0, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}});
  const std::vector<int32_t> labels = {0, 0, 2, -1, 2};
  Result<PopularityLists> lists = RankPopularItems(matrix.by_user(), matrix.by_item(), labels, 3, {});
  ASSERT_OK(lists.status());
  EXPECT_EQ(lists.value().indptr, std::vector<int64_t>({0, 3, 3, 4, 7}));
  EXPECT_EQ(lists.value().items, std::vector<int32_t>({1, 0, 2, 1, 1, 0, 2}));
  EXPECT_EQ(lists.value().scores, std::vector<float>({1.0F, 0.5F, 0.5F, 0.5F, 0.6F, 0.4F, 0.2F}));

  Result<PopularityLists> all = RankPopularItems(matrix.by_user(), matrix.by_item(), {}, 0, {});
  ASSERT_OK(all.status());
  EXPECT_EQ(all.value().indptr, std::vector<int64_t>({0, 3}));
  EXPECT_EQ(all.value().items, std::vector<int32_t>({1, 0, 2}));
}

TEST(RankPopularItems, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = GoldenMatrix();
  const std::vector<int32_t> labels = {0, 1, 0};
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RankPopularItems(matrix.by_user(), matrix.by_item(), std::span(labels).first(2), 2, {}).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, RankPopularItems(matrix.by_user(), matrix.by_item(), {}, 1, {}).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, RankPopularItems(matrix.by_user(), matrix.by_item(), labels, -1, {}).status());
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RankPopularItems(matrix.by_user(), matrix.by_item(), labels, std::numeric_limits<int64_t>::max(), {}).status());
  EXPECT_CODE(StatusCode::kOutOfRange, RankPopularItems(matrix.by_user(), matrix.by_item(), labels, 1, {}).status());
  const std::vector<int32_t> negative = {0, -2, 0};
  EXPECT_CODE(StatusCode::kOutOfRange, RankPopularItems(matrix.by_user(), matrix.by_item(), negative, 2, {}).status());
  EXPECT_CODE(StatusCode::kCancelled, RankPopularItems(matrix.by_user(), matrix.by_item(), labels, 2, Raised()).status());
}

}  // namespace
}  // namespace couponcast
