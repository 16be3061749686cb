#include "similarity/head_tile.h"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/similarity/head_tile.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Four bytes of a query in every lane.
template <class D>
HWY_INLINE hn::Vec<D> BroadcastQuad(D d, const int8_t* HWY_RESTRICT bytes) {
  int32_t quad = 0;
  hwy::CopyBytes<4>(bytes, &quad);
  return hn::BitCast(d, hn::Set(hn::Repartition<int32_t, D>(), quad));
}

template <class D, class V>
HWY_INLINE void StoreScaled(D d, V sum, const float* HWY_RESTRICT column_step, float query_step, float* HWY_RESTRICT out) {
  const auto step = hn::Mul(hn::LoadU(d, column_step), hn::Set(d, query_step));
  hn::StoreU(hn::Mul(hn::ConvertTo(d, sum), step), d, out);
}

void MultiplyHeadTileImpl(const int8_t* HWY_RESTRICT queries, const float* HWY_RESTRICT query_step, const uint8_t* HWY_RESTRICT tile,
                          const float* HWY_RESTRICT column_step, int64_t terms, int64_t columns, float* HWY_RESTRICT sums) {
  const hn::CappedTag<int32_t, 16> di;
  const hn::Repartition<uint8_t, decltype(di)> du;
  const hn::Repartition<int8_t, decltype(di)> ds;
  const hn::RebindToFloat<decltype(di)> df;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  for (int64_t c = 0; c < columns; c += 2 * lanes) {
    auto s00 = hn::Zero(di);
    auto s01 = s00;
    auto s10 = s00;
    auto s11 = s00;
    auto s20 = s00;
    auto s21 = s00;
    auto s30 = s00;
    auto s31 = s00;
    for (int64_t h = 0; h < terms; h += 4) {
      const uint8_t* at = tile + h * columns + 4 * c;
      const auto left = hn::LoadU(du, at);
      const auto right = hn::LoadU(du, at + 4 * lanes);
      const auto q0 = BroadcastQuad(ds, queries + h);
      s00 = hn::SumOfMulQuadAccumulate(di, left, q0, s00);
      s01 = hn::SumOfMulQuadAccumulate(di, right, q0, s01);
      const auto q1 = BroadcastQuad(ds, queries + terms + h);
      s10 = hn::SumOfMulQuadAccumulate(di, left, q1, s10);
      s11 = hn::SumOfMulQuadAccumulate(di, right, q1, s11);
      const auto q2 = BroadcastQuad(ds, queries + 2 * terms + h);
      s20 = hn::SumOfMulQuadAccumulate(di, left, q2, s20);
      s21 = hn::SumOfMulQuadAccumulate(di, right, q2, s21);
      const auto q3 = BroadcastQuad(ds, queries + 3 * terms + h);
      s30 = hn::SumOfMulQuadAccumulate(di, left, q3, s30);
      s31 = hn::SumOfMulQuadAccumulate(di, right, q3, s31);
    }
    StoreScaled(df, s00, column_step + c, query_step[0], sums + c);
    StoreScaled(df, s01, column_step + c + lanes, query_step[0], sums + c + lanes);
    StoreScaled(df, s10, column_step + c, query_step[1], sums + columns + c);
    StoreScaled(df, s11, column_step + c + lanes, query_step[1], sums + columns + c + lanes);
    StoreScaled(df, s20, column_step + c, query_step[2], sums + 2 * columns + c);
    StoreScaled(df, s21, column_step + c + lanes, query_step[2], sums + 2 * columns + c + lanes);
    StoreScaled(df, s30, column_step + c, query_step[3], sums + 3 * columns + c);
    StoreScaled(df, s31, column_step + c + lanes, query_step[3], sums + 3 * columns + c + lanes);
  }
}

// Two numbers of a query in every lane.
template <class D>
HWY_INLINE hn::Vec<D> BroadcastPair(D d, const int16_t* HWY_RESTRICT numbers) {
  int32_t pair = 0;
  hwy::CopyBytes<4>(numbers, &pair);
  return hn::BitCast(d, hn::Set(hn::Repartition<int32_t, D>(), pair));
}

void MultiplyWideHeadTileImpl(const int16_t* HWY_RESTRICT queries, const float* HWY_RESTRICT query_step, const int16_t* HWY_RESTRICT tile,
                              const float* HWY_RESTRICT column_step, int64_t terms, int64_t columns, float* HWY_RESTRICT sums) {
  const hn::CappedTag<int32_t, 16> di;
  const hn::Repartition<int16_t, decltype(di)> ds;
  const hn::RebindToFloat<decltype(di)> df;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  for (int64_t c = 0; c < columns; c += 2 * lanes) {
    auto s00 = hn::Zero(di);
    auto s01 = s00;
    auto s10 = s00;
    auto s11 = s00;
    auto s20 = s00;
    auto s21 = s00;
    auto s30 = s00;
    auto s31 = s00;
    // Where a target adds the halves of a product to two sums, the second ones are these.
    auto r0 = s00;
    auto r1 = s00;
    auto r2 = s00;
    auto r3 = s00;
    auto r4 = s00;
    auto r5 = s00;
    auto r6 = s00;
    auto r7 = s00;
    for (int64_t h = 0; h < terms; h += 2) {
      const int16_t* at = tile + h * columns + 2 * c;
      const auto left = hn::LoadU(ds, at);
      const auto right = hn::LoadU(ds, at + 2 * lanes);
      const auto q0 = BroadcastPair(ds, queries + h);
      s00 = hn::ReorderWidenMulAccumulate(di, left, q0, s00, r0);
      s01 = hn::ReorderWidenMulAccumulate(di, right, q0, s01, r1);
      const auto q1 = BroadcastPair(ds, queries + terms + h);
      s10 = hn::ReorderWidenMulAccumulate(di, left, q1, s10, r2);
      s11 = hn::ReorderWidenMulAccumulate(di, right, q1, s11, r3);
      const auto q2 = BroadcastPair(ds, queries + 2 * terms + h);
      s20 = hn::ReorderWidenMulAccumulate(di, left, q2, s20, r4);
      s21 = hn::ReorderWidenMulAccumulate(di, right, q2, s21, r5);
      const auto q3 = BroadcastPair(ds, queries + 3 * terms + h);
      s30 = hn::ReorderWidenMulAccumulate(di, left, q3, s30, r6);
      s31 = hn::ReorderWidenMulAccumulate(di, right, q3, s31, r7);
    }
    const auto store = [&](auto sum, auto rest, int64_t q, int64_t column) HWY_ATTR {
      StoreScaled(df, hn::RearrangeToOddPlusEven(sum, rest), column_step + column, query_step[q], sums + q * columns + column);
    };
    store(s00, r0, 0, c);
    store(s01, r1, 0, c + lanes);
    store(s10, r2, 1, c);
    store(s11, r3, 1, c + lanes);
    store(s20, r4, 2, c);
    store(s21, r5, 2, c + lanes);
    store(s30, r6, 3, c);
    store(s31, r7, 3, c + lanes);
  }
}

// Writes the places c of [0, count) where chosen(c, product of sum and scale) has lanes set, and these products.
template <class D, class Choose>
HWY_INLINE int64_t CollectChosen(D d, const float* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, int64_t count, int32_t first,
                                 int32_t* HWY_RESTRICT indices, float* HWY_RESTRICT products, Choose&& choose) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t found = 0;
  const auto chosen = [&](int64_t c) HWY_ATTR { return choose(c, hn::Mul(hn::LoadU(d, sums + c), hn::LoadU(d, scale + c))); };
  const auto collect = [&](int64_t c, auto mask) HWY_ATTR {
    uint64_t bits = 0;  // StoreMaskBits may write up to 8 bytes
    hn::StoreMaskBits(d, mask, reinterpret_cast<uint8_t*>(&bits));
    for (bits &= (uint64_t{1} << lanes) - 1; bits != 0; bits &= bits - 1) {
      const int64_t j = c + std::countr_zero(bits);
      indices[found] = first + static_cast<int32_t>(j);
      products[found] = sums[j] * scale[j];
      ++found;
    }
  };
  for (int64_t c = 0; c < count; c += 2 * lanes) {
    const auto left = chosen(c);
    const auto right = chosen(c + lanes);
    if (HWY_LIKELY(hn::AllFalse(d, hn::Or(left, right)))) continue;
    collect(c, left);
    collect(c + lanes, right);
  }
  return found;
}

int64_t CollectAboveImpl(const float* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, int64_t count, float threshold, int32_t first,
                         int32_t* HWY_RESTRICT indices, float* HWY_RESTRICT scores) {
  const hn::CappedTag<float, 16> d;
  const auto limit = hn::Set(d, threshold);
  return CollectChosen(d, sums, scale, count, first, indices, scores,
                       [&](int64_t, auto product) HWY_ATTR { return hn::Ge(product, limit); });
}

int64_t CollectPairsAboveImpl(const float* HWY_RESTRICT sums, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT column_thresholds,
                              int64_t count, float row_scale, float threshold, int32_t* HWY_RESTRICT columns,
                              float* HWY_RESTRICT products) {
  const hn::CappedTag<float, 16> d;
  const auto limit = hn::Set(d, threshold);
  const auto factor = hn::Set(d, row_scale);
  return CollectChosen(d, sums, scale, count, 0, columns, products, [&](int64_t c, auto product) HWY_ATTR {
    return hn::Or(hn::Ge(product, limit), hn::Ge(hn::Mul(product, factor), hn::LoadU(d, column_thresholds + c)));
  });
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(MultiplyHeadTileImpl);
HWY_EXPORT(MultiplyWideHeadTileImpl);
HWY_EXPORT(CollectAboveImpl);
HWY_EXPORT(CollectPairsAboveImpl);

void MultiplyHeadTile(const int8_t* queries, const float* query_step, const uint8_t* tile, const float* column_step, int64_t terms,
                      int64_t columns, float* sums) {
  HWY_DYNAMIC_DISPATCH(MultiplyHeadTileImpl)(queries, query_step, tile, column_step, terms, columns, sums);
}

void MultiplyWideHeadTile(const int16_t* queries, const float* query_step, const int16_t* tile, const float* column_step, int64_t terms,
                          int64_t columns, float* sums) {
  HWY_DYNAMIC_DISPATCH(MultiplyWideHeadTileImpl)(queries, query_step, tile, column_step, terms, columns, sums);
}

int64_t CollectAbove(const float* sums, const float* scale, int64_t count, float threshold, int32_t first, int32_t* indices,
                     float* scores) {
  return HWY_DYNAMIC_DISPATCH(CollectAboveImpl)(sums, scale, count, threshold, first, indices, scores);
}

int64_t CollectPairsAbove(const float* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale,
                          float threshold, int32_t* columns, float* products) {
  return HWY_DYNAMIC_DISPATCH(CollectPairsAboveImpl)(sums, scale, column_thresholds, count, row_scale, threshold, columns, products);
}

}  // namespace couponcast
#endif  // HWY_ONCE
