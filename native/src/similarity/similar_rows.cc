#include <bit>
#include <vector>

#include "base/accumulator.h"
#include "base/block_scan.h"
#include "base/check.h"
#include "base/top_k.h"
#include "couponcast/similarity.h"
#include "similarity/dispatch_weighting.h"

namespace couponcast {
namespace {

constexpr int64_t kMaddsPerPoll = int64_t{1} << 20;

template <Weighting kWeighting>
Status SimilarRowsImpl(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                       bool include_self, CancelFlag cancel, std::span<int32_t> indices, std::span<float> scores,
                       std::span<int32_t> counts) {
  const auto k1_plus_1 = static_cast<float>(weights.params.k1 + 1.0);
  Accumulator sums(documents.rows);
  // Padded, so that a block of the accumulator has a block of scales.
  std::vector<float> scale(weights.scale.begin(), weights.scale.end());
  scale.resize((scale.size() + Accumulator::kBlock - 1) / Accumulator::kBlock * Accumulator::kBlock, 0.0F);
  TopK best(k);
  // What a row costs without its cells: the marks of the accumulator and the places of the answer.
  const int64_t row_cost = documents.rows / (8 * Accumulator::kBlock) + k + 1;
  int64_t until_poll = 0;
  const auto stop = [&](int64_t cost) {
    until_poll -= cost;
    if (until_poll >= 0) return false;
    until_poll = kMaddsPerPoll;
    return cancel.IsSet();
  };
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (stop(row_cost)) return Cancelled();
    const auto row_terms = documents.row_indices(row);
    const auto row_values = documents.row_values(row);
    const float row_length = weights.length[static_cast<size_t>(row)];
    for (size_t i = 0; i < row_terms.size(); ++i) {
      const int64_t term = row_terms[i];
      const auto postings = terms.row_indices(term);
      const auto values = terms.row_values(term);
      if (stop(static_cast<int64_t>(postings.size()) + 1)) return Cancelled();
      const float term_weight = weights.term_weight[static_cast<size_t>(term)];
      const float weight = TermFrequency<kWeighting>(row_values[i], row_length, k1_plus_1) * term_weight * term_weight;
      if (weight == 0) continue;
      for (size_t j = 0; j < postings.size(); ++j) {
        // Only BM25's differs between documents; saturation's is lambda, the others use none.
        const float length = kWeighting == Weighting::kBm25 ? weights.length[static_cast<size_t>(postings[j])] : row_length;
        sums.Add(postings[j], weight * TermFrequency<kWeighting>(values[j], length, k1_plus_1));
      }
    }
    const float row_scale = weights.scale[static_cast<size_t>(row)];
    best.Reset(0.0F);
    if (!include_self) sums[row] = 0;  // not above the threshold
    sums.Drain([&](int64_t first, float* block) {
      MultiplyInPlace(block, scale.data() + first, Accumulator::kBlock);
      // row_scale is common to the row, but scores are compared as they are reported.
      for (int64_t j = 0; j < Accumulator::kBlock; ++j) block[j] *= row_scale;
      for (uint64_t mask = MaskAbove(block, best.threshold()); mask != 0; mask &= mask - 1) {
        const int bit = std::countr_zero(mask);
        best.Push(block[bit], static_cast<int32_t>(first + bit));
      }
    });
    const auto sorted = best.Sorted();
    const auto at = static_cast<size_t>((row - range.begin) * k);
    for (size_t j = 0; j < static_cast<size_t>(k); ++j) {
      indices[at + j] = j < sorted.size() ? sorted[j].index : -1;
      scores[at + j] = j < sorted.size() ? sorted[j].score : 0.0F;
    }
    counts[static_cast<size_t>(row - range.begin)] = static_cast<int32_t>(sorted.size());
  }
  return {};
}

}  // namespace

Status SimilarRows(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                   bool include_self, CancelFlag cancel, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", indices.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("term_weight", weights.term_weight.size(), documents.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("length", weights.length.size(), documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", weights.scale.size(), documents.rows));
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    return SimilarRowsImpl<kWeighting>(documents, terms, weights, range, k, include_self, cancel, indices, scores, counts);
  });
}

Status SimilarityWork(const CsrView& documents, const CsrView& terms, RowRange range, std::span<double> work) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("work", work.size(), range.size()));
  for (int64_t row = range.begin; row < range.end; ++row) {
    double madds = 0;
    for (const int32_t term : documents.row_indices(row)) madds += static_cast<double>(terms.degree(term));
    work[static_cast<size_t>(row - range.begin)] = madds;
  }
  return {};
}

}  // namespace couponcast
