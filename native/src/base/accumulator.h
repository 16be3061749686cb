// A dense float accumulator that knows which parts of it were touched, so that a sparse row costs what it touches.
#ifndef COUPONCAST_BASE_ACCUMULATOR_H_
#define COUPONCAST_BASE_ACCUMULATOR_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/line_scan.h"
#include "base/top_k.h"

namespace couponcast {

class Accumulator {
 public:
  explicit Accumulator(int64_t size)
      : lines_((size + kLine - 1) / kLine),
        sums_(static_cast<size_t>(lines_ * kLine), 0.0F),
        touched_(static_cast<size_t>((lines_ + 63) / 64 * 64), 0),
        list_(touched_.size()) {}

  void Add(int32_t index, float amount) {
    sums_[static_cast<size_t>(index)] += amount;
    touched_[static_cast<uint32_t>(index) / kLine] = 1;
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
        touched_[static_cast<uint32_t>(indices[j + u]) / kLine] = 1;
      }
    }
    for (; j < indices.size(); ++j) Add(indices[j], factor * values[j]);
  }
  // Marks everything as touched, for a row that touches most of it; then sums() may be added to without marks.
  void TouchAll() { std::fill_n(touched_.begin(), lines_, uint8_t{1}); }
  float* sums() { return sums_.data(); }
  float& operator[](int64_t index) { return sums_[static_cast<size_t>(index)]; }

  // Calls visit(first entry, sums of the line) for each touched line, in ascending order.
  template <typename Visit>
  void ForEachTouched(Visit&& visit) {
    const int64_t count = ListTouched(touched_.data(), lines_, list_.data());
    for (int64_t j = 0; j < count; ++j) {
      const int64_t first = list_[static_cast<size_t>(j)] * kLine;
      visit(first, sums_.data() + first);
    }
  }

  // Forgets what was touched, after all that was touched has been set to 0 again.
  void ClearMarks() { std::ranges::fill(touched_, uint8_t{0}); }

  // Leaves in `best` the best of the entries above 0, and clears all.
  void DrainInto(TopK* best) {
    const int64_t count = ListTouched(touched_.data(), lines_, list_.data());
    std::ranges::fill(touched_, uint8_t{0});
    best->Reset(LowerBound(best->k(), count));
    std::array<int32_t, kTakeRoom> indices;
    std::array<float, kTakeRoom> scores;
    for (int64_t line = 0; line < count;) {
      const int64_t found = TakeAbove(sums_.data(), list_.data(), count, best->threshold(), &line, indices.data(), scores.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) best->Push(scores[j], indices[j]);
    }
  }

 private:
  // What the k best are above, if there are so many: so the look at the sums finds few more than those.
  float LowerBound(int64_t k, int64_t count) {
    constexpr int64_t kMaxGroups = 16;
    const int64_t groups = (2 * k + kParts - 1) / kParts;
    if (groups > kMaxGroups || count < groups) return 0;
    maxima_.resize(static_cast<size_t>(groups * kParts));
    PartMaxima(sums_.data(), list_.data(), count, groups, maxima_.data());
    const auto kth = maxima_.begin() + (k - 1);
    std::ranges::nth_element(maxima_, kth, std::greater<>());
    return *kth > 0 ? std::nextafter(*kth, 0.0F) : 0.0F;
  }

  int64_t lines_;
  std::vector<float> sums_;
  std::vector<uint8_t> touched_;  // padded for SIMD
  std::vector<int32_t> list_;
  std::vector<float> maxima_;
};

}  // namespace couponcast

#endif  // COUPONCAST_BASE_ACCUMULATOR_H_
