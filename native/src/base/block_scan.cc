#include "base/block_scan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/base/block_scan.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

uint64_t MaskAboveImpl(const float* HWY_RESTRICT scores, float threshold) {
  const hn::CappedTag<float, 16> d;
  const auto limit = hn::Set(d, threshold);
  const size_t lanes = hn::Lanes(d);
  uint64_t mask = 0;
  for (size_t i = 0; i < 64; i += lanes) {
    uint64_t bits = 0;  // StoreMaskBits may write up to 8 bytes
    hn::StoreMaskBits(d, hn::Gt(hn::LoadU(d, scores + i), limit), reinterpret_cast<uint8_t*>(&bits));
    mask |= (bits & ((uint64_t{1} << lanes) - 1)) << i;
  }
  return mask;
}

void MultiplyInPlaceImpl(float* HWY_RESTRICT scores, const float* HWY_RESTRICT factors, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Mul(hn::LoadU(d, scores + i), hn::LoadU(d, factors + i)), d, scores + i);
  }
  for (; i < count; ++i) scores[i] *= factors[i];
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(MaskAboveImpl);
HWY_EXPORT(MultiplyInPlaceImpl);

uint64_t MaskAbove(const float* scores, float threshold) { return HWY_DYNAMIC_DISPATCH(MaskAboveImpl)(scores, threshold); }

void MultiplyInPlace(float* scores, const float* factors, int64_t count) {
  HWY_DYNAMIC_DISPATCH(MultiplyInPlaceImpl)(scores, factors, count);
}

}  // namespace couponcast
#endif  // HWY_ONCE
