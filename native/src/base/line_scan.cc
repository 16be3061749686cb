#include "base/line_scan.h"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/base/line_scan.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

int64_t ListTouchedImpl(const uint8_t* HWY_RESTRICT touched, int64_t lines, int32_t* HWY_RESTRICT list) {
  const hn::CappedTag<uint8_t, 64> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t found = 0;
  for (int64_t line = 0; line < lines; line += lanes) {
    uint64_t bits = 0;  // StoreMaskBits may write up to 8 bytes
    hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, touched + line), hn::Zero(d)), reinterpret_cast<uint8_t*>(&bits));
    for (; bits != 0; bits &= bits - 1) list[found++] = static_cast<int32_t>(line + std::countr_zero(bits));
  }
  return found;
}

void PartMaximaImpl(const float* HWY_RESTRICT sums, const int32_t* HWY_RESTRICT list, int64_t count, int64_t groups,
                    float* HWY_RESTRICT maxima) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // Not Max, which may let a NaN in.
  const auto larger = [=](int32_t line, int64_t i, auto largest) HWY_ATTR {
    const auto sum = hn::LoadU(d, sums + line * kLine + i);
    return hn::IfThenElse(hn::Gt(sum, largest), sum, largest);
  };
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t end = count * (group + 1) / groups;
    for (int64_t i = 0; i < kLine; i += lanes) {
      int64_t j = count * group / groups;
      auto m0 = hn::Zero(d);
      auto m1 = m0;
      auto m2 = m0;
      auto m3 = m0;
      for (; j + 4 <= end; j += 4) {
        m0 = larger(list[j], i, m0);
        m1 = larger(list[j + 1], i, m1);
        m2 = larger(list[j + 2], i, m2);
        m3 = larger(list[j + 3], i, m3);
      }
      if (j < end) m0 = larger(list[j], i, m0);
      if (j + 1 < end) m1 = larger(list[j + 1], i, m1);
      if (j + 2 < end) m2 = larger(list[j + 2], i, m2);
      float* part = maxima + group * kParts + i;
      hn::StoreU(m0, d, part);
      hn::StoreU(m1, d, part + kLine);
      hn::StoreU(m2, d, part + 2 * kLine);
      hn::StoreU(m3, d, part + 3 * kLine);
    }
  }
}

int64_t TakeAboveImpl(float* HWY_RESTRICT sums, const int32_t* HWY_RESTRICT list, int64_t count, float threshold,
                      int64_t* HWY_RESTRICT next, int32_t* HWY_RESTRICT indices, float* HWY_RESTRICT scores) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto limit = hn::Set(d, threshold);
  const auto zero = hn::Zero(d);
  int64_t found = 0;
  int64_t j = *next;
  for (; j < count && found <= kTakeRoom - kLine; ++j) {
    const auto first = list[j] * static_cast<int32_t>(kLine);
    float* at = sums + first;
    for (int64_t i = 0; i < kLine; i += lanes) {
      const auto above = hn::Gt(hn::LoadU(d, at + i), limit);
      if (HWY_UNLIKELY(!hn::AllFalse(d, above))) {
        uint64_t bits = 0;  // StoreMaskBits may write up to 8 bytes
        hn::StoreMaskBits(d, above, reinterpret_cast<uint8_t*>(&bits));
        for (bits &= (uint64_t{1} << lanes) - 1; bits != 0; bits &= bits - 1) {
          const int64_t place = i + std::countr_zero(bits);
          indices[found] = first + static_cast<int32_t>(place);
          scores[found] = at[place];
          ++found;
        }
      }
      hn::StoreU(zero, d, at + i);
    }
  }
  *next = j;
  return found;
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(ListTouchedImpl);
HWY_EXPORT(PartMaximaImpl);
HWY_EXPORT(TakeAboveImpl);

int64_t ListTouched(const uint8_t* touched, int64_t lines, int32_t* list) {
  return HWY_DYNAMIC_DISPATCH(ListTouchedImpl)(touched, lines, list);
}

void PartMaxima(const float* sums, const int32_t* list, int64_t count, int64_t groups, float* maxima) {
  HWY_DYNAMIC_DISPATCH(PartMaximaImpl)(sums, list, count, groups, maxima);
}

int64_t TakeAbove(float* sums, const int32_t* list, int64_t count, float threshold, int64_t* next, int32_t* indices, float* scores) {
  return HWY_DYNAMIC_DISPATCH(TakeAboveImpl)(sums, list, count, threshold, next, indices, scores);
}

}  // namespace couponcast
#endif  // HWY_ONCE
