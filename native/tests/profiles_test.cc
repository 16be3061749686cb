#include "couponcast/profiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/recommended_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Dense;
using testing::ForEachTarget;
using testing::Raised;
using testing::RandomMatrix;
using testing::Recommended;
using testing::SameBits;
using testing::Shards;
using testing::TestMatrix;

// Profiles of unit length for `items` items, some of them empty.
TestMatrix RandomProfiles(int64_t items, int64_t features, uint64_t seed) {
  Dense dense = RandomMatrix({items, features, 0.2, false, false}, seed).dense();
  for (auto& row : dense) {
    double square = 0;
    for (const float value : row) square += static_cast<double>(value) * static_cast<double>(value);
    for (float& value : row) value = square > 0 ? static_cast<float>(static_cast<double>(value) / std::sqrt(square)) : 0.0F;
  }
  return {dense, features};
}

ProfileView View(const TestMatrix& profiles) { return {profiles.by_user(), profiles.by_item()}; }

// The cosine of user u's profile and item j's in float64.
double Score(const TestMatrix& users, const TestMatrix& profiles, int64_t u, int64_t j) {
  double product = 0;
  double square = 0;
  for (int64_t f = 0; f < profiles.cols(); ++f) {
    double sum = 0;
    for (int64_t i = 0; i < users.cols(); ++i) sum += users.at(u, i) * profiles.at(i, f);
    product += sum * profiles.at(j, f);
    square += sum * sum;
  }
  return square > 0 ? product / std::sqrt(square) : 0;
}

Recommended Recommend(const TestMatrix& users, const TestMatrix& profiles, int64_t n, bool filter_seen, int64_t shard) {
  RecommendOptions options;
  options.n = n;
  options.filter_seen = filter_seen;
  Recommended answer(users.rows(), n);
  for (const RowRange range : Shards(users.rows(), shard))
    EXPECT_OK(RecommendFromProfiles(users.by_user(), View(profiles), range, options, {}, answer.Rows(range)));
  return answer;
}

TEST(Profiles, RecommendsByCosine) {
  uint64_t seed = 900;
  for (const int64_t items : {1, 9, 60}) {
    for (const bool filter_seen : {true, false}) {
      const TestMatrix users = RandomMatrix({40, items, 0.15, false, false}, ++seed);
      const TestMatrix profiles = RandomProfiles(items, 30, ++seed);
      const Recommended answer = Recommend(users, profiles, items, filter_seen, 1000);
      for (int64_t u = 0; u < users.rows(); ++u) {
        int64_t expected = 0;
        for (int64_t j = 0; j < items; ++j) expected += Score(users, profiles, u, j) > 1e-6 && (!filter_seen || users.at(u, j) == 0);
        ASSERT_EQ(answer.counts[static_cast<size_t>(u)], expected);
        double last = 2;
        for (int64_t p = 0; p < expected; ++p) {
          const auto at = static_cast<size_t>(u * items + p);
          ASSERT_NEAR(static_cast<double>(answer.scores[at]), Score(users, profiles, u, answer.items[at]), 2e-6);
          ASSERT_LE(static_cast<double>(answer.scores[at]), last);
          last = static_cast<double>(answer.scores[at]);
        }
      }
    }
  }
}

TEST(Profiles, AnItemWithoutHistoryIsFound) {
  const TestMatrix users({{1, 0, 0}}, 3);  // item 1 is in nobody's row
  const TestMatrix profiles({{1, 0}, {1, 0}, {0, 1}}, 2);
  const Recommended answer = Recommend(users, profiles, 3, true, 1);
  ASSERT_EQ(answer.counts[0], 1);
  EXPECT_EQ(answer.items[0], 1);
  EXPECT_EQ(answer.scores[0], 1.0F);
}

TEST(Profiles, AffinityIsTheSumOfScoresOverTheScope) {
  const TestMatrix users = RandomMatrix({30, 25, 0.3, false, false}, 31);
  const TestMatrix profiles = RandomProfiles(25, 40, 32);
  const std::vector<int64_t> indptr = {0, 0, 3, 28};
  std::vector<int32_t> indices = {1, 4, 7};
  for (int32_t j = 0; j < 25; ++j) indices.push_back(j);
  const ScopeView scopes{25, indptr, indices};
  constexpr int64_t kColumns = 4;
  std::vector<float> weights(static_cast<size_t>(40 * kColumns), -7.0F);
  for (const RowRange range : Shards(40, 7)) {
    EXPECT_OK(ScopeWeightsOfFeatures(
        View(profiles), scopes, range, {},
        std::span(weights).subspan(static_cast<size_t>(range.begin * kColumns), static_cast<size_t>(range.size() * kColumns))));
  }
  std::vector<float> first;
  ForEachTarget([&] {
    std::vector<float> affinity(static_cast<size_t>(30 * kColumns), -7.0F);
    for (const RowRange range : Shards(30, 11)) {
      EXPECT_OK(AffinityFromProfiles(
          users.by_user(), View(profiles), weights, kColumns, range, {},
          std::span(affinity).subspan(static_cast<size_t>(range.begin * kColumns), static_cast<size_t>(range.size() * kColumns))));
    }
    for (int64_t u = 0; u < 30; ++u) {
      std::vector<double> expected(kColumns, 0.0);
      for (int32_t j = 0; j < 25; ++j) {
        const double score = Score(users, profiles, u, j);
        if (j == 1 || j == 4 || j == 7) expected[1] += score;
        expected[2] += score;
        expected[3] += score;
      }
      for (int64_t c = 0; c < kColumns; ++c) {
        ASSERT_NEAR(static_cast<double>(affinity[static_cast<size_t>(u * kColumns + c)]), expected[static_cast<size_t>(c)], 1e-5);
      }
    }
    if (first.empty()) first = affinity;
    EXPECT_TRUE(SameBits(first, affinity));
  });
}

TEST(Profiles, ShardsAndTargetsGiveTheSameBytes) {
  const TestMatrix users = RandomMatrix({100, 80, 0.1, false, true}, 41);
  const TestMatrix profiles = RandomProfiles(80, 50, 42);
  const Recommended whole = Recommend(users, profiles, 10, true, 1000);
  ForEachTarget([&] { EXPECT_TRUE(whole == Recommend(users, profiles, 10, true, 13)); });
}

TEST(Profiles, RefusesWhatDoesNotFit) {
  const TestMatrix users = RandomMatrix({3, 4, 0.5, false, false}, 51);
  const TestMatrix profiles = RandomProfiles(5, 4, 52);
  RecommendOptions options;
  options.n = 2;
  Recommended answer(3, 2);
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RecommendFromProfiles(users.by_user(), View(profiles), {0, 3}, options, {}, answer.Rows({0, 3})));
  const TestMatrix fitting = RandomProfiles(4, 4, 53);
  EXPECT_CODE(StatusCode::kOutOfRange, RecommendFromProfiles(users.by_user(), View(fitting), {0, 4}, options, {}, answer.Rows({0, 3})));
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RecommendFromProfiles(users.by_user(), {fitting.by_user(), profiles.by_item()}, {0, 3}, options, {}, answer.Rows({0, 3})));
  EXPECT_CODE(StatusCode::kCancelled,
              RecommendFromProfiles(users.by_user(), View(fitting), {0, 3}, options, Raised(), answer.Rows({0, 3})));
}

}  // namespace
}  // namespace couponcast
