#include "similarity/pair_scan.h"

#include <algorithm>
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

constexpr float kBelow = 0.9999F;  // more than what the roundings of a score and of what is needed add up to

template <typename D>
void StoreLeast(D d, hn::Vec<D> need, float* least) {
  hn::StoreU(hn::Max(need, hn::Set(d, std::numeric_limits<float>::denorm_min())), d, least);
}

template <typename D>
void StoreLeast(D d, hn::Vec<D> need, uint16_t* least) {
  const hn::RebindToSigned<D> di;
  const auto within = hn::Min(hn::Max(hn::Ceil(need), hn::Set(d, 1.0F)), hn::Set(d, 65535.0F));
  const hn::Rebind<uint16_t, D> d16;
  hn::StoreU(hn::DemoteTo(d16, hn::ConvertTo(di, within)), d16, least);
}

// What the sums of each block must reach.
template <typename Sum>
void LeastSums(const PairNeeds& needs, int64_t blocks, std::array<Sum, kPairScan>& least) {
  const hn::CappedTag<float, 16> d;
  const auto row = hn::Set(d, needs.row);
  const auto inverse = hn::Set(d, needs.inverse_row_scale * kBelow);
  for (int64_t block = 0; block < blocks; block += static_cast<int64_t>(hn::Lanes(d))) {
    const auto of_row = hn::Mul(row, hn::LoadU(d, needs.inverse_scale + block));
    StoreLeast(d, hn::Mul(hn::Min(hn::LoadU(d, needs.columns + block), of_row), inverse), least.data() + block);
  }
}

template <typename Sum>
int64_t Take(Sum* HWY_RESTRICT sums, const PairNeeds& needs, int64_t blocks, int32_t* HWY_RESTRICT places, float* HWY_RESTRICT values) {
  const hn::CappedTag<Sum, kPairBlock> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  std::array<Sum, kPairScan> least;
  LeastSums(needs, blocks, least);
  int64_t found = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    Sum* block_sums = sums + block * kPairBlock;
    const auto limit = hn::Set(d, least[static_cast<size_t>(block)]);
    auto most = hn::Zero(d);
    for (int64_t at = 0; at < kPairBlock; at += lanes) most = hn::Max(most, hn::LoadU(d, block_sums + at));
    uint64_t bits = 0;
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Ge(most, limit)))) {
      for (int64_t at = 0; at < kPairBlock; at += lanes) {
        uint64_t part = 0;  // StoreMaskBits may write up to 8 bytes
        hn::StoreMaskBits(d, hn::Ge(hn::LoadU(d, block_sums + at), limit), reinterpret_cast<uint8_t*>(&part));
        if (lanes < 64) part &= (uint64_t{1} << lanes) - 1;
        bits |= part << at;
      }
    }
    for (; bits != 0; bits &= bits - 1) {
      const int place = std::countr_zero(bits);
      places[found] = static_cast<int32_t>(block * kPairBlock + place);
      values[found] = static_cast<float>(block_sums[place]);
      ++found;
    }
    for (int64_t at = 0; at < kPairBlock; at += lanes) hn::StoreU(hn::Zero(d), d, block_sums + at);
  }
  return found;
}

template <typename D>
hn::Vec<D> ToFloats(D d, const float* sums) {
  return hn::LoadU(d, sums);
}

template <typename D>
hn::Vec<D> ToFloats(D d, const uint16_t* sums) {
  return hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<D>(), hn::LoadU(hn::Rebind<uint16_t, D>(), sums)));
}

template <typename Sum>
void Bests(const Sum* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT smallest_scale, int64_t windows,
           int64_t cycle, float* HWY_RESTRICT best) {
  const hn::CappedTag<Sum, kPairGroups> d;
  const hn::CappedTag<float, 16> df;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto floats = static_cast<int64_t>(hn::Lanes(df));
  std::fill_n(best, cycle * kPairGroups, 0.0F);
  std::array<Sum, kPairGroups> largest;
  const int64_t exact = std::min(windows, kExactWindows);
  for (int64_t at = 0; at < exact * kPairWindow; at += floats) {
    float* group_best = best + at / kPairWindow % cycle * kPairGroups + at % kPairGroups;
    const auto score = hn::Mul(ToFloats(df, sums + at), hn::LoadU(df, scale + at));
    hn::StoreU(hn::Max(hn::LoadU(df, group_best), score), df, group_best);
  }
  for (int64_t window = exact; window < windows; ++window) {
    for (int64_t group = 0; group < kPairGroups; group += lanes) {
      const Sum* first = sums + window * kPairWindow + group;
      auto most = hn::LoadU(d, first);
      for (int64_t at = kPairGroups; at < kPairWindow; at += kPairGroups) most = hn::Max(most, hn::LoadU(d, first + at));
      hn::StoreU(most, d, largest.data() + group);
    }
    const auto smallest = hn::Set(df, smallest_scale[window]);
    float* group_best = best + window % cycle * kPairGroups;
    for (int64_t group = 0; group < kPairGroups; group += floats) {
      const auto score = hn::Mul(ToFloats(df, largest.data() + group), smallest);
      hn::StoreU(hn::Max(hn::LoadU(df, group_best + group), score), df, group_best + group);
    }
  }
}

void BestsOfFloats(const float* sums, const float* scale, const float* smallest_scale, int64_t windows, int64_t cycle, float* best) {
  Bests(sums, scale, smallest_scale, windows, cycle, best);
}

void BestsOfWhole(const uint16_t* sums, const float* scale, const float* smallest_scale, int64_t windows, int64_t cycle, float* best) {
  Bests(sums, scale, smallest_scale, windows, cycle, best);
}

int64_t TakeFloats(float* sums, const PairNeeds& needs, int64_t blocks, int32_t* places, float* values) {
  return Take(sums, needs, blocks, places, values);
}

int64_t TakeWhole(uint16_t* sums, const PairNeeds& needs, int64_t blocks, int32_t* places, float* values) {
  return Take(sums, needs, blocks, places, values);
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(BestsOfFloats);
HWY_EXPORT(BestsOfWhole);
HWY_EXPORT(TakeFloats);
HWY_EXPORT(TakeWhole);

int64_t TakeSums(float* sums, const PairNeeds& needs, int64_t blocks, int32_t* places, float* values) {
  return HWY_DYNAMIC_DISPATCH(TakeFloats)(sums, needs, blocks, places, values);
}

int64_t TakeSums(uint16_t* sums, const PairNeeds& needs, int64_t blocks, int32_t* places, float* values) {
  return HWY_DYNAMIC_DISPATCH(TakeWhole)(sums, needs, blocks, places, values);
}

void GroupBests(const float* sums, const float* scale, const float* smallest_scale, int64_t windows, int64_t cycle, float* best) {
  HWY_DYNAMIC_DISPATCH(BestsOfFloats)(sums, scale, smallest_scale, windows, cycle, best);
}

void GroupBests(const uint16_t* sums, const float* scale, const float* smallest_scale, int64_t windows, int64_t cycle, float* best) {
  HWY_DYNAMIC_DISPATCH(BestsOfWhole)(sums, scale, smallest_scale, windows, cycle, best);
}

}  // namespace couponcast
#endif  // HWY_ONCE
