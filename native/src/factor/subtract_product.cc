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

V FusedMulAdd(V a, V b, V sum) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, sum);
#else
  const Tag d;
  std::array<std::array<double, kWidth>, 3> lanes;
  hn::StoreU(a, d, lanes[0].data());
  hn::StoreU(b, d, lanes[1].data());
  hn::StoreU(sum, d, lanes[2].data());
  for (size_t i = 0; i < static_cast<size_t>(kWidth); ++i) lanes[2][i] = std::fma(lanes[0][i], lanes[1][i], lanes[2][i]);
  return hn::LoadU(d, lanes[2].data());
#endif
}

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
