// A dense float accumulator that knows which parts of it were touched, so that a sparse row costs what it touches.
#ifndef COUPONCAST_BASE_ACCUMULATOR_H_
#define COUPONCAST_BASE_ACCUMULATOR_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

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
  // Marks everything as touched, for a row that touches most of it; then sums() may be added to without marks.
  void TouchAll() { std::ranges::fill(touched_, uint8_t{1}); }
  float* sums() { return sums_.data(); }
  float& operator[](int64_t index) { return sums_[static_cast<size_t>(index)]; }

  // Calls visit(first entry, sums of the block) for each touched block in ascending order, then clears it.
  template <typename Visit>
  void Drain(Visit&& visit) {
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
        touched_[static_cast<size_t>(block)] = 0;
        float* sums = sums_.data() + block * kBlock;
        visit(block * kBlock, sums);
        std::fill_n(sums, kBlock, 0.0F);
      }
      ++block;
    }
  }

 private:
  int64_t blocks_;
  std::vector<float> sums_;
  std::vector<uint8_t> touched_;
};

}  // namespace couponcast

#endif  // COUPONCAST_BASE_ACCUMULATOR_H_
