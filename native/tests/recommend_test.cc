#include "couponcast/recommend.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/neighbours_for_test.h"
#include "tests/recommended_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::FromItems;
using testing::FromUsers;
using testing::GoldenMatrix;
using testing::kCosine;
using testing::kSaturation;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::RandomMatrix;
using testing::Recommended;
using testing::TestMatrix;
using testing::TopN;

void ExpectRow(const Recommended& answer, int64_t row, const std::vector<double>& expected) {
  const auto actual = answer.Row(row);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t item = 0; item < expected.size(); ++item)
    EXPECT_NEAR(actual.at(static_cast<int32_t>(item)), expected[item], 1e-6) << row << " " << item;
}

TEST(Recommend, GoldenUserKnn) {
  const Recommended answer = FromUsers(GoldenMatrix(), kCosine, 2, TopN(3, false, true));
  ExpectRow(answer, 0, {2.434783, 1.434783, 2.130435});
  ExpectRow(answer, 1, {1.523810, 1.476190, 3.0});
  ExpectRow(answer, 2, {1.916667, 2.0, 2.083333});
}

TEST(Recommend, GoldenItemKnn) {
  const TestMatrix matrix = GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kCosine, 2, false, 1);
  ExpectRow(FromItems(matrix, model, kCosine, TopN(3, false, true)), 0, {2.452324, 1.971318, 1.533426});
}

TEST(Recommend, GoldenSaturatedIsTheItemForm) {
  const TestMatrix matrix = GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kSaturation, 3, true, 1);
  ExpectRow(FromItems(matrix, model, kSaturation, TopN(3, false, false)), 0, {2.34375, 2.248843, 2.461806});
}

TEST(Recommend, SaturatedUserFormEqualsItemForm) {
  // (F F^T) F = F (F^T F), with the user itself included; the left side in plain float64.
  const TestMatrix matrix = RandomMatrix({25, 18, 0.4, false, false}, 5);
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kSaturation, 18, true, 100);
  const Recommended answer = FromItems(matrix, model, kSaturation, TopN(18, false, false));
  const auto f = [&](int64_t u, int64_t j) { return matrix.at(u, j) / (matrix.at(u, j) + 1); };
  for (int64_t u = 0; u < 25; ++u) {
    const auto row = answer.Row(u);
    for (int64_t j = 0; j < 18; ++j) {
      double expected = 0;
      for (int64_t v = 0; v < 25; ++v) {
        double similarity = 0;
        for (int64_t i = 0; i < 18; ++i) similarity += f(u, i) * f(v, i);
        expected += similarity * f(v, j);
      }
      const auto found = row.find(static_cast<int32_t>(j));
      EXPECT_NEAR(found == row.end() ? 0 : found->second, expected, 1e-5 * std::max(1.0, expected));
    }
  }
}

TEST(Recommend, GoldenSeedLiteral) {
  const TestMatrix matrix = GoldenMatrix();
  Recommended answer(3, 3);
  ASSERT_OK(RecommendSeedLiteral(matrix.by_user(), kSaturation, {0, 3}, TopN(3, false, false), {}, answer.Rows({0, 3})));
  ExpectRow(answer, 0, {1.25, 1.152778, 1.270833});
  ExpectRow(answer, 1, {1.208333, 1.194444, 1.270833});
  ExpectRow(answer, 2, {1.208333, 1.152778, 1.3125});
  const TestMatrix wide({{1, 2}});
  Recommended one(1, 3);
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RecommendSeedLiteral(wide.by_user(), kSaturation, {0, 1}, TopN(3, false, false), {}, one.Rows({0, 1})));
  EXPECT_CODE(StatusCode::kCancelled,
              RecommendSeedLiteral(matrix.by_user(), kSaturation, {0, 3}, TopN(3, false, false), Raised(), answer.Rows({0, 3})));
}

TEST(Recommend, GoldenHiddenCellIsPredicted) {
  const TestMatrix matrix({{1, 2, 0}, {3, 2, 1}, {2, 1, 3}});
  const Recommended answer = FromUsers(matrix, kCosine, 2, TopN(3, true, true));
  const auto row = answer.Row(0);
  ASSERT_EQ(row.size(), 1U);  // the others were seen
  EXPECT_NEAR(row.at(2), 1.727273, 1e-6);
}

TEST(Recommend, EqualScoresGoToTheSmallerItem) {
  // One user likes item 0, to which items 1 to 5 are equally similar.
  const TestMatrix matrix({{1, 0, 0, 0, 0, 0}});
  OwnedLists model(6, 5);
  std::ranges::fill(model.counts, 0);
  model.counts[0] = 5;
  for (int32_t j = 0; j < 5; ++j) {
    model.indices[static_cast<size_t>(j)] = 5 - j;
    model.scores[static_cast<size_t>(j)] = 0.5F;
  }
  const Recommended answer = FromItems(matrix, model, kCosine, TopN(3, true, false));
  EXPECT_EQ(answer.items, std::vector<int32_t>({1, 2, 3}));
}

TEST(Recommend, ColdUsersFallBackToTheirSegmentThenToAll) {
  //             user 0: cold, segment 0; user 1: cold, no segment; user 2: warm; user 3: cold, segment 1 (empty list)
  const TestMatrix matrix({{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 0, 0, 0}});
  OwnedLists model(5, 1);
  std::ranges::fill(model.counts, 0);
  model.counts[1] = 1;
  model.indices[1] = 4;
  model.scores[1] = 0.25F;
  const std::vector<int32_t> labels = {0, -1, 0, 1};
  const std::vector<int64_t> indptr = {0, 2, 2, 5};
  const std::vector<int32_t> items = {3, 1, 0, 1, 2};
  const std::vector<float> scores = {0.9F, 0.8F, 0.5F, 0.4F, 0.3F};
  RecommendOptions options = TopN(4, true, false);
  options.fallback = {labels, indptr, items, scores};
  const Recommended answer = FromItems(matrix, model, kCosine, options);
  EXPECT_EQ(answer.items, std::vector<int32_t>({3, 1, 0, 2, 0, 1, 2, -1, 4, 3, 0, 2, 0, 1, 2, -1}));
  EXPECT_EQ(answer.sources, std::vector<uint8_t>({2, 2, 3, 3, 3, 3, 3, 0, 1, 2, 3, 3, 3, 3, 3, 0}));
  EXPECT_EQ(answer.counts, std::vector<int32_t>({4, 3, 4, 3}));
  EXPECT_EQ(answer.scores[0], 0.9F);
  EXPECT_EQ(answer.scores[8], 0.25F);

  const std::vector<uint8_t> allowed = {0, 1, 1, 0, 1};
  options.allowed = allowed;
  const Recommended fewer = FromItems(matrix, model, kCosine, options);
  EXPECT_EQ(fewer.items, std::vector<int32_t>({1, 2, -1, -1, 1, 2, -1, -1, 4, 2, -1, -1, 1, 2, -1, -1}));
}

TEST(Recommend, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kCosine, 2, false, 3);
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), kCosine);
  const auto both = [&](RowRange range, const RecommendOptions& options, Recommended answer) {
    const RecommendOutput all = {answer.items, answer.scores, answer.sources, answer.counts};
    const Status items = RecommendFromItems(matrix.by_user(), model.view(), kCosine, range, options, {}, all);
    const Status users = RecommendFromUsers(matrix.by_user(), matrix.by_item(), weights.view(), 2, range, options, {}, all);
    EXPECT_EQ(items.code(), users.code());
    return items;
  };
  const RecommendOptions good = TopN(2, true, false);
  EXPECT_OK(both({0, 3}, good, Recommended(3, 2)));
  EXPECT_CODE(StatusCode::kOutOfRange, both({0, 4}, good, Recommended(4, 2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, TopN(0, true, false), Recommended(3, 2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, TopN(int64_t{1} << 62, true, false), Recommended(3, 2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, good, Recommended(2, 2)));
  for (int field = 0; field < 4; ++field) {
    Recommended answer(3, 2);
    if (field == 0) answer.items.pop_back();
    if (field == 1) answer.scores.pop_back();
    if (field == 2) answer.sources.pop_back();
    if (field == 3) answer.counts.pop_back();
    EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, good, answer));
  }
  RecommendOptions options = good;
  const std::vector<uint8_t> short_allowed = {1, 1};
  options.allowed = short_allowed;
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, options, Recommended(3, 2)));
  const std::vector<int32_t> labels = {0, 0};
  options = good;
  options.fallback.labels = labels;
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, options, Recommended(3, 2)));
  const std::vector<int32_t> outside = {3};
  const std::vector<float> share = {1};
  const std::vector<int64_t> indptr = {0, 1};
  options = good;
  options.fallback = {{}, indptr, outside, share};
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, options, Recommended(3, 2)));
  const std::vector<int64_t> beyond = {0, 2};
  const std::vector<int32_t> inside = {2};
  options.fallback = {{}, beyond, inside, share};
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, options, Recommended(3, 2)));

  Recommended answer(3, 2);
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RecommendFromUsers(matrix.by_user(), matrix.by_item(), weights.view(), 0, {0, 3}, good, {}, answer.Rows({0, 3})));
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RecommendFromItems(matrix.by_user(), OwnedLists(4, 1).view(), kCosine, {0, 3}, good, {}, answer.Rows({0, 3})));
  NeighbourLists torn = model.view();
  torn.k = 3;
  EXPECT_CODE(StatusCode::kInvalidArgument, RecommendFromItems(matrix.by_user(), torn, kCosine, {0, 3}, good, {}, answer.Rows({0, 3})));
  EXPECT_CODE(StatusCode::kCancelled,
              RecommendFromItems(matrix.by_user(), model.view(), kCosine, {0, 3}, good, Raised(), answer.Rows({0, 3})));
  EXPECT_CODE(StatusCode::kCancelled,
              RecommendFromUsers(matrix.by_user(), matrix.by_item(), weights.view(), 2, {0, 3}, good, Raised(), answer.Rows({0, 3})));
}

TEST(Recommend, ManyNeighboursNeedNoMoreMemoryThanThereAreUsers) {
  const TestMatrix matrix = RandomMatrix({300, 20, 0.3, false, false}, 9);
  const RecommendOptions options = TopN(5, true, false);
  EXPECT_TRUE(FromUsers(matrix, kCosine, 300, options) == FromUsers(matrix, kCosine, 2'000'000'000, options));
}

}  // namespace
}  // namespace couponcast
