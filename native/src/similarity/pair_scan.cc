#include "similarity/pair_scan.h"

#include <array>
#include <bit>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/similarity/pair_scan.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename D>
hn::Vec<D> LoadSums(D d, const float* sums) {
  return hn::LoadU(d, sums);
}

template <typename D>
hn::Vec<D> LoadSums(D d, const int32_t* sums) {
  return hn::ConvertTo(d, hn::LoadU(hn::RebindToSigned<D>(), sums));
}

template <typename Sum>
int64_t Take(Sum* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT column_thresholds, int64_t count,
             float row_scale, float threshold, int32_t* HWY_RESTRICT columns, float* HWY_RESTRICT scores) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<Sum, decltype(d)> ds;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto own = hn::Set(d, row_scale);
  const auto limit = hn::Set(d, threshold);
  const auto least = hn::Set(d, std::numeric_limits<float>::denorm_min());
  int64_t found = 0;
  for (int64_t c = 0; c < count; c += lanes) {
    const auto other = hn::LoadU(d, scale + c);
    const auto score = hn::Mul(hn::Mul(LoadSums(d, sums + c), hn::Max(other, own)), hn::Min(other, own));
    hn::StoreU(hn::Zero(ds), ds, sums + c);
    const auto taken = hn::Ge(score, hn::Max(hn::Min(hn::LoadU(d, column_thresholds + c), limit), least));
    if (HWY_LIKELY(hn::AllFalse(d, taken))) continue;
    uint64_t bits = 0;  // StoreMaskBits may write up to 8 bytes
    hn::StoreMaskBits(d, taken, reinterpret_cast<uint8_t*>(&bits));
    std::array<float, 16> all;
    hn::StoreU(score, d, all.data());
    for (bits &= (uint64_t{1} << lanes) - 1; bits != 0; bits &= bits - 1) {
      const int bit = std::countr_zero(bits);
      columns[found] = static_cast<int32_t>(c + bit);
      scores[found] = all[static_cast<size_t>(bit)];
      ++found;
    }
  }
  return found;
}

int64_t TakeFloats(float* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT column_thresholds, int64_t count,
                   float row_scale, float threshold, int32_t* HWY_RESTRICT columns, float* HWY_RESTRICT scores) {
  return Take(sums, scale, column_thresholds, count, row_scale, threshold, columns, scores);
}

int64_t TakeIntegers(int32_t* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT column_thresholds,
                     int64_t count, float row_scale, float threshold, int32_t* HWY_RESTRICT columns, float* HWY_RESTRICT scores) {
  return Take(sums, scale, column_thresholds, count, row_scale, threshold, columns, scores);
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(TakeFloats);
HWY_EXPORT(TakeIntegers);

int64_t TakePairs(float* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale, float threshold,
                  int32_t* columns, float* scores) {
  return HWY_DYNAMIC_DISPATCH(TakeFloats)(sums, scale, column_thresholds, count, row_scale, threshold, columns, scores);
}

int64_t TakePairs(int32_t* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale, float threshold,
                  int32_t* columns, float* scores) {
  return HWY_DYNAMIC_DISPATCH(TakeIntegers)(sums, scale, column_thresholds, count, row_scale, threshold, columns, scores);
}

}  // namespace couponcast
#endif  // HWY_ONCE
