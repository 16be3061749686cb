#include "similarity/head_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/similarity/head_tile.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void AddHeadRowsImpl(const HeadTerm* HWY_RESTRICT terms, const int64_t* HWY_RESTRICT begin, int64_t queries, const HeadTile& tile,
                     int64_t stride, uint16_t* HWY_RESTRICT sums) {
  const hn::CappedTag<uint16_t, kTileStep / 4> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t step = 0; step < tile.columns; step += kTileStep) {
    for (int64_t q = 0; q < queries; ++q) {
      for (int64_t c = 0; c < kTileStep; c += 4 * lanes) {
        auto s0 = hn::Zero(d);
        auto s1 = s0;
        auto s2 = s0;
        auto s3 = s0;
        for (int64_t i = begin[q]; i < begin[q + 1]; ++i) {
          const uint16_t* row = tile.levels + (step * tile.rows + terms[i].slot * kTileStep + c);
          const auto level = hn::Set(d, terms[i].level);
          s0 = hn::Add(s0, hn::MulHigh(hn::LoadU(d, row), level));
          s1 = hn::Add(s1, hn::MulHigh(hn::LoadU(d, row + lanes), level));
          s2 = hn::Add(s2, hn::MulHigh(hn::LoadU(d, row + 2 * lanes), level));
          s3 = hn::Add(s3, hn::MulHigh(hn::LoadU(d, row + 3 * lanes), level));
        }
        uint16_t* out = sums + q * stride + step + c;
        hn::StoreU(s0, d, out);
        hn::StoreU(s1, d, out + lanes);
        hn::StoreU(s2, d, out + 2 * lanes);
        hn::StoreU(s3, d, out + 3 * lanes);
      }
    }
  }
}

int64_t CollectAtLeastImpl(const uint16_t* HWY_RESTRICT sums, const uint16_t* HWY_RESTRICT column_limits, int64_t count, uint16_t limit,
                           uint16_t* HWY_RESTRICT columns, uint16_t* HWY_RESTRICT found_sums) {
  const hn::CappedTag<uint16_t, kCollectSpare> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto own = hn::Set(d, limit);
  int64_t found = 0;
  const auto reached = [&](int64_t c) HWY_ATTR { return hn::Ge(hn::LoadU(d, sums + c), hn::Min(own, hn::LoadU(d, column_limits + c))); };
  const auto collect = [&](int64_t c, auto mask) HWY_ATTR {
    hn::CompressStore(hn::LoadU(d, sums + c), mask, d, found_sums + found);
    found += static_cast<int64_t>(hn::CompressStore(hn::Iota(d, static_cast<uint16_t>(c)), mask, d, columns + found));
  };
  for (int64_t c = 0; c < count; c += 4 * lanes) {
    const auto m0 = reached(c);
    const auto m1 = reached(c + lanes);
    const auto m2 = reached(c + 2 * lanes);
    const auto m3 = reached(c + 3 * lanes);
    if (HWY_LIKELY(hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3))))) continue;
    // Without a branch for each: which ones are reached is not predictable.
    collect(c, m0);
    collect(c + lanes, m1);
    collect(c + 2 * lanes, m2);
    collect(c + 3 * lanes, m3);
  }
  return found;
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AddHeadRowsImpl);
HWY_EXPORT(CollectAtLeastImpl);

void AddHeadRows(const HeadTerm* terms, const int64_t* begin, int64_t queries, const HeadTile& tile, int64_t stride, uint16_t* sums) {
  HWY_DYNAMIC_DISPATCH(AddHeadRowsImpl)(terms, begin, queries, tile, stride, sums);
}

int64_t CollectAtLeast(const uint16_t* sums, const uint16_t* column_limits, int64_t count, uint16_t limit, uint16_t* columns,
                       uint16_t* found_sums) {
  return HWY_DYNAMIC_DISPATCH(CollectAtLeastImpl)(sums, column_limits, count, limit, columns, found_sums);
}

}  // namespace couponcast
#endif  // HWY_ONCE
