// The exact end of the tiled ways: scores the candidates of a row as ScatterRows would, and keeps the best.
#ifndef COUPONCAST_SIMILARITY_ANSWER_CANDIDATES_H_
#define COUPONCAST_SIMILARITY_ANSWER_CANDIDATES_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/best_keys.h"
#include "base/prefetch_row.h"
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
        exact_weight_(static_cast<size_t>(terms.rows), 0.0F) {}

  // The k best of `row`, which is not among its own candidates. Errors: kCancelled.
  Status Row(int64_t row, Candidates& candidates, size_t list, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
    if (cancel_.IsSet()) return Cancelled();
    candidates.CutBack(list);
    const auto entries = candidates.Entries(list);
    if (std::ssize(entries) < k_ || !candidates.OutOfReachOfZero(list)) return Scatter(row, indices, scores, count);
    all_.assign(entries.begin(), entries.end());
    if (include_self_) all_.push_back({0, static_cast<int32_t>(row)});
    Score(row, all_);
    SortAll();
    WriteNeighbours({all_.begin(), all_.begin() + k_}, indices, scores, count);
    return {};
  }

  // The exact scores of the entries with `row`, as ScatterRows sums them.
  void Score(int64_t row, std::span<ScoredIndex> entries) {
    const auto row_terms = documents_.row_indices(row);
    const auto row_values = documents_.row_values(row);
    for (size_t i = 0; i < row_terms.size(); ++i) {
      exact_weight_[static_cast<size_t>(row_terms[i])] = Weight(row, row_terms[i], row_values[i]);
    }
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i + kFarAhead < entries.size()) __builtin_prefetch(&documents_.indptr[static_cast<size_t>(entries[i + kFarAhead].index)]);
      if (i + kAhead < entries.size()) PrefetchRow(documents_, entries[i + kAhead].index, 4);
      entries[i].score = ExactScore(row, entries[i].index);
    }
    for (const int32_t term : row_terms) exact_weight_[static_cast<size_t>(term)] = 0;
  }

 private:
  void SortAll() {
    keys_.clear();
    for (const auto [score, index] : all_) keys_.push_back(BestKey(score, index));
    SortKeys(keys_);
    for (size_t i = 0; i < keys_.size(); ++i) all_[i] = {ScoreOfKey(keys_[i]), IndexOfKey(keys_[i])};
  }

  static constexpr size_t kAhead = 2;     // candidates whose cells are fetched early
  static constexpr size_t kFarAhead = 6;  // candidates of which it is fetched where their cells are

  float Weight(int64_t document, int64_t term, float value) const {
    return CellWeight<kWeighting>(value, weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                  weights_.term_weight[static_cast<size_t>(term)]);
  }

  // Ascending terms; a term that only one of the two has adds 0.
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
  std::vector<ScoredIndex> all_;     // candidates of that row
  std::vector<uint64_t> keys_;       // to sort them by
  std::unique_ptr<ScatterRows<kWeighting>> scatter_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_ANSWER_CANDIDATES_H_
