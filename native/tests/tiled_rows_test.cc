// SimilarRowsTiled gives the bits of ScatterRows, whatever the weights, the blocks and the processor.
#include "similarity/tiled_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "similarity/dispatch_weighting.h"
#include "similarity/head.h"
#include "similarity/head_tile.h"
#include "similarity/scatter_rows.h"
#include "tests/neighbours_for_test.h"
#include "tests/skewed_matrix_for_test.h"

namespace couponcast {
namespace {

using testing::Dense;
using testing::ForEachTarget;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::SkewedMatrix;
using testing::TestMatrix;
using testing::Values;

OwnedLists Tiled(const TestMatrix& matrix, const WeightingParams& params, int64_t k, bool include_self, RowRange range) {
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, params);
  OwnedLists lists(range.size(), k);
  bool applies = false;
  EXPECT_OK(SimilarRowsTiled(documents, terms, weights.view(), range, k, include_self, {}, {}, lists.indices, lists.scores, lists.counts,
                             &applies));
  EXPECT_TRUE(applies);
  return lists;
}

OwnedLists Scattered(const TestMatrix& matrix, const WeightingParams& params, int64_t k, bool include_self, RowRange range) {
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights owned(documents, terms, params);
  const DocumentWeights weights = owned.view();
  OwnedLists lists(range.size(), k);
  const auto width = static_cast<size_t>(k);
  DispatchWeighting(params.weighting, [&]<Weighting kWeighting>() {
    ScatterRows<kWeighting> rows(documents, terms, weights, k, include_self, {});
    for (int64_t row = range.begin; row < range.end; ++row) {
      const auto at = static_cast<size_t>(row - range.begin);
      EXPECT_OK(rows.Row(row, std::span(lists.indices).subspan(at * width, width), std::span(lists.scores).subspan(at * width, width),
                         &lists.counts[at]));
    }
  });
  return lists;
}

void ExpectSame(const TestMatrix& matrix, int64_t k, RowRange range) {
  for (int32_t weighting = 0; weighting < kNumWeightings; ++weighting) {
    for (const bool include_self : {false, true}) {
      SCOPED_TRACE("weighting " + std::to_string(weighting) + ", k " + std::to_string(k));
      const WeightingParams params{static_cast<Weighting>(weighting)};
      const OwnedLists tiled = Tiled(matrix, params, k, include_self, range);
      const OwnedLists expected = Scattered(matrix, params, k, include_self, range);
      EXPECT_EQ(tiled.counts, expected.counts);
      EXPECT_EQ(tiled.indices, expected.indices);
      EXPECT_TRUE(SameBits(tiled.scores, expected.scores));
    }
  }
}

TEST(Head, TermsOfTheTailHavePlacesByTheirFrequency) {
  const TestMatrix matrix = SkewedMatrix(5000, 300, Values::kReal, 3);
  const CsrView terms = matrix.by_item();
  const Head head = ChooseHead(terms, 5000);
  ASSERT_FALSE(head.terms.empty());
  const int64_t tail = terms.rows - std::ssize(head.terms);
  std::vector<int64_t> degrees(static_cast<size_t>(tail), -1);
  for (int64_t t = 0; t < terms.rows; ++t) {
    const int32_t slot = head.slot[static_cast<size_t>(t)];
    if (slot >= 0) {
      EXPECT_EQ(head.terms[static_cast<size_t>(slot)], t);
      continue;
    }
    const int64_t place = ~int64_t{slot};
    ASSERT_LT(place, tail);
    EXPECT_EQ(degrees[static_cast<size_t>(place)], -1);
    degrees[static_cast<size_t>(place)] = terms.degree(t);
  }
  for (size_t place = 1; place < degrees.size(); ++place) EXPECT_GE(2 * degrees[place - 1] + 1, degrees[place]);
}

TEST(CollectAtLeast, FindsWhatReachesEitherLimitOnEveryTarget) {
  Random random(5);
  constexpr size_t kCount = 4 * kTileStep;
  for (const int64_t bound : {1, 2, 50, 65'536}) {
    std::vector<uint16_t> sums(kCount);
    std::vector<uint16_t> limits(kCount);
    for (uint16_t& sum : sums) sum = static_cast<uint16_t>(random.Below(bound));
    for (uint16_t& limit : limits) limit = static_cast<uint16_t>(random.Below(2) == 0 ? 0xFFFF : random.Below(65'536));
    for (const uint16_t limit : {0, 1, 49, 60'000, 0xFFFF}) {
      std::vector<uint16_t> expected;
      for (size_t c = 0; c < kCount; ++c) {
        if (sums[c] >= std::min(limit, limits[c])) expected.push_back(static_cast<uint16_t>(c));
      }
      ForEachTarget([&] {
        std::vector<uint16_t> columns(kCount + kCollectSpare);
        std::vector<uint16_t> found_sums(kCount + kCollectSpare);
        const int64_t found = CollectAtLeast(sums.data(), limits.data(), kCount, limit, columns.data(), found_sums.data());
        columns.resize(static_cast<size_t>(found));
        EXPECT_EQ(columns, expected);
        for (size_t j = 0; j < columns.size(); ++j) EXPECT_EQ(found_sums[j], sums[columns[j]]);
      });
    }
  }
}

TEST(TiledRows, SameAsScatter) {
  uint64_t seed = 1;
  for (const Values values : {Values::kSmallIntegers, Values::kReal, Values::kLargeIntegers, Values::kManyMagnitudes}) {
    SCOPED_TRACE(static_cast<int>(values));
    const TestMatrix matrix = SkewedMatrix(700, 90, values, seed++);
    for (const int64_t k : {1, 10, 60}) ExpectSame(matrix, k, {0, matrix.rows()});
  }
}

TEST(TiledRows, SameAsScatterOverSeveralBlocks) {
  ForEachTarget([] {
    const TestMatrix matrix = SkewedMatrix(9000, 40, Values::kReal, 7);
    ExpectSame(matrix, 20, {4000, 4203});
    ExpectSame(matrix, 20, {8999, 9000});
  });
}

TEST(TiledRows, SameAsScatterWithTies) {
  // Whole groups of equal rows: far more candidates than k share the k-th score.
  Dense dense;
  for (int64_t row = 0; row < 1500; ++row) {
    dense.push_back({1, row % 2 == 0 ? 2.0F : 0.0F, row % 3 == 0 ? 1.5F : 0.0F, row % 7 == 0 ? 0.3F : 0.0F, 0});
  }
  ExpectSame(TestMatrix(dense), 10, {0, 200});
}

TEST(TiledRows, SameAsScatterWithFewNeighbours) {
  // Pairs that share a term which nobody else has; every fifth row is empty.
  Dense dense(60, std::vector<float>(30, 0.0F));
  for (size_t row = 0; row < dense.size(); ++row) {
    if (row % 5 != 0) dense[row][row / 2] = static_cast<float>(1 + row);
  }
  ExpectSame(TestMatrix(dense), 4, {0, 60});
}

TEST(TiledRows, DoesNotApplyToCellsBelowZeroOrHugeOnesOrRowsOfTinyOnes) {
  for (const float value : {-1.0F, 1e20F, std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()}) {
    const float others = value > 0 && value < 1 ? 0 : 1;
    const TestMatrix matrix({{1, 2, 0}, {2 * others, value, others}, {0, 1, 1}});
    const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
    for (const RowRange range : {RowRange{0, 1}, RowRange{1, 2}}) {
      OwnedLists lists(1, 1);
      bool applies = true;
      EXPECT_OK(SimilarRowsTiled(matrix.by_user(), matrix.by_item(), weights.view(), range, 1, false, {}, {}, lists.indices, lists.scores,
                                 lists.counts, &applies));
      EXPECT_FALSE(applies);
      EXPECT_EQ(lists.counts[0], -7) << "no output";
    }
  }
}

TEST(TiledRows, SameAsScatterWithTheSmallestAndLargestWeights) {
  constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
  constexpr float kSmall = std::numeric_limits<float>::min();
  Dense dense = {{kDenormal, 1e15F, 0}, {kDenormal, kSmall, 3}, {kSmall, 0, 1e-12F}, {kDenormal, 0, 1}, {1, 1, 1}, {0, 1e14F, 2}};
  dense.resize(20, {0, 0, 0});
  ExpectSame(TestMatrix(dense), 2, {0, 20});
}

TEST(TiledRows, IsChosenForManyDocumentsWithAHead) {
  const TestMatrix many = SkewedMatrix(5000, 200, Values::kReal, 3);
  EXPECT_TRUE(TilingPays(many.by_user(), many.by_item(), {0, 5000}, 10));
  EXPECT_FALSE(TilingPays(many.by_user(), many.by_item(), {0, 5000}, 4000)) << "nearly all are wanted";
  const TestMatrix few = SkewedMatrix(200, 200, Values::kReal, 3);
  EXPECT_FALSE(TilingPays(few.by_user(), few.by_item(), {0, 200}, 10));
  // And SimilarRows gives the same either way.
  const OwnedLists lists = testing::AllSimilarRows(many.by_user(), many.by_item(), {}, 10, false, 2500);
  const OwnedLists expected = Scattered(many, {}, 10, false, {0, 5000});
  EXPECT_EQ(lists.indices, expected.indices);
  EXPECT_TRUE(SameBits(lists.scores, expected.scores));
}

TEST(TiledRows, Cancels) {
  const TestMatrix matrix = SkewedMatrix(300, 20, Values::kReal, 5);
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  OwnedLists lists(300, 3);
  bool applies = true;
  EXPECT_CODE(StatusCode::kCancelled, SimilarRowsTiled(matrix.by_user(), matrix.by_item(), weights.view(), {0, 300}, 3, false, Raised(), {},
                                                       lists.indices, lists.scores, lists.counts, &applies));
}

}  // namespace
}  // namespace couponcast
