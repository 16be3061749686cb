#include "base/block_scan.h"

#include <algorithm>
#include <bit>
#include <limits>

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

// Calls visit(block) for each touched block from `block` on while it returns true; returns where it stopped.
template <class Visit>
HWY_INLINE int64_t VisitTouched(const uint8_t* touched, int64_t blocks, int64_t block, Visit&& visit) {
  while (block < blocks) {
    // Eight marks at a time: most blocks of a sparse row are untouched.
    if (block + 8 <= blocks) {
      uint64_t marks = 0;
      hwy::CopyBytes<8>(touched + block, &marks);
      if (marks == 0) {
        block += 8;
        continue;
      }
    }
    if (touched[block] != 0 && !visit(block)) return block;
    ++block;
  }
  return blocks;
}

void PartMaximaImpl(const float* HWY_RESTRICT sums, const uint8_t* HWY_RESTRICT touched, int64_t blocks, int64_t groups,
                    float* HWY_RESTRICT maxima) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // Not Max, which may let a NaN in.
  const auto larger = [d](const float* at, auto largest) HWY_ATTR {
    const auto sum = hn::LoadU(d, at);
    return hn::IfThenElse(hn::Gt(sum, largest), sum, largest);
  };
  if (groups == 1) {
    for (int64_t i = 0; i < 64; i += 4 * lanes) {
      auto m0 = hn::Zero(d);
      auto m1 = m0;
      auto m2 = m0;
      auto m3 = m0;
      VisitTouched(touched, blocks, 0, [&](int64_t block) HWY_ATTR {
        const float* at = sums + block * 64 + i;
        m0 = larger(at, m0);
        m1 = larger(at + lanes, m1);
        m2 = larger(at + 2 * lanes, m2);
        m3 = larger(at + 3 * lanes, m3);
        return true;
      });
      hn::StoreU(m0, d, maxima + i);
      hn::StoreU(m1, d, maxima + i + lanes);
      hn::StoreU(m2, d, maxima + i + 2 * lanes);
      hn::StoreU(m3, d, maxima + i + 3 * lanes);
    }
    return;
  }
  for (int64_t i = 0; i < groups * 64; i += lanes) hn::StoreU(hn::Zero(d), d, maxima + i);
  VisitTouched(touched, blocks, 0, [&](int64_t block) HWY_ATTR {
    float* part = maxima + block % groups * 64;
    for (int64_t i = 0; i < 64; i += lanes) hn::StoreU(larger(sums + block * 64 + i, hn::LoadU(d, part + i)), d, part + i);
    return true;
  });
}

int64_t TakeAboveImpl(float* HWY_RESTRICT sums, uint8_t* HWY_RESTRICT touched, int64_t blocks, float threshold, int64_t* HWY_RESTRICT next,
                      int32_t* HWY_RESTRICT indices, float* HWY_RESTRICT scores) {
  const hn::CappedTag<float, 16> d;
  const auto limit = hn::Set(d, threshold);
  const auto zero = hn::Zero(d);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t found = 0;
  *next = VisitTouched(touched, blocks, *next, [&](int64_t block) HWY_ATTR {
    if (found > kTakeRoom - 64) return false;
    touched[block] = 0;
    float* at = sums + block * 64;
    for (int64_t i = 0; i < 64; i += lanes) {
      const auto score = hn::LoadU(d, at + i);
      const auto above = hn::Gt(score, limit);
      if (HWY_UNLIKELY(!hn::AllFalse(d, above))) {
        uint64_t bits = 0;  // StoreMaskBits may write up to 8 bytes
        hn::StoreMaskBits(d, above, reinterpret_cast<uint8_t*>(&bits));
        for (bits &= (uint64_t{1} << lanes) - 1; bits != 0; bits &= bits - 1) {
          const int64_t j = i + std::countr_zero(bits);
          indices[found] = static_cast<int32_t>(block * 64 + j);
          scores[found] = at[j];
          ++found;
        }
      }
      hn::StoreU(zero, d, at + i);
    }
    return true;
  });
  return found;
}

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

float NearKthScoreImpl(const ScoredIndex* HWY_RESTRICT entries, int64_t count, int64_t k) {
  const hn::CappedTag<int32_t, 16> d;
  const auto* numbers = reinterpret_cast<const int32_t*>(entries);
  // The bits of positive floats are ordered as they are: halve the range of bits. At least k reach `low`, fewer `high`.
  int32_t low = 0;
  int64_t high = int64_t{std::bit_cast<int32_t>(std::numeric_limits<float>::infinity())} + 1;
  for (int64_t i = 0, top = 0; i < count; ++i) {
    top = std::max<int64_t>(top, numbers[2 * i]);
    if (i + 1 == count) high = std::min(high, top + 1);
  }
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

HWY_EXPORT(MaskAboveImpl);
HWY_EXPORT(PartMaximaImpl);
HWY_EXPORT(TakeAboveImpl);
HWY_EXPORT(NearKthScoreImpl);

uint64_t MaskAbove(const float* scores, float threshold) { return HWY_DYNAMIC_DISPATCH(MaskAboveImpl)(scores, threshold); }

void PartMaxima(const float* sums, const uint8_t* touched, int64_t blocks, int64_t groups, float* maxima) {
  HWY_DYNAMIC_DISPATCH(PartMaximaImpl)(sums, touched, blocks, groups, maxima);
}

int64_t TakeAbove(float* sums, uint8_t* touched, int64_t blocks, float threshold, int64_t* next, int32_t* indices, float* scores) {
  return HWY_DYNAMIC_DISPATCH(TakeAboveImpl)(sums, touched, blocks, threshold, next, indices, scores);
}

float NearKthScore(const ScoredIndex* entries, int64_t count, int64_t k) {
  return HWY_DYNAMIC_DISPATCH(NearKthScoreImpl)(entries, count, k);
}

}  // namespace couponcast
#endif  // HWY_ONCE
