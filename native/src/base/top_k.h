// The k best (score, index) pairs of a stream: higher score first, of equal scores the smaller index.
#ifndef COUPONCAST_BASE_TOP_K_H_
#define COUPONCAST_BASE_TOP_K_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace couponcast {

class TopK {
 public:
  struct Entry {
    float score;
    int32_t index;
  };

  explicit TopK(int64_t k) : k_(static_cast<size_t>(k)) { heap_.reserve(std::min<size_t>(k_, 4096)); }

  // Starts a new stream; only scores above `minimum` are taken.
  void Reset(float minimum) {
    heap_.clear();
    threshold_ = minimum;
  }

  // Scores at or below this can be skipped, given that indices come in ascending order.
  float threshold() const { return threshold_; }

  // Indices must come in ascending order, so an equal score never replaces one that is held.
  void Push(float score, int32_t index) {
    if (!(score > threshold_) || k_ == 0) return;
    if (heap_.size() == k_) {
      std::ranges::pop_heap(heap_, Better);
      heap_.back() = {score, index};
    } else {
      heap_.push_back({score, index});
    }
    std::ranges::push_heap(heap_, Better);
    if (heap_.size() == k_) threshold_ = heap_.front().score;
  }

  // Best first. Valid until the next Reset.
  std::span<const Entry> Sorted() {
    std::ranges::sort(heap_, Better);
    return heap_;
  }

  static bool Better(const Entry& a, const Entry& b) { return a.score > b.score || (a.score == b.score && a.index < b.index); }

 private:
  size_t k_;
  float threshold_ = 0;
  std::vector<Entry> heap_;  // the worst on top
};

}  // namespace couponcast

#endif  // COUPONCAST_BASE_TOP_K_H_
