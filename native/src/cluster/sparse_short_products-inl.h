// <sparse row, dense centroid> in whole numbers of 16 bits: exact, so the same on every target.
#if defined(COUPONCAST_CLUSTER_SPARSE_SHORT_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUPONCAST_CLUSTER_SPARSE_SHORT_PRODUCTS_INL_H_
#undef COUPONCAST_CLUSTER_SPARSE_SHORT_PRODUCTS_INL_H_
#else
#define COUPONCAST_CLUSTER_SPARSE_SHORT_PRODUCTS_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <array>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Cells of a row as codes, and how many further cells follow them.
struct ShortCells {
  const int32_t* indices;
  const int16_t* codes;
  int64_t count;
  int64_t ahead;
};

// Stores the sums of a vector of centroids, of which InterleaveLower took the first half of each block of eight.
template <class D16>
HWY_INLINE void StoreSums(D16 /*d16*/, hn::VFromD<hn::RepartitionToWide<D16>> lower, hn::VFromD<hn::RepartitionToWide<D16>> upper,
                          float* HWY_RESTRICT to) {
  const hn::RepartitionToWide<D16> d32;
  const hn::RebindToFloat<decltype(d32)> df;
  const auto half = static_cast<int32_t>(hn::Lanes(d32));
  HWY_ALIGN std::array<int32_t, 32> from;
  for (int32_t c = 0; c < 2 * half; ++c) from[static_cast<size_t>(c)] = c / 8 * 4 + c % 4 + (c % 8 < 4 ? 0 : half);
  hn::StoreU(hn::ConvertTo(df, hn::TwoTablesLookupLanes(d32, lower, upper, hn::SetTableIndices(d32, from.data()))), df, to);
  hn::StoreU(hn::ConvertTo(df, hn::TwoTablesLookupLanes(d32, lower, upper, hn::SetTableIndices(d32, from.data() + half))), df, to + half);
}

// Adds the products of two cells with a vector of centroids. Where a target adds the halves of a product to two sums, the
// second ones are `more`.
template <class D16, class V32>
HWY_INLINE void AddPair(D16 d16, const int16_t* HWY_RESTRICT left, const int16_t* HWY_RESTRICT right, hn::VFromD<D16> codes, V32& lower,
                        V32& upper, V32& more_lower, V32& more_upper) {
  const hn::RepartitionToWide<D16> d32;
  const auto p = hn::LoadU(d16, left);
  const auto q = hn::LoadU(d16, right);
  lower = hn::ReorderWidenMulAccumulate(d32, hn::InterleaveLower(d16, p, q), codes, lower, more_lower);
  upper = hn::ReorderWidenMulAccumulate(d32, hn::InterleaveUpper(d16, p, q), codes, upper, more_upper);
}

// The products of kVectors vectors of centroids from `first` on: they stay in registers while pairs of cells pass.
template <int kVectors, class D16>
HWY_INLINE void ProductsFrom(D16 d16, const ShortCells& cells, const int16_t* HWY_RESTRICT shorts, int64_t lanes, int64_t first,
                             float* HWY_RESTRICT products) {
  const hn::RepartitionToWide<D16> d32;
  const auto width = static_cast<int64_t>(hn::Lanes(d16));
  constexpr int64_t kLine = 64 / sizeof(int16_t);
  const int16_t* HWY_RESTRICT from = shorts + first;
  const int32_t* HWY_RESTRICT indices = cells.indices;
  const int32_t* HWY_RESTRICT later = indices + cells.ahead;
  const int16_t* HWY_RESTRICT codes = cells.codes;
  const int64_t count = cells.count;
  auto a0 = hn::Zero(d32), a1 = a0, a2 = a0, a3 = a0;
  auto b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  int64_t cell = 0;
  for (; cell + 2 <= count; cell += 2) {
    for (int64_t line = 0; line < kVectors * width; line += kLine) {
      hwy::Prefetch(from + later[cell] * lanes + line);
      hwy::Prefetch(from + later[cell + 1] * lanes + line);
    }
    int32_t two;
    hwy::CopyBytes<sizeof(two)>(codes + cell, &two);
    const auto pair = hn::BitCast(d16, hn::Set(d32, two));
    const int16_t* HWY_RESTRICT left = from + indices[cell] * lanes;
    const int16_t* HWY_RESTRICT right = from + indices[cell + 1] * lanes;
    AddPair(d16, left, right, pair, a0, a1, a2, a3);
    if constexpr (kVectors == 2) AddPair(d16, left + width, right + width, pair, b0, b1, b2, b3);
  }
  if (cell < count) {
    // The last of an odd number is its own partner, which counts nothing.
    const auto pair = hn::BitCast(d16, hn::Set(d32, static_cast<int32_t>(static_cast<uint16_t>(codes[cell]))));
    const int16_t* HWY_RESTRICT left = from + indices[cell] * lanes;
    AddPair(d16, left, left, pair, a0, a1, a2, a3);
    if constexpr (kVectors == 2) AddPair(d16, left + width, left + width, pair, b0, b1, b2, b3);
  }
  StoreSums(d16, hn::RearrangeToOddPlusEven(a0, a2), hn::RearrangeToOddPlusEven(a1, a3), products + first);
  if constexpr (kVectors == 2)
    StoreSums(d16, hn::RearrangeToOddPlusEven(b0, b2), hn::RearrangeToOddPlusEven(b1, b3), products + first + width);
}

// products[c] = <codes of the row, shorts of centroid c>
HWY_INLINE void ShortProducts(const ShortCells& cells, const int16_t* HWY_RESTRICT shorts, int64_t lanes, float* HWY_RESTRICT products) {
  const hn::CappedTag<int16_t, 32> d;
  const hn::CappedTag<int16_t, 16> d16;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + 2 * width <= lanes; c += 2 * width) ProductsFrom<2>(d, cells, shorts, lanes, c, products);
  for (; c + width <= lanes; c += width) ProductsFrom<1>(d, cells, shorts, lanes, c, products);
  for (; c < lanes; c += 16) ProductsFrom<1>(d16, cells, shorts, lanes, c, products);
}

}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // COUPONCAST_CLUSTER_SPARSE_SHORT_PRODUCTS_INL_H_
