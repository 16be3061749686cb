// The building blocks of the kernels: SIMD primitives on every target, the heap, the sparse accumulator.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/accumulator.h"
#include "base/axpy.h"
#include "base/block_scan.h"
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

TEST(MultiplyInPlace, EveryTargetGivesTheBitsOfPlainCode) {
  for (int64_t count = 0; count <= 70; ++count) {
    const std::vector<float> x = RandomFloats(count, 7 + static_cast<uint64_t>(count));
    const std::vector<float> factors = RandomFloats(count, 99 + static_cast<uint64_t>(count));
    std::vector<float> expected = x;
    for (size_t i = 0; i < expected.size(); ++i) expected[i] *= factors[i];
    ForEachTarget([&] {
      std::vector<float> actual = x;
      MultiplyInPlace(actual.data(), factors.data(), count);
      EXPECT_TRUE(SameBits(actual, expected)) << count;
    });
  }
}

TEST(MaskAbove, EveryTargetComparesEachOf64Scores) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (const float threshold : {0.0F, -0.0F, 0.5F, -1.0F, kInf, -kInf, kNaN}) {
    std::vector<float> scores = RandomFloats(64, 3);
    scores[0] = threshold;
    scores[1] = std::nextafter(threshold, kInf);
    scores[13] = kNaN;
    scores[31] = kInf;
    scores[32] = -kInf;
    scores[63] = std::nextafter(threshold, kInf);
    uint64_t expected = 0;
    for (size_t i = 0; i < 64; ++i) expected |= static_cast<uint64_t>(scores[i] > threshold) << i;
    ForEachTarget([&] { EXPECT_EQ(MaskAbove(scores.data(), threshold), expected) << threshold; });
  }
}

TEST(TopK, EqualsASortWithTiesByTheSmallerIndex) {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    const int64_t count = random.Below(60);
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

TEST(TopK, NeverTakesNaN) {
  TopK best(3);
  best.Reset(-std::numeric_limits<float>::infinity());
  best.Push(std::numeric_limits<float>::quiet_NaN(), 0);
  best.Push(1, 1);
  ASSERT_EQ(best.Sorted().size(), 1U);
  EXPECT_EQ(best.Sorted()[0].index, 1);
}

TEST(Accumulator, VisitsTouchedBlocksInOrderAndClearsThem) {
  for (const int64_t size : {1, 63, 64, 65, 512, 513, 5000}) {
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
      sums.Drain([&](int64_t first, const float* block) {
        EXPECT_GT(first, previous);
        previous = first;
        for (int64_t j = 0; j < Accumulator::kBlock && first + j < size; ++j) actual[static_cast<size_t>(first + j)] = block[j];
      });
      EXPECT_EQ(actual, expected);
      sums.Drain([](int64_t, const float*) { ADD_FAILURE() << "not cleared"; });
    }
  }
}

}  // namespace
}  // namespace couponcast
