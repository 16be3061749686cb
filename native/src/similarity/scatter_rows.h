// Similarity of one row to all others in one accumulator: the plain way, which serves every matrix.
#ifndef COUPONCAST_SIMILARITY_SCATTER_ROWS_H_
#define COUPONCAST_SIMILARITY_SCATTER_ROWS_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/accumulator.h"
#include "base/prefetch_row.h"
#include "base/top_k.h"
#include "base/write_neighbours.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"
#include "similarity/pair_score.h"

namespace couponcast {

template <Weighting kWeighting>
class ScatterRows {
 public:
  ScatterRows(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t k, bool include_self,
              CancelFlag cancel)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        include_self_(include_self),
        cancel_(cancel),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        row_cost_(documents.rows / (8 * kLine) + k + 1),
        sums_(documents.rows),
        scale_(weights.scale.begin(), weights.scale.end()),
        best_(k) {
    // Padded, so that a line of the accumulator has a line of scales.
    scale_.resize((scale_.size() + kLine - 1) / kLine * kLine, 0.0F);
  }

  // The k best of one row; indices and scores have k places. Errors: kCancelled.
  Status Row(int64_t row, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
    if (Stop(row_cost_)) return Cancelled();
    const auto row_terms = documents_.row_indices(row);
    const auto row_values = documents_.row_values(row);
    const float row_length = weights_.length[static_cast<size_t>(row)];
    const bool dense = Work(row_terms) >= documents_.rows / 2;
    if (dense) sums_.TouchAll();
    for (size_t i = 0; i < row_terms.size(); ++i) {
      const int64_t term = row_terms[i];
      const auto postings = terms_.row_indices(term);
      const auto values = terms_.row_values(term);
      if (i + kAhead < row_terms.size()) PrefetchRow(terms_, row_terms[i + kAhead], 3);
      if (Stop(static_cast<int64_t>(postings.size()) + 1)) return Cancelled();
      const float term_weight = weights_.term_weight[static_cast<size_t>(term)];
      const float weight = CellWeight<kWeighting>(row_values[i], row_length, k1_plus_1_, term_weight);
      if (weight == 0) continue;
      // Only BM25's length differs between documents; saturation's is lambda, the others use none.
      const auto product = [&](size_t j) {
        const float length = kWeighting == Weighting::kBm25 ? weights_.length[static_cast<size_t>(postings[j])] : row_length;
        return weight * CellWeight<kWeighting>(values[j], length, k1_plus_1_, term_weight);
      };
      if (dense) {
        AddUnmarked(postings, product);
      } else {
        for (size_t j = 0; j < postings.size(); ++j) sums_.Add(postings[j], product(j));
      }
    }
    const float row_scale = weights_.scale[static_cast<size_t>(row)];
    if (!include_self_) sums_[row] = 0;  // not above the threshold
    sums_.ForEachTouched([&](int64_t first, float* line) {
      const float* scale = scale_.data() + first;
      for (int64_t j = 0; j < kLine; ++j) line[j] = PairScore(line[j], scale[j], row_scale);
    });
    sums_.DrainInto(&best_);
    WriteNeighbours(best_.Sorted(), indices, scores, count);
    return {};
  }

 private:
  static constexpr int64_t kMaddsPerPoll = int64_t{1} << 20;

  static constexpr size_t kAhead = 3;  // terms whose first postings are fetched early

  int64_t Work(std::span<const int32_t> row_terms) const {
    int64_t madds = 0;
    for (const int32_t term : row_terms) madds += terms_.degree(term);
    return madds;
  }

  // A term has each document once, so several sums can be read before the first is written.
  template <typename Product>
  void AddUnmarked(std::span<const int32_t> postings, Product&& product) {
    constexpr size_t kUnroll = 4;
    float* sums = sums_.sums();
    size_t j = 0;
    for (; j + kUnroll <= postings.size(); j += kUnroll) {
      std::array<float, kUnroll> sum{};
      for (size_t u = 0; u < kUnroll; ++u) sum[u] = sums[postings[j + u]] + product(j + u);
      for (size_t u = 0; u < kUnroll; ++u) sums[postings[j + u]] = sum[u];
    }
    for (; j < postings.size(); ++j) sums[postings[j]] += product(j);
  }

  bool Stop(int64_t cost) {
    until_poll_ -= cost;
    if (until_poll_ >= 0) return false;
    until_poll_ = kMaddsPerPoll;
    return cancel_.IsSet();
  }

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const bool include_self_;
  const CancelFlag cancel_;
  const float k1_plus_1_;
  const int64_t row_cost_;  // of a row without cells: the marks of the accumulator and the places of the answer
  int64_t until_poll_ = 0;
  Accumulator sums_;
  std::vector<float> scale_;
  TopK best_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_SCATTER_ROWS_H_
