#include "factor/subtract_product.h"

#include <array>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/factor/subtract_product.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_HAVE_SCALABLE
using Tag = hn::FixedTag<double, 2>;
#else
using Tag = hn::CappedTag<double, 8>;
#endif
using V = hn::Vec<Tag>;
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(Tag()));
// With their sums they fill 32 registers, or 16.
constexpr int64_t kRows = kWidth == 8 || HWY_ARCH_ARM_A64 != 0 ? 8 : 4;
constexpr int64_t kVectors = 3;
constexpr int64_t kPart = kVectors * kWidth;
static_assert(kProductRows % kRows == 0 && kProductCols % kPart == 0);

#if HWY_NATIVE_FMA

V FusedMulAdd(V a, V b, V sum) { return hn::MulAdd(a, b, sum); }

#else

struct Pair {
  V sum;
  V error;
};

// sum + error = a + b, exactly.
Pair TwoSum(V a, V b) {
  const V sum = hn::Add(a, b);
  const V of_b = hn::Sub(sum, a);
  return {sum, hn::Add(hn::Sub(a, hn::Sub(sum, of_b)), hn::Sub(b, of_b))};
}

// The upper half of the digits (Veltkamp).
V Upper(V a) {
  const V scaled = hn::Mul(a, hn::Set(Tag(), 134217729.0));
  return hn::Sub(scaled, hn::Sub(scaled, a));
}

// What a sum became in float64, moved to an odd last digit where it is not exact.
V RoundToOdd(Pair of) {
  const hn::RebindToSigned<Tag> di;
  const auto bits = hn::BitCast(di, of.sum);
  const auto away = hn::Or(hn::ShiftRight<63>(hn::BitCast(di, hn::Xor(of.sum, of.error))), hn::Set(di, 1));
  const auto even = hn::RebindMask(Tag(), hn::Eq(hn::And(bits, hn::Set(di, 1)), hn::Zero(di)));
  return hn::IfThenElse(hn::And(even, hn::Ne(of.error, hn::Zero(Tag()))), hn::BitCast(Tag(), hn::Add(bits, away)), of.sum);
}

// Whether no part of the product can overflow or be lost.
bool IsOrdinary(V a, V b, V product, V sum) {
  const Tag d;
  const V most = hn::Set(d, 0x1p900);
  const auto zero = hn::Or(hn::Eq(a, hn::Zero(d)), hn::Eq(b, hn::Zero(d)));
  const auto normal = hn::And(hn::Ge(hn::Abs(product), hn::Set(d, 0x1p-900)), hn::Le(hn::Abs(product), most));
  const auto factors = hn::And(hn::Le(hn::Abs(a), most), hn::Le(hn::Abs(b), most));
  return hn::AllTrue(d, hn::And(hn::And(hn::Or(zero, normal), factors), hn::Le(hn::Abs(sum), most)));
}

// Source: Boldo & Melquiond 2008, Emulation of FMA and correctly rounded sums.
V FusedMulAdd(V a, V b, V sum) {
  const V product = hn::Mul(a, b);
  if (!IsOrdinary(a, b, product, sum)) {
    const Tag d;
    std::array<std::array<double, kWidth>, 3> lanes;
    hn::StoreU(a, d, lanes[0].data());
    hn::StoreU(b, d, lanes[1].data());
    hn::StoreU(sum, d, lanes[2].data());
    for (size_t i = 0; i < static_cast<size_t>(kWidth); ++i) lanes[2][i] = std::fma(lanes[0][i], lanes[1][i], lanes[2][i]);
    return hn::LoadU(d, lanes[2].data());
  }
  const V a_upper = Upper(a);
  const V a_lower = hn::Sub(a, a_upper);
  const V b_upper = Upper(b);
  const V b_lower = hn::Sub(b, b_upper);
  const V missed = hn::Sub(hn::Sub(hn::Sub(product, hn::Mul(a_upper, b_upper)), hn::Mul(a_lower, b_upper)), hn::Mul(a_upper, b_lower));
  const Pair small = TwoSum(sum, hn::Sub(hn::Mul(a_lower, b_lower), missed));
  const Pair large = TwoSum(product, small.sum);
  return hn::Add(large.sum, RoundToOdd(TwoSum(large.error, small.error)));
}

#endif

void SubtractProductImpl(const double* HWY_RESTRICT left, const double* HWY_RESTRICT right, int64_t depth, double* HWY_RESTRICT out,
                         int64_t stride) {
  const Tag d;
  for (int64_t row = 0; row < kProductRows; row += kRows) {
    for (int64_t part = 0; part < kProductCols; part += kPart) {
      std::array<std::array<V, kVectors>, kRows> sums;
      for (auto& of_row : sums) of_row.fill(hn::Zero(d));
      const int64_t run = depth / kRows;
      for (int64_t fetched = 0; fetched < kRows; ++fetched) {
        // One row of the output at a time, while sums are made: all at once would be in the way of what they need.
        for (int64_t v = 0; v < kVectors; ++v) __builtin_prefetch(out + (row + fetched) * stride + part + v * kWidth, 1);
        for (int64_t k = fetched * run; k < (fetched + 1) * run; ++k) {
          std::array<V, kVectors> cols;
          for (int64_t v = 0; v < kVectors; ++v) cols[v] = hn::LoadU(d, right + k * kProductCols + part + v * kWidth);
          for (int64_t r = 0; r < kRows; ++r) {
            const V factor = hn::Set(d, left[k * kProductCols + row + r]);
            for (int64_t v = 0; v < kVectors; ++v) sums[r][v] = FusedMulAdd(factor, cols[v], sums[r][v]);
          }
        }
      }
      for (int64_t r = 0; r < kRows; ++r) {
        for (int64_t v = 0; v < kVectors; ++v) {
          double* at = out + (row + r) * stride + part + v * kWidth;
          hn::StoreU(hn::Sub(hn::LoadU(d, at), sums[r][v]), d, at);
        }
      }
    }
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(SubtractProductImpl);

void SubtractProduct(const double* left, const double* right, int64_t depth, double* out, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(SubtractProductImpl)(left, right, depth, out, stride);
}

}  // namespace couponcast
#endif  // HWY_ONCE
