#include "similarity/pair_scan.h"

#include <hwy/cache_control.h>

#include <array>
#include <bit>
#include <limits>

#include "couponcast/all_pairs.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/similarity/pair_scan.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Multiply, then add: every target gives the same bits.
void AddRowsImpl(const float* HWY_RESTRICT rows, const int32_t* HWY_RESTRICT indices, const float* HWY_RESTRICT weights, int64_t count,
                 float* HWY_RESTRICT sums) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int64_t kAhead = 8;
  for (int64_t h = 0; h < kPairHead; h += 2 * lanes) {
    auto left = hn::LoadU(d, sums + h);
    auto right = hn::LoadU(d, sums + h + lanes);
    for (int64_t i = 0; i < count; ++i) {
      if (i + kAhead < count) {
        const float* next = rows + indices[i + kAhead] * kPairHead + h;
        hwy::Prefetch(next);
        hwy::Prefetch(next + lanes);
      }
      const float* row = rows + indices[i] * kPairHead + h;
      const auto weight = hn::Set(d, weights[i]);
      left = hn::Add(left, hn::Mul(weight, hn::LoadU(d, row)));
      right = hn::Add(right, hn::Mul(weight, hn::LoadU(d, row + lanes)));
    }
    hn::StoreU(left, d, sums + h);
    hn::StoreU(right, d, sums + h + lanes);
  }
}

int64_t TakePairsImpl(float* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT column_thresholds, int64_t count,
                      float row_scale, float threshold, int32_t* HWY_RESTRICT columns, float* HWY_RESTRICT scores) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto own = hn::Set(d, row_scale);
  const auto limit = hn::Set(d, threshold);
  const auto least = hn::Set(d, std::numeric_limits<float>::denorm_min());
  int64_t found = 0;
  for (int64_t c = 0; c < count; c += lanes) {
    const auto other = hn::LoadU(d, scale + c);
    const auto score = hn::Mul(hn::Mul(hn::LoadU(d, sums + c), hn::Max(other, own)), hn::Min(other, own));
    hn::StoreU(hn::Zero(d), d, sums + c);
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

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AddRowsImpl);
HWY_EXPORT(TakePairsImpl);

void AddRows(const float* rows, const int32_t* indices, const float* weights, int64_t count, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddRowsImpl)(rows, indices, weights, count, sums);
}

int64_t TakePairs(float* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale, float threshold,
                  int32_t* columns, float* scores) {
  return HWY_DYNAMIC_DISPATCH(TakePairsImpl)(sums, scale, column_thresholds, count, row_scale, threshold, columns, scores);
}

}  // namespace couponcast
#endif  // HWY_ONCE
