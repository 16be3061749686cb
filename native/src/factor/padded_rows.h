// Blocks of rows of factors, padded to what dense_rows.h works on, and squares to multiply them by.
#ifndef COUPONCAST_FACTOR_PADDED_ROWS_H_
#define COUPONCAST_FACTOR_PADDED_ROWS_H_

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "factor/dense_rows.h"

namespace couponcast {

// Rows of a block: enough to fill the registers, few enough to stay in the nearest cache.
inline constexpr int64_t kPaddedRows = 64;

class PaddedRows {
 public:
  explicit PaddedRows(int64_t factors)
      : factors_(factors), width_(PaddedWidth(factors)), values_(static_cast<size_t>(kPaddedRows * width_), 0.0F) {}

  // From and to rows one behind the other.
  void Read(const float* rows, int64_t count) {
    for (int64_t r = 0; r < count; ++r) std::copy_n(rows + r * factors_, factors_, row(r));
  }
  void Write(int64_t count, float* rows) const {
    for (int64_t r = 0; r < count; ++r) std::copy_n(values_.data() + r * width_, factors_, rows + r * factors_);
  }
  float* row(int64_t r) { return values_.data() + r * width_; }
  DenseRows view(int64_t count) const { return {values_.data(), count, width_}; }

 private:
  int64_t factors_;
  int64_t width_;
  hwy::AlignedVector<float> values_;
};

class PaddedSquare {
 public:
  // square [factors * factors], taken as its transpose if asked for.
  PaddedSquare(std::span<const float> square, int64_t factors, bool transposed)
      : width_(PaddedWidth(factors)), values_(static_cast<size_t>(width_ * width_), 0.0F) {
    for (int64_t i = 0; i < factors; ++i) {
      for (int64_t j = 0; j < factors; ++j)
        values_[static_cast<size_t>(i * width_ + j)] = square[static_cast<size_t>(transposed ? j * factors + i : i * factors + j)];
    }
  }

  // out [rows.count * width] = rows times the square.
  void Multiply(const DenseRows& rows, float* out) const { MultiplyRows(rows, values_.data(), width_, out); }

 private:
  int64_t width_;
  hwy::AlignedVector<float> values_;
};

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_PADDED_ROWS_H_
