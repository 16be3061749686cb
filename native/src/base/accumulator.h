// A dense float accumulator that knows which parts of it were touched, so that a sparse row costs what it touches.
#ifndef COUPONCAST_BASE_ACCUMULATOR_H_
#define COUPONCAST_BASE_ACCUMULATOR_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "base/block_scan.h"
#include "base/top_k.h"

namespace couponcast {

class Accumulator {
 public:
  static constexpr int64_t kBlock = 64;  // entries a touch mark stands for; a multiple of every vector length

  explicit Accumulator(int64_t size)
      : blocks_((size + kBlock - 1) / kBlock),
        sums_(static_cast<size_t>(blocks_ * kBlock), 0.0F),
        touched_(static_cast<size_t>(blocks_), 0) {}

  void Add(int32_t index, float amount) {
    sums_[static_cast<size_t>(index)] += amount;
    touched_[static_cast<size_t>(index / kBlock)] = 1;
  }
  // Adds factor * values[j] at indices[j], which are distinct: so several sums can be read before the first is written.
  void AddScaled(std::span<const int32_t> indices, std::span<const float> values, float factor) {
    constexpr size_t kUnroll = 4;
    size_t j = 0;
    for (; j + kUnroll <= indices.size(); j += kUnroll) {
      std::array<float, kUnroll> sum{};
      for (size_t u = 0; u < kUnroll; ++u) sum[u] = sums_[static_cast<size_t>(indices[j + u])] + factor * values[j + u];
      for (size_t u = 0; u < kUnroll; ++u) {
        sums_[static_cast<size_t>(indices[j + u])] = sum[u];
        touched_[static_cast<size_t>(indices[j + u] / kBlock)] = 1;
      }
    }
    for (; j < indices.size(); ++j) Add(indices[j], factor * values[j]);
  }
  // Marks everything as touched, for a row that touches most of it; then sums() may be added to without marks.
  void TouchAll() { std::ranges::fill(touched_, uint8_t{1}); }
  float* sums() { return sums_.data(); }
  float& operator[](int64_t index) { return sums_[static_cast<size_t>(index)]; }

  // Offers the entries above 0 to `best`, which holds none yet, and clears all.
  void DrainInto(TopK* best) {
    best->Reset(LowerBound(best->k()));
    std::array<int32_t, kTakeRoom> indices;
    std::array<float, kTakeRoom> scores;
    for (int64_t block = 0; block < blocks_;) {
      const int64_t found = TakeAbove(sums_.data(), touched_.data(), blocks_, best->threshold(), &block, indices.data(), scores.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) best->Push(scores[j], indices[j]);
    }
  }

  // Calls visit(first entry, sums of the block) for each touched block in ascending order, then clears it.
  template <typename Visit>
  void Drain(Visit&& visit) {
    ForEachTouched([&](int64_t first, float* sums) {
      visit(first, sums);
      std::fill_n(sums, kBlock, 0.0F);
      touched_[static_cast<size_t>(first / kBlock)] = 0;
    });
  }

  template <typename Visit>
  void ForEachTouched(Visit&& visit) {
    int64_t block = 0;
    while (block < blocks_) {
      // Eight marks at a time: most blocks of a sparse row are untouched.
      if (block + 8 <= blocks_) {
        uint64_t marks = 0;
        std::memcpy(&marks, touched_.data() + block, 8);
        if (marks == 0) {
          block += 8;
          continue;
        }
      }
      if (touched_[static_cast<size_t>(block)] != 0) {
        visit(block * kBlock, sums_.data() + block * kBlock);
      }
      ++block;
    }
  }

 private:
  // What the k best are above, if there are so many: so a look at the sums finds few more than those.
  float LowerBound(int64_t k) {
    constexpr int64_t kMaxGroups = 16;
    const int64_t groups = (2 * k + kBlock - 1) / kBlock;
    if (groups > kMaxGroups || blocks_ < groups) return 0;
    maxima_.resize(static_cast<size_t>(groups * kBlock));
    PartMaxima(sums_.data(), touched_.data(), blocks_, groups, maxima_.data());
    const auto kth = maxima_.begin() + (k - 1);
    std::ranges::nth_element(maxima_, kth, std::greater<>());
    return *kth > 0 ? std::nextafter(*kth, 0.0F) : 0.0F;
  }

  int64_t blocks_;
  std::vector<float> sums_;
  std::vector<uint8_t> touched_;
  std::vector<float> maxima_;
};

}  // namespace couponcast

#endif  // COUPONCAST_BASE_ACCUMULATOR_H_
