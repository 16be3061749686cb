#include "factor/dense_rows.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/factor/dense_rows.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, also where vectors have no fixed length: arrays of them need one.
#if HWY_HAVE_SCALABLE
using Tag = hn::FixedTag<float, 4>;
#else
using Tag = hn::CappedTag<float, 16>;
#endif
using Vector = hn::Vec<Tag>;
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(Tag()));
constexpr int64_t kVectors = kLane / kWidth;  // that hold 16 sums
constexpr int64_t kMaxBlocks = 4;             // of 16 columns whose sums stay in registers

// The sums l and l + half, until 4 are left.
template <class D>
HWY_INLINE hn::Vec<hn::FixedTag<float, 4>> FoldHalves([[maybe_unused]] D d, hn::Vec<D> sums) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return sums;
  } else {
    const hn::Half<D> half;
    return FoldHalves(half, hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)));
  }
}

using Sums = std::array<Vector, kVectors>;

HWY_INLINE hn::Vec<hn::FixedTag<float, 4>> FoldSums(const Sums& sums) {
  const Tag d;
  if constexpr (kVectors == 1) {
    return FoldHalves(d, sums[0]);
  } else if constexpr (kVectors == 2) {
    return FoldHalves(d, hn::Add(sums[0], sums[1]));
  } else {
    return FoldHalves(d, hn::Add(hn::Add(sums[0], sums[2]), hn::Add(sums[1], sums[3])));
  }
}

// Sums of products of rows, which are copied unless `copies` is null.
template <size_t kRows>
HWY_INLINE void SumProducts(const std::array<const float*, kRows>& rows, int64_t width, const float* HWY_RESTRICT p,
                            float* HWY_RESTRICT copies, std::array<Sums, kRows>* sums) {
  const Tag d;
  for (Sums& row : *sums) row.fill(hn::Zero(d));
  for (int64_t begin = 0; begin < width; begin += kLane) {
    for (int64_t v = 0; v < kVectors; ++v) {
      const int64_t at = begin + v * kWidth;
      const auto factor = hn::LoadU(d, p + at);
      for (size_t r = 0; r < kRows; ++r) {
        const auto values = hn::LoadU(d, rows[r] + at);
        if (copies != nullptr) hn::StoreU(values, d, copies + static_cast<int64_t>(r) * width + at);
        (*sums)[r][v] = hn::Add((*sums)[r][v], hn::Mul(values, factor));
      }
    }
  }
}

HWY_INLINE hn::Vec<hn::FixedTag<float, 4>> FoldFour(const std::array<Sums, 4>& sums) {
  const hn::FixedTag<float, 4> d4;
  const auto a = FoldSums(sums[0]);
  const auto b = FoldSums(sums[1]);
  const auto c = FoldSums(sums[2]);
  const auto e = FoldSums(sums[3]);
  const auto ab = hn::Add(hn::ConcatLowerLower(d4, b, a), hn::ConcatUpperUpper(d4, b, a));
  const auto ce = hn::Add(hn::ConcatLowerLower(d4, e, c), hn::ConcatUpperUpper(d4, e, c));
  return hn::Add(hn::ConcatEven(d4, ce, ab), hn::ConcatOdd(d4, ce, ab));
}

HWY_INLINE float FoldOne(const Sums& sums) {
  const hn::FixedTag<float, 4> d4;
  std::array<float, 4> lanes;
  hn::StoreU(FoldSums(sums), d4, lanes.data());
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

void RowDotsImpl(const DenseRows& rows, const float* HWY_RESTRICT p, float* HWY_RESTRICT dots) {
  const hn::FixedTag<float, 4> d4;
  const auto row = [&](int64_t r) { return rows.data + r * rows.width; };
  int64_t r = 0;
  for (; r + 4 <= rows.count; r += 4) {
    std::array<Sums, 4> sums;
    SumProducts<4>({row(r), row(r + 1), row(r + 2), row(r + 3)}, rows.width, p, nullptr, &sums);
    hn::StoreU(FoldFour(sums), d4, dots + r);
  }
  for (; r < rows.count; ++r) {
    std::array<Sums, 1> sums;
    SumProducts<1>({row(r)}, rows.width, p, nullptr, &sums);
    dots[r] = FoldOne(sums[0]);
  }
}

void PickRowDotsImpl(const PickedRows& rows, const float* HWY_RESTRICT p, float* HWY_RESTRICT copy, float* HWY_RESTRICT dots) {
  const hn::FixedTag<float, 4> d4;
  const int64_t width = rows.width;
  const auto row = [&](int32_t number) { return rows.table + static_cast<int64_t>(number) * width; };
  const auto fetch = [&](size_t r) {
    if (r >= rows.ahead.size()) return;
    // Into the second cache: the first is full of what is worked on.
    for (int64_t at = 0; at < width; at += kLane) __builtin_prefetch(row(rows.ahead[r]) + at, 0, 2);
  };
  const int32_t* numbers = rows.numbers.data();
  size_t r = 0;
  for (; r + 4 <= rows.numbers.size(); r += 4) {
    for (size_t i = 0; i < 4; ++i) fetch(r + i);
    std::array<Sums, 4> sums;
    SumProducts<4>({row(numbers[r]), row(numbers[r + 1]), row(numbers[r + 2]), row(numbers[r + 3])}, width, p,
                   copy + static_cast<int64_t>(r) * width, &sums);
    hn::StoreU(FoldFour(sums), d4, dots + r);
  }
  for (; r < rows.numbers.size(); ++r) {
    fetch(r);
    std::array<Sums, 1> sums;
    SumProducts<1>({row(numbers[r])}, width, p, copy + static_cast<int64_t>(r) * width, &sums);
    dots[r] = FoldOne(sums[0]);
  }
}

// Sums of `kBlocks` blocks of columns of weighted rows in registers; `rows` points to their first column.
template <int kBlocks>
HWY_INLINE void AddWeightedColumns(const float* HWY_RESTRICT rows, int64_t count, int64_t width, const float* HWY_RESTRICT weights,
                                   float* HWY_RESTRICT out) {
  const Tag d;
  constexpr int64_t kCount = kBlocks * kVectors;
  std::array<Vector, kCount> sums;
  for (int64_t v = 0; v < kCount; ++v) sums[v] = hn::Zero(d);
  for (int64_t r = 0; r < count; ++r) {
    const auto weight = hn::Set(d, weights[r]);
    for (int64_t v = 0; v < kCount; ++v) sums[v] = hn::Add(sums[v], hn::Mul(weight, hn::LoadU(d, rows + r * width + v * kWidth)));
  }
  for (int64_t v = 0; v < kCount; ++v) hn::StoreU(hn::Add(hn::LoadU(d, out + v * kWidth), sums[v]), d, out + v * kWidth);
}

void AddWeightedRowsImpl(const DenseRows& rows, const float* HWY_RESTRICT weights, float* HWY_RESTRICT out) {
  for (int64_t col = 0; col < rows.width; col += kMaxBlocks * kLane) {
    const float* data = rows.data + col;
    switch (std::min((rows.width - col) / kLane, kMaxBlocks)) {
      case 1:
        AddWeightedColumns<1>(data, rows.count, rows.width, weights, out + col);
        break;
      case 2:
        AddWeightedColumns<2>(data, rows.count, rows.width, weights, out + col);
        break;
      case 3:
        AddWeightedColumns<3>(data, rows.count, rows.width, weights, out + col);
        break;
      default:
        AddWeightedColumns<4>(data, rows.count, rows.width, weights, out + col);
    }
  }
}

// `kRows` rows of a product, `kCount` vectors of columns, in registers.
template <int kRows, int64_t kCount>
HWY_INLINE void MultiplyTile(const DenseRows& rows, int64_t row, const float* HWY_RESTRICT matrix, int64_t cols, float* HWY_RESTRICT out) {
  const Tag d;
  std::array<std::array<Vector, kCount>, kRows> sums;
  for (auto& line : sums) {
    for (auto& sum : line) sum = hn::Zero(d);
  }
  const float* HWY_RESTRICT data = rows.data + row * rows.width;
  for (int64_t k = 0; k < rows.width; ++k) {
    std::array<Vector, kCount> line;
    for (int64_t v = 0; v < kCount; ++v) line[v] = hn::LoadU(d, matrix + k * cols + v * kWidth);
    for (int64_t r = 0; r < kRows; ++r) {
      const auto factor = hn::Set(d, data[r * rows.width + k]);
      for (int64_t v = 0; v < kCount; ++v) sums[r][v] = hn::Add(sums[r][v], hn::Mul(factor, line[v]));
    }
  }
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t v = 0; v < kCount; ++v) hn::StoreU(sums[r][v], d, out + (row + r) * cols + v * kWidth);
  }
}

template <int64_t kCount>
HWY_INLINE void MultiplyColumns(const DenseRows& rows, const float* HWY_RESTRICT matrix, int64_t cols, float* HWY_RESTRICT out) {
  int64_t row = 0;
  for (; row + 4 <= rows.count; row += 4) MultiplyTile<4, kCount>(rows, row, matrix, cols, out);
  for (; row < rows.count; ++row) MultiplyTile<1, kCount>(rows, row, matrix, cols, out);
}

void MultiplyRowsImpl(const DenseRows& rows, const float* HWY_RESTRICT matrix, int64_t cols, float* HWY_RESTRICT out) {
  // Four rows and their sums fill 32 registers of 16 numbers, or 16 smaller ones.
  constexpr int64_t kCount = kWidth == 16 ? 4 : 2;
  int64_t col = 0;
  for (; col + kCount * kWidth <= cols; col += kCount * kWidth) MultiplyColumns<kCount>(rows, matrix + col, cols, out + col);
  for (; col < cols; col += kWidth) MultiplyColumns<1>(rows, matrix + col, cols, out + col);
}

// Four rows of the square, `kBlocks` blocks of columns, in registers.
template <int kBlocks>
HWY_INLINE void AddSquareTile(const DenseRows& rows, const float* HWY_RESTRICT weights, int64_t row, int64_t col, float* HWY_RESTRICT out) {
  const Tag d;
  constexpr int64_t kCount = kBlocks * kVectors;
  constexpr int kRows = 4;
  std::array<std::array<Vector, kCount>, kRows> sums;
  for (auto& line : sums) {
    for (auto& sum : line) sum = hn::Zero(d);
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* HWY_RESTRICT data = rows.data + r * rows.width;
    for (int i = 0; i < kRows; ++i) {
      const auto factor = hn::Set(d, weights[r] * data[row + i]);
      for (int64_t v = 0; v < kCount; ++v) sums[i][v] = hn::Add(sums[i][v], hn::Mul(factor, hn::LoadU(d, data + col + v * kWidth)));
    }
  }
  for (int i = 0; i < kRows; ++i) {
    float* line = out + (row + i) * rows.width + col;
    for (int64_t v = 0; v < kCount; ++v) hn::StoreU(hn::Add(hn::LoadU(d, line + v * kWidth), sums[i][v]), d, line + v * kWidth);
  }
}

void AddWeightedSquaresImpl(const DenseRows& rows, const float* HWY_RESTRICT weights, float* HWY_RESTRICT out) {
  for (int64_t row = 0; row < rows.width; row += 4) {
    for (int64_t col = row / kLane * kLane; col < rows.width; col += kMaxBlocks * kLane) {
      switch (std::min((rows.width - col) / kLane, kMaxBlocks)) {
        case 1:
          AddSquareTile<1>(rows, weights, row, col, out);
          break;
        case 2:
          AddSquareTile<2>(rows, weights, row, col, out);
          break;
        case 3:
          AddSquareTile<3>(rows, weights, row, col, out);
          break;
        default:
          AddSquareTile<4>(rows, weights, row, col, out);
      }
    }
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(RowDotsImpl);
HWY_EXPORT(PickRowDotsImpl);
HWY_EXPORT(AddWeightedRowsImpl);
HWY_EXPORT(AddWeightedSquaresImpl);
HWY_EXPORT(MultiplyRowsImpl);

void RowDots(const DenseRows& rows, const float* p, float* dots) { HWY_DYNAMIC_DISPATCH(RowDotsImpl)(rows, p, dots); }

void PickRowDots(const PickedRows& rows, const float* p, float* copy, float* dots) {
  HWY_DYNAMIC_DISPATCH(PickRowDotsImpl)(rows, p, copy, dots);
}

void AddWeightedRows(const DenseRows& rows, const float* weights, float* out) {
  HWY_DYNAMIC_DISPATCH(AddWeightedRowsImpl)(rows, weights, out);
}

void AddWeightedSquares(const DenseRows& rows, const float* weights, float* out) {
  HWY_DYNAMIC_DISPATCH(AddWeightedSquaresImpl)(rows, weights, out);
}

void MultiplyRows(const DenseRows& rows, const float* matrix, int64_t cols, float* out) {
  HWY_DYNAMIC_DISPATCH(MultiplyRowsImpl)(rows, matrix, cols, out);
}

}  // namespace couponcast
#endif  // HWY_ONCE
