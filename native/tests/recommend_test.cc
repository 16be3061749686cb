#include "couponcast/recommend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "couponcast/item_recommender.h"
#include "tests/neighbours_for_test.h"
#include "tests/recommended_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::ForEachTarget;
using testing::GoldenMatrix;
using testing::MatrixKinds;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::Recommended;
using testing::Shards;
using testing::TestMatrix;

constexpr WeightingParams kCosine = {};
constexpr WeightingParams kSaturation = {Weighting::kSaturation, 1.2, 0.75, 1.0};

Recommended FromItems(const TestMatrix& matrix, const OwnedLists& model, const WeightingParams& transform, const RecommendOptions& options,
                      int64_t shard = 1000) {
  Recommended answer(matrix.rows(), options.n);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(RecommendFromItems(matrix.by_user(), model.view(), transform, range, options, {}, answer.Rows(range)));
  }
  return answer;
}

Recommended FromUsers(const TestMatrix& matrix, const WeightingParams& params, int64_t k, const RecommendOptions& options,
                      int64_t shard = 1000) {
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), params);
  Recommended answer(matrix.rows(), options.n);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(RecommendFromUsers(matrix.by_user(), matrix.by_item(), weights.view(), k, range, options, {}, answer.Rows(range)));
  }
  return answer;
}

RecommendOptions Options(int64_t n, bool filter_seen, bool normalise) {
  RecommendOptions options;
  options.n = n;
  options.filter_seen = filter_seen;
  options.normalise = normalise;
  return options;
}

void ExpectRow(const Recommended& answer, int64_t row, const std::vector<double>& expected) {
  const auto actual = answer.Row(row);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t item = 0; item < expected.size(); ++item)
    EXPECT_NEAR(actual.at(static_cast<int32_t>(item)), expected[item], 1e-6) << row << " " << item;
}

TEST(Recommend, GoldenUserKnn) {
  const Recommended answer = FromUsers(GoldenMatrix(), kCosine, 2, Options(3, false, true));
  ExpectRow(answer, 0, {2.434783, 1.434783, 2.130435});
  ExpectRow(answer, 1, {1.523810, 1.476190, 3.0});
  ExpectRow(answer, 2, {1.916667, 2.0, 2.083333});
}

TEST(Recommend, GoldenItemKnn) {
  const TestMatrix matrix = GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kCosine, 2, false, 1);
  ExpectRow(FromItems(matrix, model, kCosine, Options(3, false, true)), 0, {2.452324, 1.971318, 1.533426});
}

TEST(Recommend, GoldenSaturatedIsTheItemForm) {
  const TestMatrix matrix = GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kSaturation, 3, true, 1);
  ExpectRow(FromItems(matrix, model, kSaturation, Options(3, false, false)), 0, {2.34375, 2.248843, 2.461806});
}

TEST(Recommend, SaturatedUserFormEqualsItemForm) {
  // (F F^T) F = F (F^T F), with the user itself included; the left side in plain float64.
  const TestMatrix matrix = RandomMatrix({25, 18, 0.4, false, false}, 5);
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kSaturation, 18, true, 100);
  const Recommended answer = FromItems(matrix, model, kSaturation, Options(18, false, false));
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
  ASSERT_OK(RecommendSeedLiteral(matrix.by_user(), kSaturation, {0, 3}, Options(3, false, false), {}, answer.Rows({0, 3})));
  ExpectRow(answer, 0, {1.25, 1.152778, 1.270833});
  ExpectRow(answer, 1, {1.208333, 1.194444, 1.270833});
  ExpectRow(answer, 2, {1.208333, 1.152778, 1.3125});
  const TestMatrix wide({{1, 2}});
  Recommended one(1, 3);
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RecommendSeedLiteral(wide.by_user(), kSaturation, {0, 1}, Options(3, false, false), {}, one.Rows({0, 1})));
  EXPECT_CODE(StatusCode::kCancelled,
              RecommendSeedLiteral(matrix.by_user(), kSaturation, {0, 3}, Options(3, false, false), Raised(), answer.Rows({0, 3})));
}

TEST(Recommend, GoldenHiddenCellIsPredicted) {
  const TestMatrix matrix({{1, 2, 0}, {3, 2, 1}, {2, 1, 3}});
  const Recommended answer = FromUsers(matrix, kCosine, 2, Options(3, true, true));
  const auto row = answer.Row(0);
  ASSERT_EQ(row.size(), 1U);  // the others were seen
  EXPECT_NEAR(row.at(2), 1.727273, 1e-6);
}

// What every answer must look like, given the float64 scores of all items (0: none).
void ExpectAnswer(const TestMatrix& matrix, const Recommended& answer, const std::vector<std::vector<double>>& scores,
                  const std::vector<std::vector<double>>& slack, bool filter_seen, const std::vector<uint8_t>& allowed) {
  for (int64_t u = 0; u < matrix.rows(); ++u) {
    std::vector<bool> listed(static_cast<size_t>(matrix.cols()), false);
    const int64_t count = answer.counts[static_cast<size_t>(u)];
    ASSERT_GE(count, 0);
    ASSERT_LE(count, answer.n);
    double last = std::numeric_limits<double>::infinity();
    int32_t last_item = -1;
    for (int64_t j = 0; j < answer.n; ++j) {
      const auto at = static_cast<size_t>(u * answer.n + j);
      const int32_t item = answer.items[at];
      if (j >= count) {
        EXPECT_EQ(item, -1);
        EXPECT_EQ(answer.scores[at], 0.0F);
        EXPECT_EQ(answer.sources[at], static_cast<uint8_t>(ScoreSource::kNone));
        continue;
      }
      ASSERT_GE(item, 0);
      ASSERT_LT(item, matrix.cols());
      const auto place = static_cast<size_t>(item);
      EXPECT_FALSE(listed[place]);
      listed[place] = true;
      EXPECT_EQ(answer.sources[at], static_cast<uint8_t>(ScoreSource::kModel));
      EXPECT_FALSE(filter_seen && matrix.at(u, item) != 0);
      EXPECT_TRUE(allowed.empty() || allowed[place] != 0);
      const auto score = static_cast<double>(answer.scores[at]);
      EXPECT_GT(score, 0);
      EXPECT_NEAR(score, scores[static_cast<size_t>(u)][place], slack[static_cast<size_t>(u)][place]);
      EXPECT_TRUE(score < last || (score == last && item > last_item));
      last = score;
      last_item = item;
    }
    const double limit = count == answer.n ? last : 0.0;
    for (int64_t item = 0; item < matrix.cols(); ++item) {
      const auto place = static_cast<size_t>(item);
      if (listed[place] || (filter_seen && matrix.at(u, item) != 0) || (!allowed.empty() && allowed[place] == 0)) continue;
      EXPECT_LE(scores[static_cast<size_t>(u)][place], limit + slack[static_cast<size_t>(u)][place]) << "left out " << u << " " << item;
    }
  }
}

TEST(Recommend, FromItemsEqualsBruteForce) {
  uint64_t seed = 200;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    Random random(seed);
    std::vector<uint8_t> allowed(static_cast<size_t>(matrix.cols()));
    for (uint8_t& flag : allowed) flag = random.Below(4) != 0 ? 1 : 0;
    for (int variant = 0; variant < 8; ++variant) {
      const bool saturated = (variant & 4) != 0;
      const WeightingParams transform = saturated ? kSaturation : kCosine;
      RecommendOptions options = Options(variant % 2 == 0 ? 5 : 300, (variant & 1) != 0, (variant & 2) != 0);
      if (variant % 3 == 0) options.allowed = allowed;
      const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), transform, 6, saturated, 1000);
      const auto users = static_cast<size_t>(matrix.rows());
      const auto items = static_cast<size_t>(matrix.cols());
      std::vector<std::vector<double>> scores(users, std::vector<double>(items, 0.0));
      auto weights = scores;
      auto slack = scores;
      for (int64_t u = 0; u < matrix.rows(); ++u) {
        for (int64_t i = 0; i < matrix.cols(); ++i) {
          double value = matrix.at(u, i);
          if (value == 0) continue;
          if (saturated) value = value > 0 ? value / (value + 1) : 0;
          for (int64_t j = 0; j < model.count(i); ++j) {
            const auto to = static_cast<size_t>(model.index(i, j));
            const auto s = static_cast<double>(model.score(i, j));
            scores[static_cast<size_t>(u)][to] += value * s;
            slack[static_cast<size_t>(u)][to] += std::fabs(value * s) * 2e-6;
            weights[static_cast<size_t>(u)][to] += s;
          }
        }
      }
      if (options.normalise) {
        for (size_t u = 0; u < users; ++u) {
          for (size_t j = 0; j < items; ++j) {
            if (weights[u][j] <= 0) continue;
            scores[u][j] /= weights[u][j];
            slack[u][j] = 2 * slack[u][j] / weights[u][j] + std::fabs(scores[u][j]) * 2e-6;
          }
        }
      }
      SCOPED_TRACE(variant);
      ExpectAnswer(matrix, FromItems(matrix, model, transform, options), scores, slack, options.filter_seen,
                   variant % 3 == 0 ? allowed : std::vector<uint8_t>());
    }
  }
}

TEST(Recommend, FromUsersEqualsBruteForce) {
  uint64_t seed = 300;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (int variant = 0; variant < 4; ++variant) {
      const RecommendOptions options = Options(variant % 2 == 0 ? 4 : 300, (variant & 1) != 0, (variant & 2) != 0);
      const int64_t k = 1 + 7 * variant;
      const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), kCosine, k, false, 1000);
      const auto users = static_cast<size_t>(matrix.rows());
      const auto items = static_cast<size_t>(matrix.cols());
      std::vector<std::vector<double>> scores(users, std::vector<double>(items, 0.0));
      auto slack = scores;
      for (int64_t u = 0; u < matrix.rows(); ++u) {
        for (int64_t j = 0; j < matrix.cols(); ++j) {
          double sum = 0;
          double weight = 0;
          double magnitude = 0;
          for (int64_t p = 0; p < lists.count(u); ++p) {
            const double r = matrix.at(lists.index(u, p), j);
            if (r == 0) continue;
            sum += static_cast<double>(lists.score(u, p)) * r;
            magnitude += static_cast<double>(lists.score(u, p)) * std::fabs(r);
            weight += static_cast<double>(lists.score(u, p));
          }
          if (options.normalise) {
            sum = weight > 0 ? sum / weight : 0;
            magnitude = weight > 0 ? magnitude / weight : 0;
          }
          scores[static_cast<size_t>(u)][static_cast<size_t>(j)] = sum;
          slack[static_cast<size_t>(u)][static_cast<size_t>(j)] = 4e-6 * magnitude;
        }
      }
      SCOPED_TRACE(variant);
      ExpectAnswer(matrix, FromUsers(matrix, kCosine, k, options), scores, slack, options.filter_seen, {});
    }
  }
}

TEST(Recommend, ShardsAndTargetsGiveTheSameBytes) {
  uint64_t seed = 400;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kCosine, 8, false, 1000);
    for (const bool normalise : {false, true}) {
      const RecommendOptions options = Options(7, true, normalise);
      const Recommended items = FromItems(matrix, model, kCosine, options);
      const Recommended users = FromUsers(matrix, kCosine, 9, options);
      for (const int64_t shard : {1, 7, 100}) {
        EXPECT_TRUE(FromItems(matrix, model, kCosine, options, shard) == items);
        EXPECT_TRUE(FromUsers(matrix, kCosine, 9, options, shard) == users);
      }
      ForEachTarget([&] {
        EXPECT_TRUE(FromItems(matrix, model, kCosine, options) == items);
        EXPECT_TRUE(FromUsers(matrix, kCosine, 9, options) == users);
      });
    }
  }
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
  const Recommended answer = FromItems(matrix, model, kCosine, Options(3, true, false));
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
  RecommendOptions options = Options(4, true, false);
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
  const RecommendOptions good = Options(2, true, false);
  EXPECT_OK(both({0, 3}, good, Recommended(3, 2)));
  EXPECT_CODE(StatusCode::kOutOfRange, both({0, 4}, good, Recommended(4, 2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, Options(0, true, false), Recommended(3, 2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, both({0, 3}, Options(int64_t{1} << 62, true, false), Recommended(3, 2)));
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
  const RecommendOptions options = Options(5, true, false);
  EXPECT_TRUE(FromUsers(matrix, kCosine, 300, options) == FromUsers(matrix, kCosine, 2'000'000'000, options));
}

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

RecommendOptions TopN(int64_t n) {
  RecommendOptions options;
  options.n = n;
  return options;
}

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
    auto recommender = ItemRecommender::Create(model.view(), {}, Options(100, false, false));
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
  auto recommender = ItemRecommender::Create(model.view(), {}, TopN(2));
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
  EXPECT_CODE(StatusCode::kInvalidArgument, ItemRecommender::Create(model.view(), {}, TopN(0)).status());
  NeighbourLists wrong = model.view();
  wrong.k = 3;
  EXPECT_CODE(StatusCode::kInvalidArgument, ItemRecommender::Create(wrong, {}, TopN(2)).status());
  auto recommender = ItemRecommender::Create(model.view(), {}, TopN(2));
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
