#include "base/best_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "tests/test_util.h"

namespace couponcast {
namespace {

TEST(BestKeys, HaveTheOrderOfScoresThenIndices) {
  constexpr auto kMost = std::numeric_limits<int32_t>::max();
  const std::vector<ScoredIndex> sorted{
      {std::numeric_limits<float>::infinity(), 3}, {2, 0}, {2, 7}, {2, kMost}, {std::numeric_limits<float>::denorm_min(), 0}};
  for (size_t i = 0; i < sorted.size(); ++i) {
    const uint64_t key = BestKey(sorted[i].score, sorted[i].index);
    EXPECT_EQ(ScoreOfKey(key), sorted[i].score);
    EXPECT_EQ(IndexOfKey(key), sorted[i].index);
    if (i == 0) continue;
    EXPECT_GT(BestKey(sorted[i - 1].score, sorted[i - 1].index), key);
  }
}

TEST(BestKeys, AreSortedAndSelectedOnEveryTarget) {
  testing::Random random(4);
  testing::ForEachTarget([&] {
    for (const int64_t count : {0, 1, 2, 20, 84, 200, 1000, 5000}) {
      std::vector<uint64_t> keys;
      for (int64_t i = 0; i < count; ++i) {
        keys.push_back(BestKey(static_cast<float>(1 + random.Below(50)) / 7, static_cast<int32_t>(random.Below(1000))));
      }
      std::vector<uint64_t> expected = keys;
      std::ranges::sort(expected, std::greater());
      for (const int64_t k : {int64_t{1}, count / 3, count}) {
        if (k < 1 || k > count) continue;
        std::vector<uint64_t> selected = keys;
        SelectKeys(selected, k);
        EXPECT_EQ(selected[static_cast<size_t>(k - 1)], expected[static_cast<size_t>(k - 1)]);
        std::ranges::sort(selected.begin(), selected.begin() + k, std::greater());
        EXPECT_TRUE(
            std::ranges::equal(std::span(selected).first(static_cast<size_t>(k)), std::span(expected).first(static_cast<size_t>(k))));
      }
      for (const int64_t k : {int64_t{1}, (count + 1) / 2, count}) {
        if (k < 1 || k > count) continue;
        std::vector<float> scores(expected.size());
        std::ranges::transform(keys, scores.begin(), ScoreOfKey);
        scores.front() = 0;
        std::vector<float> sorted = scores;
        std::ranges::sort(sorted, std::greater());
        EXPECT_EQ(KthLargest(scores, k), sorted[static_cast<size_t>(k - 1)]);
      }
      SortKeys(keys);
      EXPECT_EQ(keys, expected);
    }
  });
}

}  // namespace
}  // namespace couponcast
