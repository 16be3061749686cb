// AddPairTiles and AnswerPairTiles give the bits of SimilarRows, whatever the weights, the groups, their order and the
// processor.
#include "couponcast/pair_tiles.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "tests/neighbours_for_test.h"
#include "tests/skewed_matrix_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::Dense;
using testing::ForEachTarget;
using testing::MatrixKinds;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;
using testing::SkewedMatrix;
using testing::TestMatrix;
using testing::Values;

struct OwnedCandidates {
  std::vector<ScoredIndex> entries;
  std::vector<int32_t> counts;
  std::vector<float> kth_lower;
  std::vector<float> error;

  OwnedCandidates(int64_t documents, int64_t k)
      : entries(static_cast<size_t>(documents * CandidateCapacity(k))),
        counts(static_cast<size_t>(documents), 0),
        kth_lower(counts.size(), 0.0F),
        error(counts.size(), 0.0F) {}
  CandidateLists view() { return {entries, counts, kth_lower, error}; }
};

OwnedLists PairTilesOf(const TestMatrix& matrix, const WeightingParams& params, int64_t k, bool include_self, int64_t group_rows) {
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, params);
  OwnedCandidates candidates(documents.rows, k);
  std::vector<std::pair<RowRange, RowRange>> pairs;
  const auto groups = Shards(documents.rows, group_rows);
  for (size_t a = 0; a < groups.size(); ++a) {
    for (size_t b = a; b < groups.size(); ++b) pairs.emplace_back(groups[a], groups[b]);
  }
  Random random(4);
  for (size_t i = pairs.size(); i > 1; --i) std::swap(pairs[i - 1], pairs[static_cast<size_t>(random.Below(static_cast<int64_t>(i)))]);
  for (const auto& [group, other] : pairs) {
    bool applies = false;
    EXPECT_OK(AddPairTiles(documents, terms, weights.view(), group, other, k, {}, candidates.view(), &applies));
    EXPECT_TRUE(applies);
  }
  OwnedLists lists(documents.rows, k);
  for (const RowRange range : Shards(documents.rows, 61)) {
    const auto at = static_cast<size_t>(range.begin * k);
    const auto size = static_cast<size_t>(range.size() * k);
    EXPECT_OK(AnswerPairTiles(documents, terms, weights.view(), range, k, include_self, {}, candidates.view(),
                              std::span(lists.indices).subspan(at, size), std::span(lists.scores).subspan(at, size),
                              std::span(lists.counts).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()))));
  }
  return lists;
}

void ExpectSame(const TestMatrix& matrix, int64_t k, int64_t group_rows) {
  for (int32_t weighting = 0; weighting < kNumWeightings; ++weighting) {
    for (const bool include_self : {false, true}) {
      SCOPED_TRACE("weighting " + std::to_string(weighting) + ", k " + std::to_string(k) + ", groups of " + std::to_string(group_rows));
      const WeightingParams params{static_cast<Weighting>(weighting)};
      const OwnedLists found = PairTilesOf(matrix, params, k, include_self, group_rows);
      const OwnedLists expected = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, k, include_self, 1000);
      EXPECT_EQ(found.counts, expected.counts);
      EXPECT_EQ(found.indices, expected.indices);
      EXPECT_TRUE(SameBits(found.scores, expected.scores));
    }
  }
}

TEST(PairTiles, SameAsSimilarRows) {
  uint64_t seed = 1;
  for (const Values values : {Values::kSmallIntegers, Values::kReal, Values::kLargeIntegers, Values::kManyMagnitudes}) {
    SCOPED_TRACE(static_cast<int>(values));
    const TestMatrix matrix = SkewedMatrix(700, 90, values, seed++);
    for (const int64_t k : {1, 10, 60}) ExpectSame(matrix, k, k == 10 ? 130 : 1000);
  }
}

TEST(PairTiles, SameOnMatricesOfAllShapes) {
  uint64_t seed = 60;
  for (const auto& kind : MatrixKinds()) {
    if (kind.negative) continue;
    SCOPED_TRACE(std::to_string(kind.rows) + " x " + std::to_string(kind.cols));
    ExpectSame(RandomMatrix(kind, ++seed), 4, 33);
  }
}

TEST(PairTiles, SameOverSeveralBlocks) {
  ForEachTarget([] {
    const TestMatrix matrix = SkewedMatrix(9000, 40, Values::kReal, 7);
    const WeightingParams params{Weighting::kTfIdf};
    const OwnedLists found = PairTilesOf(matrix, params, 20, false, 4500);
    const OwnedLists expected = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, 20, false, 9000);
    EXPECT_EQ(found.indices, expected.indices);
    EXPECT_TRUE(SameBits(found.scores, expected.scores));
  });
}

TEST(PairTiles, SameWithMoreTiesThanAListHolds) {
  Dense dense;
  for (int64_t row = 0; row < 1500; ++row) {
    dense.push_back({1, row % 2 == 0 ? 2.0F : 0.0F, row % 3 == 0 ? 1.5F : 0.0F, row % 7 == 0 ? 0.3F : 0.0F, 0});
  }
  ExpectSame(TestMatrix(dense), 10, 400);
}

TEST(PairTiles, DoesNotApplyToCellsBelowZeroOrHugeOnes) {
  for (const float value : {-1.0F, 1e20F, std::numeric_limits<float>::max()}) {
    const TestMatrix matrix({{1, 2, 0}, {2, value, 1}, {0, 1, 1}});
    const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
    OwnedCandidates candidates(3, 1);
    bool applies = true;
    EXPECT_OK(AddPairTiles(matrix.by_user(), matrix.by_item(), weights.view(), {0, 1}, {1, 3}, 1, {}, candidates.view(), &applies));
    EXPECT_FALSE(applies);
  }
}

TEST(PairTiles, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, {});
  OwnedCandidates candidates(3, 2);
  const auto add = [&](RowRange group, RowRange other, int64_t k) {
    bool applies = false;
    return AddPairTiles(documents, terms, weights.view(), group, other, k, {}, candidates.view(), &applies);
  };
  EXPECT_OK(add({0, 3}, {0, 3}, 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 2}, {1, 3}, 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 2}, {0, 3}, 2));
  EXPECT_CODE(StatusCode::kOutOfRange, add({0, 2}, {2, 4}, 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 3}, {0, 3}, 0));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 3}, {0, 3}, 90));
  OwnedLists out(3, 2);
  const auto answer = [&](RowRange range, CancelFlag cancel) {
    return AnswerPairTiles(documents, terms, weights.view(), range, 2, false, cancel, candidates.view(), out.indices, out.scores,
                           out.counts);
  };
  EXPECT_OK(answer({0, 3}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, answer({0, 2}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, answer({1, 4}, {}));
  EXPECT_CODE(StatusCode::kCancelled, answer({0, 3}, Raised()));
  candidates.counts[1] = 1000;
  EXPECT_CODE(StatusCode::kInvalidArgument, answer({0, 3}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 3}, {0, 3}, 2));
}

TEST(PairTiles, Cancels) {
  const TestMatrix matrix = SkewedMatrix(300, 20, Values::kReal, 5);
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  OwnedCandidates candidates(300, 3);
  bool applies = true;
  EXPECT_CODE(StatusCode::kCancelled, AddPairTiles(matrix.by_user(), matrix.by_item(), weights.view(), {0, 300}, {0, 300}, 3, Raised(),
                                                   candidates.view(), &applies));
}

}  // namespace
}  // namespace couponcast
