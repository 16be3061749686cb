#include "base/near_kth_score.h"

#include <algorithm>
#include <bit>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/base/near_kth_score.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Entries whose score, as the bits of a positive number, is at least `bits`.
template <class D>
HWY_INLINE int64_t CountAtLeast(D d, const int32_t* HWY_RESTRICT entries, int64_t count, int32_t bits) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto limit = hn::Set(d, bits);
  auto total = hn::Zero(d);
  int64_t i = 0;
  // Deinterleaved: scores at even places, indices at odd ones.
  for (; i + lanes <= count; i += lanes) {
    auto scores = hn::Undefined(d);
    auto indices = hn::Undefined(d);
    hn::LoadInterleaved2(d, entries + 2 * i, scores, indices);
    total = hn::Sub(total, hn::VecFromMask(d, hn::Ge(scores, limit)));
  }
  int64_t found = hn::ReduceSum(d, total);
  for (; i < count; ++i) found += entries[2 * i] >= bits ? 1 : 0;
  return found;
}

// Least and largest score, as CountAtLeast sees them.
template <class D>
HWY_INLINE void Extremes(D d, const int32_t* HWY_RESTRICT entries, int64_t count, int32_t* least, int32_t* largest) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto low = hn::Set(d, entries[0]);
  auto high = low;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto scores = hn::Undefined(d);
    auto indices = hn::Undefined(d);
    hn::LoadInterleaved2(d, entries + 2 * i, scores, indices);
    low = hn::Min(low, scores);
    high = hn::Max(high, scores);
  }
  *least = hn::ReduceMin(d, low);
  *largest = hn::ReduceMax(d, high);
  for (; i < count; ++i) {
    *least = std::min(*least, entries[2 * i]);
    *largest = std::max(*largest, entries[2 * i]);
  }
}

float NearKthScoreImpl(const ScoredIndex* HWY_RESTRICT entries, int64_t count, int64_t k) {
  const hn::CappedTag<int32_t, 16> d;
  const auto* numbers = reinterpret_cast<const int32_t*>(entries);
  // The bits of positive floats are ordered as they are: halve the range of bits. At least k reach `low`, fewer `high`.
  int32_t low = 0;
  int32_t largest = 0;
  Extremes(d, numbers, count, &low, &largest);
  int64_t high = int64_t{largest} + 1;
  const int64_t enough = k + k / 8;
  int64_t reached = count;
  while (reached > enough && high - low > 1) {
    const auto middle = static_cast<int32_t>(low + (high - low) / 2);
    const int64_t found = CountAtLeast(d, numbers, count, middle);
    if (found >= k) {
      low = middle;
      reached = found;
    } else {
      high = middle;
    }
  }
  return std::bit_cast<float>(low);
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(NearKthScoreImpl);

float NearKthScore(const ScoredIndex* entries, int64_t count, int64_t k) {
  return HWY_DYNAMIC_DISPATCH(NearKthScoreImpl)(entries, count, k);
}

}  // namespace couponcast
#endif  // HWY_ONCE
