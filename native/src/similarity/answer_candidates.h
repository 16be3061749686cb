// The exact end of the tiled ways: scores the candidates of a row as ScatterRows would, and keeps the best.
#ifndef COUPONCAST_SIMILARITY_ANSWER_CANDIDATES_H_
#define COUPONCAST_SIMILARITY_ANSWER_CANDIDATES_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/prefetch_row.h"
#include "base/top_k.h"
#include "base/write_neighbours.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"
#include "similarity/candidates.h"
#include "similarity/pair_score.h"
#include "similarity/scatter_rows.h"

namespace couponcast {

template <Weighting kWeighting>
class AnswerCandidates {
 public:
  AnswerCandidates(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t k, bool include_self,
                   CancelFlag cancel)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        k_(k),
        include_self_(include_self),
        cancel_(cancel),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        exact_weight_(static_cast<size_t>(terms.rows), 0.0F),
        best_(k) {}

  // The k best of `row`, which is not among its own candidates. Errors: kCancelled.
  Status Row(int64_t row, Candidates& candidates, size_t list, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
    if (cancel_.IsSet()) return Cancelled();
    candidates.CutBack(list, RelativeError(documents_.degree(row)));
    auto entries = candidates.Entries(list);
    if (candidates.TooMany(list) || std::ssize(entries) < k_ || candidates.KthLower(list) < kSmallestBound) {
      return Scatter(row, indices, scores, count);
    }
    std::ranges::sort(entries, {}, &ScoredIndex::index);
    const auto row_terms = documents_.row_indices(row);
    const auto row_values = documents_.row_values(row);
    for (size_t i = 0; i < row_terms.size(); ++i) {
      exact_weight_[static_cast<size_t>(row_terms[i])] = Weight(row, row_terms[i], row_values[i]);
    }
    best_.Reset(0.0F);
    bool self = !include_self_;  // whether it is dealt with
    for (size_t i = 0; i < entries.size(); ++i) {
      const ScoredIndex& candidate = entries[i];
      if (i + kAhead < entries.size()) PrefetchRow(documents_, entries[i + kAhead].index, 4);
      if (!self && candidate.index > row) {
        best_.Push(ExactScore(row, row), static_cast<int32_t>(row));
        self = true;
      }
      best_.Push(ExactScore(row, candidate.index), candidate.index);
    }
    if (!self) best_.Push(ExactScore(row, row), static_cast<int32_t>(row));
    for (const int32_t term : row_terms) exact_weight_[static_cast<size_t>(term)] = 0;
    WriteNeighbours(best_.Sorted(), indices, scores, count);
    return {};
  }

 private:
  static constexpr size_t kAhead = 2;  // candidates whose cells are fetched early

  static constexpr float kSmallestBound = 1e-30F;  // below it products may have lost bits to underflow

  float Weight(int64_t document, int64_t term, float value) const {
    return CellWeight<kWeighting>(value, weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                  weights_.term_weight[static_cast<size_t>(term)]);
  }

  // As ScatterRows sums it: ascending terms; a term that only one of the two has adds 0.
  float ExactScore(int64_t row, int64_t document) const {
    const auto document_terms = documents_.row_indices(document);
    const auto document_values = documents_.row_values(document);
    float sum = 0;
    for (size_t i = 0; i < document_terms.size(); ++i) {
      sum += exact_weight_[static_cast<size_t>(document_terms[i])] * Weight(document, document_terms[i], document_values[i]);
    }
    return PairScore(sum, weights_.scale[static_cast<size_t>(document)], weights_.scale[static_cast<size_t>(row)]);
  }

  Status Scatter(int64_t row, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
    if (scatter_ == nullptr) {
      scatter_ = std::make_unique<ScatterRows<kWeighting>>(documents_, terms_, weights_, k_, include_self_, cancel_);
    }
    return scatter_->Row(row, indices, scores, count);
  }

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const int64_t k_;
  const bool include_self_;
  const CancelFlag cancel_;
  const float k1_plus_1_;
  std::vector<float> exact_weight_;  // of the row that is answered, by term
  TopK best_;
  std::unique_ptr<ScatterRows<kWeighting>> scatter_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_ANSWER_CANDIDATES_H_
