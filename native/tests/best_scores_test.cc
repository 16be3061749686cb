#include "recommend/best_scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "recommend/touched_sums.h"
#include "test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Random;

std::vector<ScoredIndex> PlainBest(std::span<const float> scores, std::span<const int32_t> items, int64_t k) {
  std::vector<ScoredIndex> best;
  for (size_t j = 0; j < scores.size(); ++j) {
    if (scores[j] > 0) best.push_back({scores[j], items.empty() ? static_cast<int32_t>(j) : items[j]});
  }
  std::ranges::sort(best, kBetter);
  best.resize(std::min(best.size(), static_cast<size_t>(k)));
  return best;
}

void ExpectSame(std::span<const ScoredIndex> actual, std::span<const ScoredIndex> expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t j = 0; j < expected.size(); ++j) {
    EXPECT_EQ(actual[j].index, expected[j].index) << j;
    EXPECT_EQ(actual[j].score, expected[j].score) << j;
  }
}

TEST(BestScores, EqualsASortOnEveryTarget) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Random random(11);
  for (const int64_t count : {0, 1, 5, 20, 63, 64, 65, 300, 2000}) {
    for (const int64_t k : {1, 3, 20, 32, 33, 100, 600, 5000}) {
      for (const int64_t values : {1, 4, 1'000'000}) {
        SCOPED_TRACE(::testing::Message() << count << " scores of " << values << " values, k " << k);
        std::vector<float> scores(static_cast<size_t>(PaddedScores(count)), 0.0F);
        std::vector<int32_t> items;
        const int64_t below = values / 4;
        for (int64_t j = 0; j < count; ++j) {
          scores[static_cast<size_t>(j)] = static_cast<float>(random.Below(values + 1) - below);
          items.push_back(static_cast<int32_t>(3 * (count - j)));
        }
        if (count > 64 && values == 4) {
          scores[7] = std::numeric_limits<float>::quiet_NaN();
          scores[40] = kInfinity;
          scores[41] = -kInfinity;
          scores[42] = std::numeric_limits<float>::denorm_min();
        }
        const auto filled = std::span<const float>(scores).first(static_cast<size_t>(count));
        ForEachTarget([&] {
          BestScores best(k);
          ExpectSame(best.Of(scores, items), PlainBest(filled, items, k));
          ExpectSame(best.Of(scores, {}), PlainBest(filled, {}, k));
        });
      }
    }
  }
}

TEST(TouchedSums, FewOrManyTouchedGiveTheBestOfPlainSums) {
  constexpr int64_t kSize = 500;
  Random random(12);
  TouchedSums sums(kSize, 20);
  for (const int64_t lists : {0, 1, 3, 9, 60}) {
    std::vector<float> expected(static_cast<size_t>(kSize), 0.0F);
    for (int64_t list = 0; list < lists; ++list) {
      std::map<int32_t, float> entries;
      for (int j = 0; j < 13; ++j) entries[static_cast<int32_t>(random.Below(kSize))] = static_cast<float>(random.Between(0, 1));
      std::vector<int32_t> indices;
      std::vector<float> values;
      for (const auto& [index, value] : entries) {
        indices.push_back(index);
        values.push_back(value);
        expected[static_cast<size_t>(index)] += 1.5F * value;
      }
      sums.AddScaled<int32_t>(indices, values, 1.5F);
      sums.Add(7, -0.25F);
      expected[7] += -0.25F;
    }
    ExpectSame(sums.TakeBest([](int32_t, float sum) { return sum; }), PlainBest(expected, {}, 20));
  }
}

TEST(TouchedSums, WhatComesBackToZeroCountsOnce) {
  TouchedSums sums(1000, 5);
  const std::vector<int32_t> twice{3, 3, 3, 3, 8};
  for (int round = 0; round < 2000; ++round) {
    sums.Add(1, 2);
    sums.Add(1, -2);
    sums.Add(2, 0);
  }
  ExpectSame(sums.TakeBest([](int32_t, float sum) { return sum; }), {});
  for (int round = 0; round < 3; ++round) {
    sums.Add(1, 2);
    sums.Add(1, -2);
  }
  sums.Add(1, 4);
  sums.AddScaled<int32_t>(twice, std::vector<float>{1, 1, 1, 1, 1}, 2);
  const std::vector<ScoredIndex> best{{4, 1}, {2, 3}, {2, 8}};
  ExpectSame(sums.TakeBest([](int32_t, float sum) { return sum; }), best);
  ExpectSame(sums.TakeBest([](int32_t, float sum) { return sum; }), {});
}

}  // namespace
}  // namespace couponcast
