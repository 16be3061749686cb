#include "factor/subtract_product.h"

#include <array>

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
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(Tag()));
constexpr int64_t kVectors = kWidth == 8 ? 4 : 2;  // of a row at once: with their sums they fill 32 registers, or 16
constexpr int64_t kPart = kVectors * kWidth;

void SubtractProductImpl(const double* HWY_RESTRICT left, int64_t depth, const double* HWY_RESTRICT tile, double* HWY_RESTRICT out,
                         int64_t stride) {
  const Tag d;
  // Fetched while the sums are made.
  for (int64_t r = 0; r < kProductRows; ++r) {
    for (int64_t col = 0; col < kProductCols; col += 8) __builtin_prefetch(out + r * stride + col, 1);
  }
  for (int64_t part = 0; part < kProductCols; part += kPart) {
    std::array<std::array<hn::Vec<Tag>, kVectors>, kProductRows> sums;
    for (auto& row : sums) {
      for (auto& sum : row) sum = hn::Zero(d);
    }
    for (int64_t k = 0; k < depth; ++k) {
      std::array<hn::Vec<Tag>, kVectors> cols;
      for (int64_t v = 0; v < kVectors; ++v) cols[v] = hn::LoadU(d, tile + k * kProductCols + part + v * kWidth);
      for (int64_t r = 0; r < kProductRows; ++r) {
        const auto factor = hn::Set(d, left[r * depth + k]);
        for (int64_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Add(sums[r][v], hn::Mul(factor, cols[v]));
      }
    }
    for (int64_t r = 0; r < kProductRows; ++r) {
      for (int64_t v = 0; v < kVectors; ++v) {
        double* at = out + r * stride + part + v * kWidth;
        hn::StoreU(hn::Sub(hn::LoadU(d, at), sums[r][v]), d, at);
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

void SubtractProduct(const double* left, int64_t depth, const double* tile, double* out, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(SubtractProductImpl)(left, depth, tile, out, stride);
}

}  // namespace couponcast
#endif  // HWY_ONCE
