#include "couponcast/recommend.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/neighbours_for_test.h"

namespace couponcast {
namespace {

using testing::OwnedLists;

TEST(CheckNeighbours, FindsEachDefect) {
  OwnedLists good(3, 2);
  good.counts = {2, 1, 0};
  good.indices = {1, 2, 0, -1, -1, -1};
  good.scores = {0.5F, 0.25F, 0.125F, 0, 0, 0};
  EXPECT_OK(CheckNeighbours(good.view(), "model"));
  const auto broken = [&](auto&& change) {
    OwnedLists lists = good;
    change(lists);
    const Status status = CheckNeighbours(lists.view(), "model");
    EXPECT_TRUE(status.message().starts_with("model: ")) << status.message();
    return status;
  };
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.counts[0] = 3; }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.counts[0] = -1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.indices[0] = 3; }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.indices[0] = -1; }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.scores[1] = std::numeric_limits<float>::quiet_NaN(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.scores.pop_back(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.counts.pop_back(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.k = 3; }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.k = 0; }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.k = std::numeric_limits<int64_t>::max(); }));
  EXPECT_CODE(StatusCode::kCorruptFile, broken([](OwnedLists& l) { l.rows = -1; }));
}

}  // namespace
}  // namespace couponcast
