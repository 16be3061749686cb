// The scores of pairs, offered to the lists of both documents.
#ifndef COUPONCAST_SIMILARITY_PAIR_OFFERS_H_
#define COUPONCAST_SIMILARITY_PAIR_OFFERS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/best_keys.h"
#include "couponcast/all_pairs.h"
#include "similarity/pair_scan.h"
#include "similarity/pair_score.h"

namespace couponcast {

// Most sums are too small for either document. What is needed is kept for blocks of ranks, so that a look at a sum is a
// comparison with the block's limit; it is brought up to date now and then, since too low a limit only costs time. What the row
// itself needs is first guessed from below: the k-th of the best of many groups of its sums.
class PairOffers {
 public:
  // scale [documents] by document. The sums that are offered have `places` places, a multiple of kPairWindow.
  PairOffers(std::span<const int32_t> order, std::span<const float> scale, int64_t places, int64_t k, bool include_self,
             const BestLists& best)
      : order_(order), k_(k), capacity_(BestListCapacity(k)), include_self_(include_self), best_(best) {
    const auto size = static_cast<size_t>(places);
    scale_.resize(size, 0.0F);
    for (size_t rank = 0; rank < order.size(); ++rank) scale_[rank] = scale[static_cast<size_t>(order[rank])];
    inverse_.resize(size);
    std::ranges::transform(scale_, inverse_.begin(), [](float s) { return std::min(1 / s, kMost); });
    // What lies behind the last rank needs more than there is.
    thresholds_.assign(best.thresholds.begin(), best.thresholds.end());
    thresholds_.resize(size, kMost);
    blocks_ = size / kPairBlock;
    needs_.resize(blocks_ + kPairScan);
    block_inverse_.resize(blocks_ + kPairScan);
    for (size_t block = 0; block < blocks_; ++block) {
      block_inverse_[block] = std::ranges::min(std::span(inverse_).subspan(block * kPairBlock, kPairBlock));
    }
    smallest_scale_.resize(size / kPairWindow, 0.0F);
    for (size_t window = 0; window < smallest_scale_.size(); ++window) {
      for (const float window_scale : std::span(scale_).subspan(window * kPairWindow, kPairWindow)) {
        float& least = smallest_scale_[window];
        if (window_scale > 0) least = least > 0 ? std::min(least, window_scale) : window_scale;
      }
    }
    cycle_ = (k * kGroupsPerNeighbour + kPairGroups - 1) / kPairGroups;
    if (cycle_ <= std::ssize(smallest_scale_)) best_of_group_.resize(static_cast<size_t>(cycle_ * kPairGroups));
  }

  // The sums of `rank` with all lower ranks, which become 0; self_sum is its own.
  template <typename Sum>
  void Offer(int64_t rank, Sum* sums, float self_sum) {
    if (until_renewed_-- == 0) RenewNeeds(rank);
    const auto row = static_cast<size_t>(rank);
    const float scale = scale_[row];
    GuessThreshold(row, sums);
    for (int64_t first = 0; first < rank; first += kScan) {
      const int64_t block = first / kPairBlock;
      const int64_t blocks = std::min(kScan, rank - first + kPairBlock - 1) / kPairBlock;
      const PairNeeds needs{needs_.data() + block, block_inverse_.data() + block, Need(thresholds_[row]), inverse_[row]};
      const int64_t found = TakeSums(sums + first, needs, blocks, places_.data(), values_.data());
      OfferFound(row, static_cast<size_t>(first), static_cast<size_t>(found));
    }
    const float self = PairScore(self_sum, scale, scale);
    if (include_self_ && self > 0) Push(row, BestKey(self, order_[row]));
    if (best_.counts[row] > k_) Cut(row);
    std::atomic_ref(best_.bounds[row]).store(thresholds_[row], std::memory_order_relaxed);
  }

  void StoreThresholds() const { std::ranges::copy(std::span(thresholds_).first(best_.thresholds.size()), best_.thresholds.begin()); }

 private:
  static constexpr float kMost = std::numeric_limits<float>::max();
  static constexpr float kExact = 1e-30F;   // scores below this may be rounded by more than a few units
  static constexpr int64_t kScan = 512;     // sums looked at before the row's own threshold may rise
  static constexpr int64_t kRenew = 64;     // rows
  static constexpr float kBelow = 0.9999F;  // more than what the roundings of a score add up to
  static constexpr int64_t kGroupsPerNeighbour = 4;

  static float Need(float threshold) { return threshold < kExact ? 0 : std::min(threshold, kMost); }

  template <typename Sum>
  void GuessThreshold(size_t row, const Sum* sums) {
    const int64_t windows = (static_cast<int64_t>(row) + kPairWindow - 1) / kPairWindow;
    if (best_of_group_.empty() || windows < cycle_) return;
    GroupBests(sums, scale_.data(), smallest_scale_.data(), windows, cycle_, best_of_group_.data());
    const float guess = KthLargest(best_of_group_, k_) * scale_[row] * kBelow;
    if (guess >= kExact) thresholds_[row] = std::max(thresholds_[row], guess);
  }

  // What was found from the rank `first` on. About half is for the row, which no branch can foresee.
  void OfferFound(size_t row, size_t first, size_t found) {
    const float scale = scale_[row];
    const auto list = ListOf(row);
    int32_t& count = best_.counts[row];
    size_t for_others = 0;
    for (size_t j = 0; j < found; ++j) {
      const auto other = first + static_cast<size_t>(places_[j]);
      const float score = PairScore(values_[j], scale, scale_[other]);
      const bool is_above_zero = score > 0;
      list[static_cast<size_t>(count)] = BestKey(score, order_[other]);
      count += static_cast<int32_t>(is_above_zero & (score >= thresholds_[row]));
      if (count == capacity_) Cut(row);
      places_[for_others] = places_[j];
      values_[for_others] = score;
      for_others += static_cast<size_t>(is_above_zero & (score >= thresholds_[other]));
    }
    for (size_t j = 0; j < for_others; ++j) {
      const auto other = first + static_cast<size_t>(places_[j]);
      __builtin_prefetch(best_.entries.data() + other * static_cast<size_t>(capacity_) + best_.counts[other], 1);
    }
    for (size_t j = 0; j < for_others; ++j) Push(first + static_cast<size_t>(places_[j]), BestKey(values_[j], order_[row]));
  }

  // Of the blocks below `rank`, with what other lanes have found.
  void RenewNeeds(int64_t rank) {
    until_renewed_ = kRenew - 1;
    const auto ranks = static_cast<size_t>(rank);
    for (size_t at = 0; at < ranks; ++at) {
      const float bound = std::atomic_ref(best_.bounds[at]).load(std::memory_order_relaxed);
      thresholds_[at] = std::max(thresholds_[at], bound);
    }
    for (size_t block = 0; block < blocks_ && block * kPairBlock < ranks + kRenew; ++block) {
      float least = kMost;
      for (size_t at = block * kPairBlock; at < (block + 1) * kPairBlock; ++at) {
        least = std::min(least, Need(thresholds_[at]) * inverse_[at]);
      }
      needs_[block] = least;
    }
  }

  void Push(size_t rank, uint64_t key) {
    int32_t& count = best_.counts[rank];
    ListOf(rank)[static_cast<size_t>(count++)] = key;
    if (count == capacity_) Cut(rank);
  }

  // Leaves the k best of more than k.
  void Cut(size_t rank) {
    int32_t& count = best_.counts[rank];
    const auto list = ListOf(rank).first(static_cast<size_t>(count));
    SelectKeys(list, k_);
    count = static_cast<int32_t>(k_);
    thresholds_[rank] = ScoreOfKey(list[static_cast<size_t>(k_ - 1)]);
  }

  std::span<uint64_t> ListOf(size_t rank) const {
    return best_.entries.subspan(rank * static_cast<size_t>(capacity_), static_cast<size_t>(capacity_));
  }

  const std::span<const int32_t> order_;
  const int64_t k_;
  const int64_t capacity_;
  const bool include_self_;
  const BestLists& best_;
  int64_t until_renewed_ = 0;  // rows
  size_t blocks_ = 0;
  std::vector<float> scale_;           // by rank
  std::vector<float> inverse_;         // of it
  std::vector<float> thresholds_;      // by rank
  std::vector<float> needs_;           // by block: the least threshold / scale
  std::vector<float> block_inverse_;   // by block: 1 / the largest scale
  std::vector<float> smallest_scale_;  // by window, of those above 0
  int64_t cycle_ = 0;                  // windows with groups of their own
  std::vector<float> best_of_group_;   // empty: too few windows
  std::array<int32_t, kScan> places_;
  std::array<float, kScan> values_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_OFFERS_H_
