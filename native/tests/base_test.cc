// The building blocks of the kernels: SIMD primitives on every target, the heap, the sparse accumulator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/accumulator.h"
#include "base/axpy.h"
#include "base/near_kth_score.h"
#include "base/top_k.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Random;
using testing::SameBits;

std::vector<float> RandomFloats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(random.Between(-3, 3) * std::exp2(static_cast<double>(random.Below(40) - 20)));
  return values;
}

TEST(Axpy, EveryTargetGivesTheBitsOfPlainCode) {
  for (int64_t count = 0; count <= 100; ++count) {
    const std::vector<float> x = RandomFloats(count, 1 + static_cast<uint64_t>(count));
    const std::vector<float> y = RandomFloats(count, 1000 + static_cast<uint64_t>(count));
    const float a = RandomFloats(1, 5000 + static_cast<uint64_t>(count))[0];
    std::vector<float> expected = y;
    for (size_t i = 0; i < expected.size(); ++i) {
      const volatile float product = a * x[i];  // rounded before it is added: no fused multiply-add
      expected[i] += product;
    }
    ForEachTarget([&] {
      std::vector<float> actual = y;
      Axpy(a, x.data(), count, actual.data());
      EXPECT_TRUE(SameBits(actual, expected)) << count;
    });
  }
}

TEST(TopK, EqualsASortWithTiesByTheSmallerIndex) {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    const int64_t count = random.Below(400);  // more than a list holds before it is cut
    const int64_t k = 1 + random.Below(20);
    const auto minimum = static_cast<float>(random.Below(3));
    std::vector<TopK::Entry> all;
    TopK best(k);
    best.Reset(minimum);
    for (int32_t index = 0; index < count; ++index) {
      const auto score = static_cast<float>(random.Below(8));  // many ties
      best.Push(score, index);
      if (score > minimum) all.push_back({score, index});
    }
    std::ranges::sort(all, [](const auto& a, const auto& b) { return a.score != b.score ? a.score > b.score : a.index < b.index; });
    if (all.size() > static_cast<size_t>(k)) all.resize(static_cast<size_t>(k));
    const auto sorted = best.Sorted();
    ASSERT_EQ(sorted.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(sorted[i].index, all[i].index);
      EXPECT_EQ(sorted[i].score, all[i].score);
    }
  }
}

TEST(NearKthScore, IsReachedByKEntriesAndFewMore) {
  Random random(21);
  for (int round = 0; round < 300; ++round) {
    const int64_t count = 1 + random.Below(200);
    const int64_t k = 1 + random.Below(count);
    std::vector<ScoredIndex> entries;
    for (int32_t i = 0; i < count; ++i) {
      const auto score = static_cast<float>(round % 3 == 0 ? 1 + random.Below(5) : std::exp2(random.Between(-120, 120)));
      entries.push_back({round % 7 == 0 && i % 11 == 0 ? std::numeric_limits<float>::infinity() : score, -i});
    }
    std::vector<float> sorted;
    for (const ScoredIndex& entry : entries) sorted.push_back(entry.score);
    std::ranges::sort(sorted, std::greater<>());
    const float kth = sorted[static_cast<size_t>(k - 1)];
    ForEachTarget([&] {
      const float near = NearKthScore(entries.data(), count, k);
      const int64_t reached = std::ranges::count_if(sorted, [near](float score) { return score >= near; });
      EXPECT_GE(reached, k);
      EXPECT_TRUE(near == kth || reached <= k + k / 8) << near << " " << kth;
    });
  }
}

TEST(TopK, NeverTakesNaN) {
  TopK best(3);
  best.Reset(-std::numeric_limits<float>::infinity());
  best.Push(std::numeric_limits<float>::quiet_NaN(), 0);
  best.Push(1, 1);
  ASSERT_EQ(best.Sorted().size(), 1U);
  EXPECT_EQ(best.Sorted()[0].index, 1);
}

TEST(Accumulator, EveryTargetDrainsTheBestOfWhatWasAdded) {
  for (const int64_t size : {1, 63, 64, 65, 511, 512, 513, 5000}) {
    ForEachTarget([&] {
      Accumulator sums(size);
      Random random(static_cast<uint64_t>(size));
      for (const int64_t additions : {0, 1, 30, 3000, 3001, 5001}) {
        std::vector<float> expected(static_cast<size_t>(size), 0.0F);
        for (int64_t i = 0; i < additions; ++i) {
          const auto index = static_cast<int32_t>(random.Below(size));
          const auto amount = static_cast<float>(random.Below(9) - 3);  // ties
          expected[static_cast<size_t>(index)] += amount;
          sums.Add(index, amount);
        }
        const int64_t k = additions % 2 == 0 ? 7 : 1 + random.Below(600);
        TopK best(k);
        TopK plain(k);
        for (size_t j = 0; j < expected.size(); ++j) {
          plain.Push(expected[j], static_cast<int32_t>(j));
        }
        sums.DrainInto(&best);
        const auto found = best.Sorted();
        const auto sought = plain.Sorted();
        ASSERT_EQ(found.size(), sought.size());
        for (size_t j = 0; j < found.size(); ++j) {
          EXPECT_EQ(found[j].index, sought[j].index);
          EXPECT_EQ(found[j].score, sought[j].score);
        }
        sums.ForEachTouched([](int64_t, const float*) { ADD_FAILURE() << "not cleared"; });
      }
    });
  }
}

TEST(Accumulator, AddsListsAsEntries) {
  Random random(5);
  for (size_t length = 0; length < 20; ++length) {
    Accumulator by_list(200);
    Accumulator by_entry(200);
    for (int round = 0; round < 3; ++round) {
      std::vector<int32_t> indices;
      std::vector<float> values;
      for (size_t j = 0; j < length; ++j) {
        indices.push_back(static_cast<int32_t>(j * 10) + static_cast<int32_t>(random.Below(10)));
        values.push_back(static_cast<float>(random.Between(-1, 1)));
      }
      by_list.AddScaled(indices, values, 1.7F);
      for (size_t j = 0; j < length; ++j) by_entry.Add(indices[j], 1.7F * values[j]);
    }
    std::vector<float> expected;
    by_entry.ForEachTouched([&](int64_t, const float* line) { expected.insert(expected.end(), line, line + kLine); });
    std::vector<float> actual;
    by_list.ForEachTouched([&](int64_t, const float* line) { actual.insert(actual.end(), line, line + kLine); });
    EXPECT_TRUE(SameBits(actual, expected)) << length;
  }
}

TEST(Accumulator, VisitsTouchedLinesInOrder) {
  for (const int64_t size : {1, 15, 16, 17, 512, 513, 5000}) {
    ForEachTarget([&] {
      Accumulator sums(size);
      Random random(static_cast<uint64_t>(size));
      for (int round = 0; round < 3; ++round) {
        std::vector<float> expected(static_cast<size_t>(size), 0.0F);
        for (int i = 0; i < 20; ++i) {
          const auto index = static_cast<int32_t>(random.Below(size));
          expected[static_cast<size_t>(index)] += static_cast<float>(i);
          sums.Add(index, static_cast<float>(i));
        }
        std::vector<float> actual(static_cast<size_t>(size), 0.0F);
        int64_t previous = -1;
        sums.ForEachTouched([&](int64_t first, const float* line) {
          EXPECT_GT(first, previous);
          previous = first;
          for (int64_t j = 0; j < kLine && first + j < size; ++j) actual[static_cast<size_t>(first + j)] = line[j];
        });
        EXPECT_EQ(actual, expected);
        TopK best(1);
        sums.DrainInto(&best);
        sums.ForEachTouched([](int64_t, const float*) { ADD_FAILURE() << "not cleared"; });
      }
    });
  }
}

}  // namespace
}  // namespace couponcast
