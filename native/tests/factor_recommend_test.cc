#include "couponcast/factor_recommend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "couponcast/scored_index.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;
using testing::TestMatrix;

std::vector<float> Vectors(int64_t rows, int64_t factors, uint64_t seed, bool integers) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(rows * factors));
  for (int64_t row = 0; row < rows; ++row) {
    const double length = random.Between(0, 3);
    for (int64_t f = 0; f < factors; ++f) {
      values[static_cast<size_t>(row * factors + f)] =
          integers ? static_cast<float>(random.Below(3) - 1) : static_cast<float>(length * random.Between(-0.7, 1));
    }
  }
  return values;
}

float Product(const float* a, const float* b, int64_t factors) {
  float sum = 0;
  for (int64_t f = 0; f < factors; ++f) {
    const volatile float product = a[f] * b[f];
    sum += product;
  }
  return sum;
}

struct Answer {
  std::vector<int32_t> items;
  std::vector<float> scores;
  std::vector<uint8_t> sources;
  std::vector<int32_t> counts;
};

Answer Recommend(const TestMatrix& matrix, const FactorsView& model, const RecommendOptions& options, int64_t shard) {
  const auto n = static_cast<size_t>(options.n);
  const auto rows = static_cast<size_t>(matrix.rows());
  Answer answer{std::vector<int32_t>(rows * n, -7), std::vector<float>(rows * n, -7), std::vector<uint8_t>(rows * n, 7),
                std::vector<int32_t>(rows, -7)};
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    const auto at = static_cast<size_t>(range.begin);
    const auto size = static_cast<size_t>(range.size());
    EXPECT_OK(RecommendFromFactors(matrix.by_user(), model, range, options, {},
                                   {std::span(answer.items).subspan(at * n, size * n), std::span(answer.scores).subspan(at * n, size * n),
                                    std::span(answer.sources).subspan(at * n, size * n), std::span(answer.counts).subspan(at, size)}));
  }
  return answer;
}

bool Equal(const Answer& a, const Answer& b) {
  return SameBits(a.items, b.items) && SameBits(a.scores, b.scores) && SameBits(a.sources, b.sources) && SameBits(a.counts, b.counts);
}

TEST(FactorRecommend, EqualsScoringAllItems) {
  uint64_t seed = 1;
  for (const int64_t factors : {1, 3, 16, 64, 65}) {
    for (const int64_t items : {1, 63, 64, 300}) {
      for (const bool integers : {false, true}) {
        for (const bool filter_seen : {false, true}) {
          const TestMatrix matrix = RandomMatrix({150, items, 0.2, false, false}, ++seed);
          const std::vector<float> x = Vectors(150, factors, ++seed, integers);
          const std::vector<float> y = Vectors(items, factors, ++seed, integers);
          std::vector<uint8_t> allowed(static_cast<size_t>(items), 1);
          for (size_t i = 0; i < allowed.size(); i += 5) allowed[i] = filter_seen ? 0 : 1;
          RecommendOptions options;
          options.n = 7;
          options.filter_seen = filter_seen;
          options.allowed = allowed;
          const FactorsView model{factors, x, y};
          const Answer answer = Recommend(matrix, model, options, 150);
          for (int64_t user = 0; user < 150; ++user) {
            std::vector<ScoredIndex> all;
            for (int64_t item = 0; item < items; ++item) {
              const float score = Product(x.data() + user * factors, y.data() + item * factors, factors);
              const bool refused = allowed[static_cast<size_t>(item)] == 0 || (filter_seen && matrix.at(user, item) != 0);
              if (score > 0 && !refused) all.push_back({score, static_cast<int32_t>(item)});
            }
            std::ranges::sort(all, kBetter);
            if (all.size() > 7) all.resize(7);
            ASSERT_EQ(answer.counts[static_cast<size_t>(user)], std::ssize(all));
            for (size_t j = 0; j < 7; ++j) {
              const size_t at = static_cast<size_t>(user) * 7 + j;
              EXPECT_EQ(answer.items[at], j < all.size() ? all[j].index : -1);
              EXPECT_EQ(answer.scores[at], j < all.size() ? all[j].score : 0.0F);
            }
          }
          EXPECT_TRUE(Equal(Recommend(matrix, model, options, 11), answer));
          ForEachTarget([&] { EXPECT_TRUE(Equal(Recommend(matrix, model, options, 150), answer)); });
        }
      }
    }
  }
}

TEST(FactorRecommend, FillsUpWithWhatIsPopular) {
  const TestMatrix matrix({{1, 0, 1, 1}, {0, 0, 0, 1}});
  const std::vector<float> x = {1, -1};
  const std::vector<float> y = {0, 2, 0, -1};
  const Result<PopularityLists> popular = RankPopularItems(matrix.by_user(), matrix.by_item(), {}, 0, {});
  ASSERT_TRUE(popular.ok());
  RecommendOptions options;
  options.n = 3;
  options.filter_seen = false;
  options.fallback = {{}, popular.value().indptr, popular.value().items, popular.value().scores};
  const Answer answer = Recommend(matrix, {1, x, y}, options, 2);
  EXPECT_EQ(answer.items, std::vector<int32_t>({1, 3, 0, 3, 0, 2}));
  EXPECT_EQ(answer.sources, std::vector<uint8_t>({1, 3, 3, 1, 3, 3}));
}

TEST(FactorRecommend, SimilarRowsByCosine) {
  const int64_t factors = 5;
  const std::vector<float> rows = [&] {
    std::vector<float> values = Vectors(200, factors, 3, false);
    std::fill_n(values.begin() + 50, factors, 0.0F);
    return values;
  }();
  std::vector<int32_t> indices(size_t{200} * 9);
  std::vector<float> scores(size_t{200} * 9);
  std::vector<int32_t> counts(200);
  ASSERT_OK(SimilarFactors(rows, factors, {0, 200}, 9, {}, indices, scores, counts));
  EXPECT_EQ(counts[10], 0);
  for (int64_t row = 0; row < 200; ++row) {
    std::vector<double> cosines;
    const float* a = rows.data() + row * factors;
    for (int64_t other = 0; other < 200; ++other) {
      const float* b = rows.data() + other * factors;
      double ab = 0;
      double aa = 0;
      double bb = 0;
      for (int64_t f = 0; f < factors; ++f) {
        ab += static_cast<double>(a[f]) * static_cast<double>(b[f]);
        aa += static_cast<double>(a[f]) * static_cast<double>(a[f]);
        bb += static_cast<double>(b[f]) * static_cast<double>(b[f]);
      }
      if (other != row && ab > 0) cosines.push_back(ab / std::sqrt(aa * bb));
    }
    std::ranges::sort(cosines, std::greater());
    ASSERT_EQ(counts[static_cast<size_t>(row)], std::min<int64_t>(9, std::ssize(cosines)));
    for (size_t j = 0; j < static_cast<size_t>(counts[static_cast<size_t>(row)]); ++j) {
      EXPECT_NEAR(scores[static_cast<size_t>(row) * 9 + j], cosines[j], 1e-6);
      EXPECT_NE(indices[static_cast<size_t>(row) * 9 + j], row);
    }
  }
}

TEST(FactorRecommend, AffinityIsTheSumOfScores) {
  const int64_t factors = 6;
  const std::vector<float> x = Vectors(30, factors, 1, false);
  const std::vector<float> y = Vectors(12, factors, 2, false);
  const std::vector<int64_t> indptr = {0, 2, 2, 5};
  const std::vector<int32_t> items = {3, 7, 0, 1, 11};
  const FactorsView model{factors, x, y};
  const ScopeView scopes{12, indptr, items};
  std::vector<float> weights(static_cast<size_t>(factors * 4));
  ASSERT_OK(ScopeWeightsOfFactors(model, scopes, {0, factors}, {}, weights));
  std::vector<float> affinity(size_t{30} * 4);
  ASSERT_OK(AffinityFromFactors(model, weights, 4, {0, 30}, {}, affinity));
  for (int64_t user = 0; user < 30; ++user) {
    for (int64_t coupon = 0; coupon < 4; ++coupon) {
      double expected = 0;
      for (int64_t item = 0; item < 12; ++item) {
        const auto begin = items.begin() + (coupon < 3 ? indptr[static_cast<size_t>(coupon)] : 0);
        const auto end = items.begin() + (coupon < 3 ? indptr[static_cast<size_t>(coupon) + 1] : 0);
        if (coupon == 3 || std::find(begin, end, item) != end)
          expected += static_cast<double>(Product(x.data() + user * factors, y.data() + item * factors, factors));
      }
      EXPECT_NEAR(affinity[static_cast<size_t>(user * 4 + coupon)], expected, 1e-4);
    }
  }
}

TEST(FactorRecommend, RefusesWhatDoesNotFit) {
  const TestMatrix matrix({{1, 0, 2}, {0, 1, 0}});
  const std::vector<float> x(4, 1.0F);
  std::vector<float> y(6, 1.0F);
  std::vector<int32_t> items(2);
  std::vector<float> scores(2);
  std::vector<uint8_t> sources(2);
  std::vector<int32_t> counts(2);
  RecommendOptions options;
  options.n = 1;
  const auto run = [&](const FactorsView& model, RowRange range = {0, 2}, CancelFlag cancel = {}) {
    return RecommendFromFactors(matrix.by_user(), model, range, options, cancel, {items, scores, sources, counts});
  };
  EXPECT_OK(run({2, x, y}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({0, x, y}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({1, x, y}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({2, y, x}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run({2, x, y}, {0, 1}));
  EXPECT_CODE(StatusCode::kOutOfRange, run({2, x, y}, {1, 3}));
  EXPECT_CODE(StatusCode::kCancelled, run({2, x, y}, {0, 2}, Raised()));
  y[3] = std::numeric_limits<float>::infinity();
  EXPECT_CODE(StatusCode::kCorruptFile, run({2, x, y}));
  y[3] = NAN;
  EXPECT_CODE(StatusCode::kCorruptFile, run({2, x, y}));
  EXPECT_CODE(StatusCode::kCorruptFile, SimilarFactors(y, 2, {0, 2}, 1, {}, items, scores, counts));
  EXPECT_CODE(StatusCode::kOutOfRange, SimilarFactors(x, 2, {0, 3}, 1, {}, items, scores, counts));
  const std::vector<int64_t> indptr = {0, 1};
  const std::vector<int32_t> outside = {3};
  std::vector<float> weights(4);
  EXPECT_CODE(StatusCode::kOutOfRange, ScopeWeightsOfFactors({2, x, y}, {3, indptr, outside}, {0, 2}, {}, weights));
  EXPECT_CODE(StatusCode::kInvalidArgument, AffinityFromFactors({2, x, y}, weights, 3, {0, 2}, {}, scores));
}

}  // namespace
}  // namespace couponcast
