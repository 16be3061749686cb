#include "couponcast/recommend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/neighbours_for_test.h"
#include "tests/recommended_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::ForEachTarget;
using testing::FromItems;
using testing::FromUsers;
using testing::kCosine;
using testing::kSaturation;
using testing::MatrixKinds;
using testing::OwnedLists;
using testing::Random;
using testing::RandomMatrix;
using testing::Recommended;
using testing::TestMatrix;
using testing::TopN;

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
      RecommendOptions options = TopN(variant % 2 == 0 ? 5 : 300, (variant & 1) != 0, (variant & 2) != 0);
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
      const RecommendOptions options = TopN(variant % 2 == 0 ? 4 : 300, (variant & 1) != 0, (variant & 2) != 0);
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
      const RecommendOptions options = TopN(7, true, normalise);
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

}  // namespace
}  // namespace couponcast
