// Lists of documents that may be among the k best of a row, known by approximate scores within a bound.
#ifndef COUPONCAST_SIMILARITY_CANDIDATES_H_
#define COUPONCAST_SIMILARITY_CANDIDATES_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/near_kth_score.h"
#include "couponcast/pair_tiles.h"
#include "couponcast/scored_index.h"

namespace couponcast {

// One list of CandidateLists at a time.
class Candidates {
 public:
  Candidates(const CandidateLists& lists, int64_t k) : lists_(lists), k_(k), capacity_(CandidateCapacity(k)) {}

  // An approximate score of at least this may belong to one of the k best.
  float Least(size_t list) const { return lists_.kth_lower[list] - lists_.error[list]; }
  void RaiseError(size_t list, float error) { lists_.error[list] = std::max(lists_.error[list], error); }

  // Ahead of a Push.
  void Prefetch(size_t list) const {
    __builtin_prefetch(&lists_.entries[list * static_cast<size_t>(capacity_) + static_cast<size_t>(lists_.counts[list])], 1);
  }

  // Whether Least has changed. score_exactly(entries) is called where more candidates remain than approximate scores can tell
  // apart; then only the k best do.
  template <typename ScoreExactly>
  bool Push(size_t list, ScoredIndex candidate, ScoreExactly&& score_exactly) {
    int32_t& count = lists_.counts[list];
    lists_.entries[list * static_cast<size_t>(capacity_) + static_cast<size_t>(count++)] = candidate;
    if (count < capacity_) return false;
    CutBack(list);
    if (count < (k_ + capacity_) / 2) return true;
    const auto all = Entries(list);
    score_exactly(all);
    const auto kth = all.begin() + (k_ - 1);
    std::ranges::nth_element(all, kth, kBetter);
    count = static_cast<int32_t>(k_);
    lists_.kth_lower[list] = std::max(lists_.kth_lower[list], kth->score);
    return true;
  }

  // Leaves those that may be among the k best.
  void CutBack(size_t list) {
    int32_t& count = lists_.counts[list];
    if (count < k_) return;
    const auto all = Entries(list);
    const float kth = NearKthScore(all.data(), count, k_);
    lists_.kth_lower[list] = std::max(lists_.kth_lower[list], kth - lists_.error[list]);
    const float least = Least(list);
    // Without a branch, since which ones stay is not predictable.
    size_t kept = 0;
    for (const ScoredIndex candidate : all) {
      all[kept] = candidate;
      kept += candidate.score >= least ? 1 : 0;
    }
    count = static_cast<int32_t>(kept);
  }

  std::span<ScoredIndex> Entries(size_t list) const {
    return lists_.entries.subspan(list * static_cast<size_t>(capacity_), static_cast<size_t>(lists_.counts[list]));
  }
  // Whether no document with a sum of 0 can be among the k best: its score is within twice the error.
  bool OutOfReachOfZero(size_t list) const { return lists_.kth_lower[list] > 2 * lists_.error[list]; }

 private:
  CandidateLists lists_;
  int64_t k_;
  int64_t capacity_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_CANDIDATES_H_
