#include "similarity/tail_postings.h"

#include <hwy/cache_control.h>

#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/similarity/tail_postings.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void AddPostingsImpl(const TailTerm* HWY_RESTRICT terms, int64_t count, const uint32_t* HWY_RESTRICT begin,
                     const uint32_t* HWY_RESTRICT postings, uint16_t* sums) {
  const hn::CappedTag<uint32_t, 8> d;
  const hn::Repartition<uint16_t, decltype(d)> dh;
  const auto lanes = static_cast<uint32_t>(hn::Lanes(d));
  HWY_ALIGN std::array<uint32_t, 8> places{};
  HWY_ALIGN std::array<uint32_t, 8> products{};
  constexpr int64_t kAhead = 3;  // terms whose postings are fetched early
  for (int64_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      const uint32_t* next = postings + begin[terms[i + kAhead].term];
      hwy::Prefetch(next);
      hwy::Prefetch(next + 16);
      hwy::Prefetch(next + 32);
    }
    const auto [term, level] = terms[i];
    uint32_t j = begin[term];
    const uint32_t end = begin[term + 1];
    // Multiplied in vectors, the level in the upper half of each lane; only the additions go to places of their own.
    const auto factor = hn::BitCast(dh, hn::Set(d, static_cast<uint32_t>(level) << 16U));
    for (; j + lanes <= end; j += lanes) {
      const auto packed = hn::LoadU(d, postings + j);
      hn::Store(packed, d, places.data());
      hn::Store(hn::ShiftRight<16>(hn::BitCast(d, hn::MulHigh(hn::BitCast(dh, packed), factor))), d, products.data());
      for (uint32_t u = 0; u < lanes; ++u) sums[places[u] & 0xFFFFU] += static_cast<uint16_t>(products[u]);
    }
    for (; j < end; ++j) sums[postings[j] & 0xFFFFU] += static_cast<uint16_t>((postings[j] >> 16U) * level >> 16U);
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AddPostingsImpl);

void AddPostings(const TailTerm* terms, int64_t count, const uint32_t* begin, const uint32_t* postings, uint16_t* sums) {
  HWY_DYNAMIC_DISPATCH(AddPostingsImpl)(terms, count, begin, postings, sums);
}

}  // namespace couponcast
#endif  // HWY_ONCE
