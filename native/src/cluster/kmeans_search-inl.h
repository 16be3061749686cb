// The search of columns of centroids by points side by side: sums of byte products, of which those that reach a point's
// threshold are measured.
#if defined(COUPONCAST_CLUSTER_KMEANS_SEARCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUPONCAST_CLUSTER_KMEANS_SEARCH_INL_H_
#undef COUPONCAST_CLUSTER_KMEANS_SEARCH_INL_H_
#else
#define COUPONCAST_CLUSTER_KMEANS_SEARCH_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>

#include "cluster/kmeans_search.h"
#include "cluster/squared_distance-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {

using SumsTag = hn::CappedTag<int32_t, kKmeansTile>;

template <class D>
HWY_INLINE hn::Vec<D> BroadcastQuad(D d, const int8_t* HWY_RESTRICT bytes) {
  int32_t quad = 0;
  hwy::CopyBytes<4>(bytes, &quad);
  return hn::BitCast(d, hn::Set(hn::Repartition<int32_t, D>(), quad));
}

// Calls use(column, sums of that column, of the next, ...) for four columns at a time of [begin, end), once for the points
// in the lanes behind `x` and once for those behind `y`.
template <class UseX, class UseY>
HWY_INLINE void SumColumns(const KmeansFilter& filter, const uint8_t* HWY_RESTRICT x, const uint8_t* HWY_RESTRICT y, int64_t begin,
                           int64_t end, const UseX& use_x, const UseY& use_y) {
  const SumsTag di;
  const hn::Repartition<uint8_t, SumsTag> du;
  const hn::Repartition<int8_t, SumsTag> ds;
  for (int64_t c = begin; c < end; c += kKmeansColumnsAtOnce) {
    const int8_t* HWY_RESTRICT panel = filter.panel + c * filter.bytes;
    auto x0 = hn::Set(di, filter.starts[c]);
    auto x1 = hn::Set(di, filter.starts[c + 1]);
    auto x2 = hn::Set(di, filter.starts[c + 2]);
    auto x3 = hn::Set(di, filter.starts[c + 3]);
    auto y0 = x0;
    auto y1 = x1;
    auto y2 = x2;
    auto y3 = x3;
    for (int64_t b = 0; b < filter.bytes; b += 4) {
      const auto xs = hn::LoadU(du, x + b * kKmeansTile);
      const auto ys = hn::LoadU(du, y + b * kKmeansTile);
      const auto q0 = BroadcastQuad(ds, panel + b * kKmeansColumnsAtOnce);
      const auto q1 = BroadcastQuad(ds, panel + b * kKmeansColumnsAtOnce + 4);
      const auto q2 = BroadcastQuad(ds, panel + b * kKmeansColumnsAtOnce + 8);
      const auto q3 = BroadcastQuad(ds, panel + b * kKmeansColumnsAtOnce + 12);
      x0 = hn::SumOfMulQuadAccumulate(di, xs, q0, x0);
      x1 = hn::SumOfMulQuadAccumulate(di, xs, q1, x1);
      x2 = hn::SumOfMulQuadAccumulate(di, xs, q2, x2);
      x3 = hn::SumOfMulQuadAccumulate(di, xs, q3, x3);
      y0 = hn::SumOfMulQuadAccumulate(di, ys, q0, y0);
      y1 = hn::SumOfMulQuadAccumulate(di, ys, q1, y1);
      y2 = hn::SumOfMulQuadAccumulate(di, ys, q2, y2);
      y3 = hn::SumOfMulQuadAccumulate(di, ys, q3, y3);
    }
    use_x(c, x0, x1, x2, x3);
    use_y(c, y0, y1, y2, y3);
  }
}

HWY_INLINE const uint8_t* CodesOfLanes(const KmeansTiles& tiles, int64_t lane) {
  return tiles.codes[static_cast<size_t>(lane / kKmeansTile)] + lane % kKmeansTile * 4;
}

// Columns of the largest sums: near enough to start from.
HWY_INLINE void GuessColumns(const KmeansFilter& filter, KmeansTiles& tiles) {
  const SumsTag di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  for (int64_t v = 0; v < kKmeansPointsAtOnce; v += 2 * lanes) {
    auto best_x = hn::Set(di, std::numeric_limits<int32_t>::min());
    auto best_y = best_x;
    auto column_x = hn::Zero(di);
    auto column_y = column_x;
    const auto larger = [&](int64_t c, auto sums, auto& best, auto& column) HWY_ATTR {
      column = hn::IfThenElse(hn::Gt(sums, best), hn::Set(di, static_cast<int32_t>(c)), column);
      best = hn::Max(sums, best);
    };
    SumColumns(
        filter, CodesOfLanes(tiles, v), CodesOfLanes(tiles, v + lanes), 0, filter.num_columns,
        [&](int64_t c, auto s0, auto s1, auto s2, auto s3) HWY_ATTR {
          larger(c, s0, best_x, column_x);
          larger(c + 1, s1, best_x, column_x);
          larger(c + 2, s2, best_x, column_x);
          larger(c + 3, s3, best_x, column_x);
        },
        [&](int64_t c, auto s0, auto s1, auto s2, auto s3) HWY_ATTR {
          larger(c, s0, best_y, column_y);
          larger(c + 1, s1, best_y, column_y);
          larger(c + 2, s2, best_y, column_y);
          larger(c + 3, s3, best_y, column_y);
        });
    hn::Store(column_x, di, tiles.own.data() + v);
    hn::Store(column_y, di, tiles.own.data() + v + lanes);
  }
}

// Measures the point of a lane at a centroid.
HWY_INLINE void Measure(const KmeansFilter& filter, KmeansChunk& chunk, KmeansTiles& tiles, size_t lane, int32_t centroid) {
  const int32_t i = tiles.places[lane];
  const float squared = SquaredDistance(chunk.points + i * filter.dims, filter.centroids + int64_t{centroid} * filter.dims, filter.dims);
  float& best = chunk.distances[i];
  int32_t& label = chunk.labels[i];
  if (squared > best || (squared == best && centroid > label)) {
    tiles.seconds[lane] = std::min(tiles.seconds[lane], squared);
    return;
  }
  tiles.seconds[lane] = std::min(tiles.seconds[lane], best);
  label = centroid;
  best = squared;
  chunk.thresholds[i] = filter.Threshold(chunk.offsets[i], squared);
  tiles.thresholds[lane] = chunk.thresholds[i];
}

// Measures what reaches the threshold among the sums of column c for lanes from `v` on; returns the sums without what was
// measured.
template <class V>
HWY_NOINLINE V MeasureHits(const KmeansFilter& filter, KmeansChunk& chunk, KmeansTiles& tiles, int64_t v, int64_t c, V sums) {
  const SumsTag di;
  const auto thresholds = hn::Load(di, tiles.thresholds.data() + v);
  std::array<uint8_t, 8> bytes = {};
  hn::StoreMaskBits(di, hn::Ge(sums, thresholds), bytes.data());
  auto bits = static_cast<uint32_t>(bytes[0] | bytes[1] << 8);
  if (bits == 0) return sums;
  alignas(64) std::array<int32_t, kKmeansTile> kept = {};
  hn::Store(sums, di, kept.data());
  for (; bits != 0; bits &= bits - 1) {
    const auto at = static_cast<size_t>(std::countr_zero(bits));
    Measure(filter, chunk, tiles, static_cast<size_t>(v) + at, filter.order[c]);
    kept[at] = std::numeric_limits<int32_t>::min();
  }
  return hn::Load(di, kept.data());
}

// Looks for nearer centroids among columns [begin, end), the own ones aside.
HWY_INLINE void SearchColumns(const KmeansFilter& filter, KmeansChunk& chunk, KmeansTiles& tiles, int64_t begin, int64_t end) {
  const SumsTag di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  const auto lowest = hn::Set(di, std::numeric_limits<int32_t>::min());
  for (int64_t v = 0; v < kKmeansPointsAtOnce; v += 2 * lanes) {
    const auto own_x = hn::Load(di, tiles.own.data() + v);
    const auto own_y = hn::Load(di, tiles.own.data() + v + lanes);
    auto threshold_x = hn::Load(di, tiles.thresholds.data() + v);
    auto threshold_y = hn::Load(di, tiles.thresholds.data() + v + lanes);
    auto largest_x = lowest;
    auto largest_y = lowest;
    const auto settle = [&](int64_t c, int64_t from, auto own, auto s0, auto s1, auto s2, auto s3, auto& threshold, auto& largest)
                            HWY_ATTR {
                              const auto column = hn::Sub(own, hn::Set(di, static_cast<int32_t>(c)));
                              s0 = hn::IfThenElse(hn::Eq(column, hn::Zero(di)), lowest, s0);
                              s1 = hn::IfThenElse(hn::Eq(column, hn::Set(di, 1)), lowest, s1);
                              s2 = hn::IfThenElse(hn::Eq(column, hn::Set(di, 2)), lowest, s2);
                              s3 = hn::IfThenElse(hn::Eq(column, hn::Set(di, 3)), lowest, s3);
                              auto most = hn::Max(hn::Max(s0, s1), hn::Max(s2, s3));
                              if (!hn::AllFalse(di, hn::Ge(most, threshold))) {
                                // The threshold rises with every nearer centroid.
                                s0 = MeasureHits(filter, chunk, tiles, from, c, s0);
                                s1 = MeasureHits(filter, chunk, tiles, from, c + 1, s1);
                                s2 = MeasureHits(filter, chunk, tiles, from, c + 2, s2);
                                s3 = MeasureHits(filter, chunk, tiles, from, c + 3, s3);
                                most = hn::Max(hn::Max(s0, s1), hn::Max(s2, s3));
                                threshold = hn::Load(di, tiles.thresholds.data() + from);
                              }
                              largest = hn::Max(largest, most);
                            };
    SumColumns(
        filter, CodesOfLanes(tiles, v), CodesOfLanes(tiles, v + lanes), begin, end,
        [&](int64_t c, auto s0, auto s1, auto s2, auto s3) HWY_ATTR { settle(c, v, own_x, s0, s1, s2, s3, threshold_x, largest_x); },
        [&](int64_t c, auto s0, auto s1, auto s2, auto s3)
            HWY_ATTR { settle(c, v + lanes, own_y, s0, s1, s2, s3, threshold_y, largest_y); });
    hn::Store(largest_x, di, tiles.largest.data() + v);
    hn::Store(largest_y, di, tiles.largest.data() + v + lanes);
  }
}

// Lowers the bounds of the points by what they have seen.
HWY_INLINE void LowerBounds(const KmeansFilter& filter, KmeansChunk& chunk, const KmeansTiles& tiles) {
  const hn::CappedTag<float, kKmeansTile> d;
  const SumsTag di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  alignas(64) std::array<float, kKmeansPointsAtOnce> bounds = {};
  for (int64_t v = 0; v < kKmeansPointsAtOnce; v += lanes) {
    const auto sum = hn::ConvertTo(d, hn::Load(di, tiles.largest.data() + v));
    const auto squared = hn::Sub(hn::Load(d, tiles.offsets.data() + v), hn::Mul(hn::Set(d, filter.unit), sum));
    const auto measured = hn::Mul(hn::Load(d, tiles.seconds.data() + v), hn::Set(d, 1 - filter.error));
    const auto bound = hn::Sqrt(hn::Max(hn::Zero(d), hn::Min(squared, measured)));
    hn::Store(hn::Mul(bound, hn::Set(d, kKmeansRoundDown)), d, bounds.data() + v);
  }
  for (int64_t lane = 0; lane < tiles.size; ++lane) {
    float& lower = chunk.lower[tiles.places[static_cast<size_t>(lane)]];
    lower = std::min(lower, bounds[static_cast<size_t>(lane)]);
  }
}

}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // COUPONCAST_CLUSTER_KMEANS_SEARCH_INL_H_
