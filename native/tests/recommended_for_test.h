// Lists of recommendations of some users, owned, and how they are made in shards.
#ifndef COUPONCAST_TESTS_RECOMMENDED_FOR_TEST_H_
#define COUPONCAST_TESTS_RECOMMENDED_FOR_TEST_H_

#include <gtest/gtest.h>

#include <map>
#include <span>
#include <vector>

#include "couponcast/recommend.h"
#include "tests/neighbours_for_test.h"
#include "tests/test_util.h"

namespace couponcast::testing {

struct Recommended {
  int64_t n;
  std::vector<int32_t> items;
  std::vector<float> scores;
  std::vector<uint8_t> sources;
  std::vector<int32_t> counts;

  Recommended(int64_t rows, int64_t width)
      : n(width),
        items(static_cast<size_t>(rows * width), -7),
        scores(items.size(), -7.0F),
        sources(items.size(), 77),
        counts(static_cast<size_t>(rows), -7) {}
  RecommendOutput Rows(RowRange range) {
    const auto at = static_cast<size_t>(range.begin * n);
    const auto size = static_cast<size_t>(range.size() * n);
    return {std::span(items).subspan(at, size), std::span(scores).subspan(at, size), std::span(sources).subspan(at, size),
            std::span(counts).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()))};
  }
  // Item -> score of a row.
  std::map<int32_t, double> Row(int64_t row) const {
    std::map<int32_t, double> scores_by_item;
    for (int64_t j = 0; j < counts[static_cast<size_t>(row)]; ++j) {
      scores_by_item[items[static_cast<size_t>(row * n + j)]] = static_cast<double>(scores[static_cast<size_t>(row * n + j)]);
    }
    return scores_by_item;
  }
  bool operator==(const Recommended& other) const {
    return SameBits(items, other.items) && SameBits(scores, other.scores) && SameBits(sources, other.sources) &&
           SameBits(counts, other.counts);
  }
};

inline constexpr WeightingParams kCosine = {};
inline constexpr WeightingParams kSaturation = {Weighting::kSaturation, 1.2, 0.75, 1.0};

inline Recommended FromItems(const TestMatrix& matrix, const OwnedLists& model, const WeightingParams& transform,
                             const RecommendOptions& options, int64_t shard = 1000) {
  Recommended answer(matrix.rows(), options.n);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(RecommendFromItems(matrix.by_user(), model.view(), transform, range, options, {}, answer.Rows(range)));
  }
  return answer;
}

inline Recommended FromUsers(const TestMatrix& matrix, const WeightingParams& params, int64_t k, const RecommendOptions& options,
                             int64_t shard = 1000) {
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), params);
  Recommended answer(matrix.rows(), options.n);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(RecommendFromUsers(matrix.by_user(), matrix.by_item(), weights.view(), k, range, options, {}, answer.Rows(range)));
  }
  return answer;
}

inline RecommendOptions TopN(int64_t n, bool filter_seen, bool normalise) {
  RecommendOptions options;
  options.n = n;
  options.filter_seen = filter_seen;
  options.normalise = normalise;
  return options;
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_RECOMMENDED_FOR_TEST_H_
