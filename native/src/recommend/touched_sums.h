// Sums of one user's items, of which few are touched: those are listed, so that a user costs what he touches.
#ifndef COUPONCAST_RECOMMEND_TOUCHED_SUMS_H_
#define COUPONCAST_RECOMMEND_TOUCHED_SUMS_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "recommend/best_scores.h"

namespace couponcast {

class TouchedSums {
 public:
  TouchedSums(int64_t size, int64_t k)
      : size_(static_cast<size_t>(size)), few_(size_ / kFewOf), sums_(static_cast<size_t>(PaddedScores(size)), 0.0F), best_(k) {}

  void Add(int32_t index, float amount) {
    MakeRoom(1);
    float& sum = sums_[static_cast<size_t>(index)];
    list_[count_] = index;
    count_ += IsZero(sum) ? 1U : 0U;
    sum += amount;
  }
  // Adds factor * values[j] at indices[j], which are distinct: so several sums can be read before the first is written.
  template <typename Index>
  void AddScaled(std::span<const Index> indices, std::span<const float> values, float factor) {
    constexpr size_t kUnroll = 4;
    MakeRoom(indices.size());
    float* const sums = sums_.data();
    const bool listed = count_ < few_;  // else the list is of no use any more
    int32_t* const list = list_.data();
    size_t count = count_;
    size_t j = 0;
    for (; j + kUnroll <= indices.size(); j += kUnroll) {
      // All is read before it is written to what may be the same memory for all that the compiler knows.
      std::array<Index, kUnroll> at{};
      std::array<float, kUnroll> sum{};
      std::array<float, kUnroll> more{};
      for (size_t u = 0; u < kUnroll; ++u) at[u] = indices[j + u];
      for (size_t u = 0; u < kUnroll; ++u) sum[u] = sums[static_cast<size_t>(at[u])];
      for (size_t u = 0; u < kUnroll; ++u) more[u] = sum[u] + factor * values[j + u];
      for (size_t u = 0; u < kUnroll; ++u) sums[static_cast<size_t>(at[u])] = more[u];
      if (!listed) continue;
      for (size_t u = 0; u < kUnroll; ++u) {
        list[count] = static_cast<int32_t>(at[u]);
        count += IsZero(sum[u]) ? 1U : 0U;
      }
    }
    count_ = count;
    for (; j < indices.size(); ++j) Add(static_cast<int32_t>(indices[j]), factor * values[j]);
  }

  float& operator[](int64_t index) { return sums_[static_cast<size_t>(index)]; }

  // The k best above 0 of the sums, best first; clears all. Valid until the next call.
  std::span<const ScoredIndex> TakeBest() {
    if (count_ < few_) return TakeBest([](int32_t, float sum) { return sum; });
    const auto best = best_.Of(sums_, {});
    std::ranges::fill(sums_, 0.0F);
    count_ = 0;
    return best;
  }

  // As above of what final(index, sum) makes of the sums that were touched. `final` is called again, with a sum of 0, for what was 0
  // in between, and perhaps for what was not touched.
  template <typename Final>
  std::span<const ScoredIndex> TakeBest(Final&& final) {
    const bool few = count_ < few_;
    const size_t count = few ? count_ : size_;
    const auto padded = static_cast<size_t>(PaddedScores(static_cast<int64_t>(count)));
    if (scores_.size() < padded) scores_.resize(padded);
    if (few) {
      for (size_t j = 0; j < count; ++j) {
        float& sum = sums_[static_cast<size_t>(list_[j])];
        scores_[j] = final(list_[j], sum);
        sum = 0;
      }
    } else {
      for (size_t j = 0; j < count; ++j) scores_[j] = final(static_cast<int32_t>(j), sums_[j]);
      std::ranges::fill(sums_, 0.0F);
    }
    std::fill(scores_.begin() + static_cast<std::ptrdiff_t>(count), scores_.begin() + static_cast<std::ptrdiff_t>(padded), 0.0F);
    count_ = 0;
    return best_.Of(std::span(scores_).first(padded), few ? std::span<const int32_t>(list_).first(count) : std::span<const int32_t>());
  }

 private:
  // Sums are never -0: they begin with +0.
  static bool IsZero(float sum) { return std::bit_cast<uint32_t>(sum) == 0; }

  // The list is of use while it is short, and a sum that comes back to 0 is listed again.
  void MakeRoom(size_t more) {
    count_ = std::min(count_, few_);
    if (list_.size() < few_ + more) list_.resize(few_ + more);
  }

  static constexpr size_t kFewOf = 8;  // with this part of all touched, the look at all is shorter

  size_t size_;
  size_t few_;
  std::vector<float> sums_;  // padded as BestScores reads them
  std::vector<int32_t> list_;
  size_t count_ = 0;
  std::vector<float> scores_;
  BestScores best_;
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_TOUCHED_SUMS_H_
