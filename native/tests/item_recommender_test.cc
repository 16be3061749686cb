#include "couponcast/item_recommender.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/neighbours_for_test.h"
#include "tests/recommended_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::FromItems;
using testing::MatrixKinds;
using testing::OwnedLists;
using testing::Random;
using testing::RandomMatrix;
using testing::Recommended;
using testing::TestMatrix;
using testing::TopN;

TEST(ItemRecommender, AnswersWhatRecommendFromItemsDoes) {
  uint64_t seed = 300;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), {}, 6, false, 1000);
    const auto popular = RankPopularItems(matrix.by_user(), matrix.by_item(), {}, 0, {});
    std::vector<uint8_t> allowed(static_cast<size_t>(matrix.cols()));
    for (size_t i = 0; i < allowed.size(); ++i) allowed[i] = i % 4 == 0 ? 0 : 1;
    for (int variant = 0; variant < 8; ++variant) {
      SCOPED_TRACE(variant);
      RecommendOptions options;
      options.n = 1 + variant * 3;
      options.filter_seen = variant % 2 == 0;
      options.normalise = variant % 3 == 0;
      if (variant % 4 == 1) options.allowed = allowed;
      if (variant > 3) options.fallback = {{}, popular.value().indptr, popular.value().items, popular.value().scores};
      const WeightingParams transform{variant == 2 ? Weighting::kSaturation : Weighting::kCosine};

      const Recommended expected = FromItems(matrix, model, transform, options);
      auto recommender = ItemRecommender::Create(model.view(), transform, options);
      ASSERT_OK(recommender.status());
      for (int64_t user = 0; user < matrix.rows(); ++user) {
        // In any order.
        std::vector<int32_t> items(matrix.by_user().row_indices(user).begin(), matrix.by_user().row_indices(user).end());
        std::vector<float> values(matrix.by_user().row_values(user).begin(), matrix.by_user().row_values(user).end());
        if (user % 2 == 0) {
          std::ranges::reverse(items);
          std::ranges::reverse(values);
        }
        Recommended one(1, options.n);
        EXPECT_OK(recommender.value()->Recommend(items, values, one.Rows({0, 1})));
        const auto at = static_cast<size_t>(user * options.n);
        const auto n = static_cast<size_t>(options.n);
        EXPECT_EQ(one.counts[0], expected.counts[static_cast<size_t>(user)]);
        EXPECT_TRUE(std::ranges::equal(one.items, std::span(expected.items).subspan(at, n)));
        EXPECT_TRUE(std::ranges::equal(one.scores, std::span(expected.scores).subspan(at, n)));
        EXPECT_TRUE(std::ranges::equal(one.sources, std::span(expected.sources).subspan(at, n)));
      }
    }
  }
}

// More items than 16 bits tell apart, and as many.
TEST(ItemRecommender, ManyItems) {
  for (const int32_t items : {65'536, 65'537, 200'000}) {
    SCOPED_TRACE(items);
    OwnedLists model(items, 3);
    Random random(17);
    for (size_t at = 0; at < model.indices.size(); ++at) {
      model.indices[at] = static_cast<int32_t>((static_cast<int64_t>(at) * 7919 + 65'530) % items);
      model.scores[at] = static_cast<float>(random.Between(0, 1));
    }
    for (size_t item = 0; item < model.counts.size(); ++item) model.counts[item] = static_cast<int32_t>(item % 4);
    std::vector<int32_t> row;
    std::vector<float> values;
    std::vector<double> expected(static_cast<size_t>(items), 0.0);
    for (int32_t item = 1; item < items; item += items / 30) {
      row.push_back(item);
      values.push_back(static_cast<float>(random.Between(0, 1)));
      for (int64_t j = 0; j < model.count(item); ++j) {
        expected[static_cast<size_t>(model.index(item, j))] +=
            static_cast<double>(values.back()) * static_cast<double>(model.score(item, j));
      }
    }
    const auto touched = std::ranges::count_if(expected, [](double score) { return score > 0; });
    auto recommender = ItemRecommender::Create(model.view(), {}, TopN(100, false, false));
    ASSERT_OK(recommender.status());
    Recommended answer(1, 100);
    EXPECT_OK(recommender.value()->Recommend(row, values, answer.Rows({0, 1})));
    EXPECT_EQ(answer.counts[0], touched);
    for (size_t j = 0; j < static_cast<size_t>(answer.counts[0]); ++j)
      EXPECT_NEAR(static_cast<double>(answer.scores[j]), expected[static_cast<size_t>(answer.items[j])], 1e-6);
  }
}

TEST(ItemRecommender, WithoutValuesEachItemCountsOne) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), {}, 2, false, 1000);
  auto recommender = ItemRecommender::Create(model.view(), {}, TopN(2, true, false));
  ASSERT_OK(recommender.status());
  Recommended with(1, 2);
  Recommended without(1, 2);
  EXPECT_OK(recommender.value()->Recommend(std::vector<int32_t>{1}, std::vector<float>{1}, with.Rows({0, 1})));
  EXPECT_OK(recommender.value()->Recommend(std::vector<int32_t>{1}, {}, without.Rows({0, 1})));
  EXPECT_EQ(with.items, without.items);
  EXPECT_EQ(with.scores, without.scores);
}

TEST(ItemRecommender, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), {}, 2, false, 1000);
  EXPECT_CODE(StatusCode::kInvalidArgument, ItemRecommender::Create(model.view(), {}, TopN(0, true, false)).status());
  NeighbourLists wrong = model.view();
  wrong.k = 3;
  EXPECT_CODE(StatusCode::kInvalidArgument, ItemRecommender::Create(wrong, {}, TopN(2, true, false)).status());
  auto recommender = ItemRecommender::Create(model.view(), {}, TopN(2, true, false));
  ASSERT_OK(recommender.status());
  Recommended answers(1, 2);
  const auto run = [&](const std::vector<int32_t>& items, const std::vector<float>& values) {
    return recommender.value()->Recommend(items, values, answers.Rows({0, 1}));
  };
  EXPECT_CODE(StatusCode::kOutOfRange, run({3}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, run({-1}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({1, 1}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({0, 1}, {1}));
  Recommended small(1, 1);
  EXPECT_CODE(StatusCode::kInvalidArgument, recommender.value()->Recommend(std::vector<int32_t>{1}, {}, small.Rows({0, 1})));
  EXPECT_OK(run({2, 0}, {1, 2}));
}

}  // namespace
}  // namespace couponcast
