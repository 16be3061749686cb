// Lists of documents that may be among the k best of a row, known by approximate scores within a bound.
#ifndef COUPONCAST_SIMILARITY_CANDIDATES_H_
#define COUPONCAST_SIMILARITY_CANDIDATES_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "base/near_kth_score.h"
#include "couponcast/pair_tiles.h"
#include "couponcast/scored_index.h"

namespace couponcast {

inline constexpr float kPackingError = 0x1p-8F;  // relative error of a weight rounded to bfloat16

// Of a sum of at most `terms` products, by rounding: |sum - exact| <= relative * sum + absolute, the latter from the head.
inline float RelativeError(int64_t terms) { return static_cast<float>(terms + 16) * std::numeric_limits<float>::epsilon() + kPackingError; }

// One list of CandidateLists at a time.
class Candidates {
 public:
  Candidates(const CandidateLists& lists, int64_t k) : lists_(lists), k_(k), capacity_(CandidateCapacity(k)) {}

  // An approximate score of at least this may belong to one of the k best.
  float Least(size_t list, float relative_error) const {
    return (lists_.kth_lower[list] - lists_.error[list]) / (1 + relative_error) * (1 - relative_error);
  }
  void RaiseError(size_t list, float error) { lists_.error[list] = std::max(lists_.error[list], error); }

  // Whether Least has changed.
  bool Push(size_t list, ScoredIndex candidate, float relative_error) {
    int32_t& count = lists_.counts[list];
    if (count == CandidateLists::kTooMany) return false;
    lists_.entries[list * static_cast<size_t>(capacity_) + static_cast<size_t>(count++)] = candidate;
    if (count < capacity_) return false;
    CutBack(list, relative_error);
    return true;
  }

  // Leaves those that may be among the k best.
  void CutBack(size_t list, float relative_error) {
    int32_t& count = lists_.counts[list];
    if (count < k_) return;
    const auto all = lists_.entries.subspan(list * static_cast<size_t>(capacity_), static_cast<size_t>(count));
    const float kth = NearKthScore(all.data(), count, k_);
    const float lower = kth * (1 - relative_error) - lists_.error[list];
    lists_.kth_lower[list] = std::max(lists_.kth_lower[list], lower);
    const float least = Least(list, relative_error);
    // Without a branch, since which ones stay is not predictable.
    size_t kept = 0;
    for (const ScoredIndex candidate : all) {
      all[kept] = candidate;
      kept += candidate.score >= least ? 1 : 0;
    }
    count = static_cast<int32_t>(kept);
    if (count < capacity_) return;
    // More than there is room for share the k-th score: looking on would cost more than to score all in the end.
    count = CandidateLists::kTooMany;
    lists_.kth_lower[list] = std::numeric_limits<float>::infinity();
  }

  std::span<ScoredIndex> Entries(size_t list) const {
    return lists_.entries.subspan(list * static_cast<size_t>(capacity_), static_cast<size_t>(std::max(lists_.counts[list], 0)));
  }
  float KthLower(size_t list) const { return lists_.kth_lower[list]; }
  bool TooMany(size_t list) const { return lists_.counts[list] == CandidateLists::kTooMany; }

 private:
  CandidateLists lists_;
  int64_t k_;
  int64_t capacity_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_CANDIDATES_H_
