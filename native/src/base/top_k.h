// The k best (score, index) pairs of a stream: higher score first, of equal scores the smaller index.
#ifndef COUPONCAST_BASE_TOP_K_H_
#define COUPONCAST_BASE_TOP_K_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/scored_index.h"

namespace couponcast {

class TopK {
 public:
  using Entry = ScoredIndex;

  explicit TopK(int64_t k) : k_(static_cast<size_t>(k)), capacity_(k_ + std::max<size_t>(k_, 64)) {
    entries_.reserve(std::min<size_t>(capacity_, 4096));
  }

  int64_t k() const { return static_cast<int64_t>(k_); }

  // Starts a new stream; only scores above `minimum` are taken.
  void Reset(float minimum) {
    entries_.clear();
    threshold_ = minimum;
  }

  // Scores at or below this can be skipped, given that indices come in ascending order.
  float threshold() const { return threshold_; }

  // Indices must come in ascending order, so an equal score never replaces one that is held.
  void Push(float score, int32_t index) {
    if (!(score > threshold_) || k_ == 0) return;
    entries_.push_back({score, index});
    if (entries_.size() == capacity_) KeepBest();
  }

  // In any order of the indices: also an equal score may replace one that is held. Scores below the threshold can be skipped.
  void PushUnordered(float score, int32_t index) {
    if (!(score >= threshold_) || k_ == 0) return;
    entries_.push_back({score, index});
    if (entries_.size() == capacity_) KeepBest();
  }
  // Best first. Valid until the next Reset.
  std::span<const Entry> Sorted() {
    if (entries_.size() > k_) KeepBest();
    std::ranges::sort(entries_, kBetter);
    return entries_;
  }

 private:
  // More than k are held: cheaper now and then than a heap at every entry.
  void KeepBest() {
    const auto kth = entries_.begin() + (static_cast<std::ptrdiff_t>(k_) - 1);
    std::ranges::nth_element(entries_, kth, kBetter);
    threshold_ = kth->score;
    entries_.resize(k_);
  }

  size_t k_;
  size_t capacity_;
  float threshold_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace couponcast

#endif  // COUPONCAST_BASE_TOP_K_H_
