// Weights and neighbour lists of a test matrix, owned.
#ifndef COUPONCAST_TESTS_NEIGHBOURS_FOR_TEST_H_
#define COUPONCAST_TESTS_NEIGHBOURS_FOR_TEST_H_

#include <vector>

#include "couponcast/recommend.h"
#include "couponcast/similarity.h"
#include "tests/test_util.h"

namespace couponcast::testing {

struct OwnedWeights {
  WeightingParams params;
  std::vector<float> term_weight;
  std::vector<float> length;
  std::vector<float> scale;

  OwnedWeights(const CsrView& documents, const CsrView& terms, const WeightingParams& weighting)
      : params(weighting),
        term_weight(static_cast<size_t>(documents.cols)),
        length(static_cast<size_t>(documents.rows)),
        scale(static_cast<size_t>(documents.rows)) {
    EXPECT_OK(WeighTerms(documents, terms, params, {}, term_weight, length));
    EXPECT_OK(ScaleDocuments(documents, view(), {0, documents.rows}, {}, scale));
  }
  DocumentWeights view() const { return {params, term_weight, length, scale}; }
};

struct OwnedLists {
  int64_t rows;
  int64_t k;
  std::vector<int32_t> indices;
  std::vector<float> scores;
  std::vector<int32_t> counts;

  OwnedLists(int64_t num_rows, int64_t width)
      : rows(num_rows),
        k(width),
        indices(static_cast<size_t>(num_rows * width), -7),  // values that no kernel writes
        scores(indices.size(), -7.0F),
        counts(static_cast<size_t>(num_rows), -7) {}
  NeighbourLists view() const { return {rows, k, indices, scores, counts}; }
  int32_t index(int64_t row, int64_t place) const { return indices[static_cast<size_t>(row * k + place)]; }
  float score(int64_t row, int64_t place) const { return scores[static_cast<size_t>(row * k + place)]; }
  int32_t count(int64_t row) const { return counts[static_cast<size_t>(row)]; }
};

// SimilarRows over all rows in shards of `shard`.
inline OwnedLists AllSimilarRows(const CsrView& documents, const CsrView& terms, const WeightingParams& params, int64_t k,
                                 bool include_self, int64_t shard) {
  const OwnedWeights weights(documents, terms, params);
  OwnedLists lists(documents.rows, k);
  for (const RowRange range : Shards(documents.rows, shard)) {
    const auto at = static_cast<size_t>(range.begin * k);
    const auto size = static_cast<size_t>(range.size() * k);
    EXPECT_OK(SimilarRows(documents, terms, weights.view(), range, k, include_self, {}, std::span(lists.indices).subspan(at, size),
                          std::span(lists.scores).subspan(at, size),
                          std::span(lists.counts).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()))));
  }
  return lists;
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_NEIGHBOURS_FOR_TEST_H_
