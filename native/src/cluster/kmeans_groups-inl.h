// The steps of the filtered assignment of a chunk of points: which groups of centroids may hold a nearer one, the search
// of a group, the sums.
#if defined(COUPONCAST_CLUSTER_KMEANS_GROUPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUPONCAST_CLUSTER_KMEANS_GROUPS_INL_H_
#undef COUPONCAST_CLUSTER_KMEANS_GROUPS_INL_H_
#else
#define COUPONCAST_CLUSTER_KMEANS_GROUPS_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>

#include "cluster/kmeans_groups.h"
#include "cluster/squared_distance-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {

// Points to fetch into the cache beforehand.
inline constexpr int64_t kRowsAhead = 16;

// Measures the points at the centroids of their labels. Returns false for a label outside [0, k).
HWY_INLINE bool MeasureLabels(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk) {
  for (int64_t i = 0; i < chunk.size; ++i) {
    const int32_t label = chunk.labels[i];
    if (label < 0 || label >= filter.k) return false;
    for (int64_t line = 0; line < filter.dims; line += 16) hwy::Prefetch(chunk.points + (i + kRowsAhead) * filter.dims + line);
    chunk.distances[i] = SquaredDistance(chunk.points + i * filter.dims, filter.centroids + label * filter.dims, filter.dims);
  }
  return true;
}

// Sets reaches, offsets and thresholds.
HWY_INLINE void StartSearches(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk) {
  for (int64_t i = 0; i < chunk.size; ++i) {
    chunk.reaches[i] = std::sqrt(chunk.distances[i] * (1 + filter.error) + filter.tiny) * kKmeansRoundUp;
    const std::array<float, 3> norm = {chunk.norms[0][i], chunk.norms[1][i], chunk.norms[2][i]};
    // |x - c|^2 = |x - centre|^2 - unit sum, but for: the error of the point times the centroid, the code of the point
    // times the error of the centroid (Cauchy-Schwarz both), a start that was rounded, and the rounding of all this.
    const float error = 2 * (norm[0] * filter.radius + norm[1] * filter.centroid_error) * kKmeansRoundUp + 2 * filter.unit +
                        norm[2] * 4 * filter.error + (norm[2] + filter.radius * filter.radius) * 0x1p-18F;
    chunk.offsets[i] = norm[2] - error;
    chunk.thresholds[i] = filter.Threshold(chunk.offsets[i], chunk.distances[i]);
  }
}

// Bit g of a point: a centroid of group g may be as near as its reach.
HWY_INLINE void FindGroups(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk) {
  const hn::CappedTag<float, 8> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, kKmeansRoundDown * (1 - filter.error));
  for (int64_t i = 0; i < chunk.size; ++i) {
    const float* HWY_RESTRICT lower = chunk.lower + i * filter.stride;
    const auto reach = hn::Set(d, chunk.reaches[i]);
    uint32_t groups = 0;
    for (int64_t g = 0; g < filter.stride; g += lanes) {
      const auto bound = hn::Mul(hn::Sub(hn::LoadU(d, lower + g), hn::LoadU(d, filter.drifts + g)), factor);
      std::array<uint8_t, 8> bits = {};
      hn::StoreMaskBits(d, hn::Not(hn::Gt(bound, reach)), bits.data());
      groups |= static_cast<uint32_t>(bits[0]) << g;
    }
    chunk.groups[i] = static_cast<int32_t>(groups);
  }
}

// Lists the points that must look into a group; returns how many.
HWY_INLINE int64_t ListWaiting(KmeansGroupChunk& chunk, int64_t group) {
  const hn::CappedTag<int32_t, 16> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  const auto bit = hn::Set(di, 1 << group);
  int64_t count = 0;
  for (int64_t i = 0; i < chunk.size; i += lanes) {
    const auto places = hn::Iota(di, static_cast<int32_t>(i));
    const auto size = hn::Set(di, static_cast<int32_t>(chunk.size));
    const auto waits = hn::And(hn::TestBit(hn::Load(di, chunk.groups + i), bit), hn::Lt(places, size));
    count += static_cast<int64_t>(hn::CompressStore(places, waits, di, chunk.waiting + count));
  }
  return count;
}

// Measures a centroid of `group`; `second` becomes the smallest squared distance in the group that is not the best.
HWY_INLINE void Measure(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk, int64_t i, int64_t group, int32_t centroid,
                        float* second) {
  const float squared = SquaredDistance(chunk.points + i * filter.dims, filter.centroids + int64_t{centroid} * filter.dims, filter.dims);
  const int32_t label = chunk.labels[i];
  const float best = chunk.distances[i];
  if (squared > best || (squared == best && centroid > label)) {
    *second = std::min(*second, squared);
    return;
  }
  const int64_t from = filter.columns[label] / filter.group_columns;
  if (from == group) {
    *second = std::min(*second, best);
  } else {
    float& bound = chunk.lower[i * filter.stride + from];
    bound = std::min(bound, filter.LowerOf(best, from));
  }
  chunk.labels[i] = centroid;
  chunk.distances[i] = squared;
  chunk.thresholds[i] = filter.Threshold(chunk.offsets[i], squared);
}

template <class D>
HWY_INLINE hn::Vec<D> BroadcastQuad(D d, const uint8_t* HWY_RESTRICT bytes) {
  int32_t quad = 0;
  hwy::CopyBytes<4>(bytes, &quad);
  return hn::BitCast(d, hn::Set(hn::Repartition<int32_t, D>(), quad));
}

// Sums of products of eight points with the columns of a group.
HWY_INLINE void GroupSums(const KmeansGroupFilter& filter, const std::array<const uint8_t*, kKmeansGroupPoints>& codes, int64_t group,
                          int32_t* HWY_RESTRICT sums) {
  const hn::CappedTag<int32_t, 16> di;
  const hn::Repartition<uint8_t, decltype(di)> du;
  const hn::Repartition<int8_t, decltype(di)> ds;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  const int64_t columns = filter.group_columns;
  for (int64_t c = 0; c < columns; c += lanes) {
    const int64_t column = group * columns + c;
    const int8_t* HWY_RESTRICT panel = filter.panel + column / 16 * 16 * filter.bytes + column % 16 * 4;
    auto s0 = hn::LoadU(di, filter.starts + column);
    auto s1 = s0;
    auto s2 = s0;
    auto s3 = s0;
    auto s4 = s0;
    auto s5 = s0;
    auto s6 = s0;
    auto s7 = s0;
    for (int64_t b = 0; b < filter.bytes; b += 4) {
      const auto quads = hn::LoadU(ds, panel + b * 16);
      s0 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[0] + b * kKmeansTile), quads, s0);
      s1 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[1] + b * kKmeansTile), quads, s1);
      s2 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[2] + b * kKmeansTile), quads, s2);
      s3 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[3] + b * kKmeansTile), quads, s3);
      s4 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[4] + b * kKmeansTile), quads, s4);
      s5 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[5] + b * kKmeansTile), quads, s5);
      s6 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[6] + b * kKmeansTile), quads, s6);
      s7 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, codes[7] + b * kKmeansTile), quads, s7);
    }
    hn::StoreU(s0, di, sums + c);
    hn::StoreU(s1, di, sums + columns + c);
    hn::StoreU(s2, di, sums + 2 * columns + c);
    hn::StoreU(s3, di, sums + 3 * columns + c);
    hn::StoreU(s4, di, sums + 4 * columns + c);
    hn::StoreU(s5, di, sums + 5 * columns + c);
    hn::StoreU(s6, di, sums + 6 * columns + c);
    hn::StoreU(s7, di, sums + 7 * columns + c);
  }
}

// Labels of the largest sums: near enough to start from.
HWY_INLINE void GuessLabels(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk) {
  const hn::CappedTag<int32_t, 16> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  for (int64_t begin = 0; begin < chunk.size; begin += kKmeansGroupPoints) {
    const int64_t size = std::min(kKmeansGroupPoints, chunk.size - begin);
    std::array<const uint8_t*, kKmeansGroupPoints> codes;
    for (int64_t p = 0; p < kKmeansGroupPoints; ++p)
      codes[static_cast<size_t>(p)] = chunk.CodeOf(begin + std::min(p, size - 1), filter.bytes);
    std::array<int32_t, kKmeansGroupPoints> best;
    best.fill(std::numeric_limits<int32_t>::min());
    for (int64_t group = 0; group < filter.groups; ++group) {
      GroupSums(filter, codes, group, chunk.sums);
      for (int64_t p = 0; p < size; ++p) {
        const int32_t* HWY_RESTRICT sums = chunk.sums + p * filter.group_columns;
        auto largest = hn::LoadU(di, sums);
        for (int64_t c = lanes; c < filter.group_columns; c += lanes) largest = hn::Max(largest, hn::LoadU(di, sums + c));
        const int32_t sum = hn::ReduceMax(di, largest);
        if (sum <= best[static_cast<size_t>(p)]) continue;
        best[static_cast<size_t>(p)] = sum;
        chunk.labels[begin + p] = filter.order[group * filter.group_columns + (std::find(sums, sums + filter.group_columns, sum) - sums)];
      }
    }
  }
}

// Measures the centroids of a group whose sums reach the threshold of point i, the label's aside. Returns the largest sum
// of those that were not measured.
HWY_INLINE int32_t MeasureGroup(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk, int64_t i, int64_t group,
                                int32_t* HWY_RESTRICT sums, float* second) {
  const hn::CappedTag<int32_t, 16> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  const int64_t columns = filter.group_columns;
  const int64_t first = group * columns;
  const auto own = hn::Set(di, static_cast<int32_t>(filter.columns[chunk.labels[i]] - first));
  const auto lowest = hn::Set(di, std::numeric_limits<int32_t>::min());
  const auto others = [&](int64_t c) HWY_ATTR {
    return hn::IfThenElse(hn::Eq(hn::Iota(di, static_cast<int32_t>(c)), own), lowest, hn::LoadU(di, sums + c));
  };
  auto largest = others(0);
  for (int64_t c = lanes; c < columns; c += lanes) largest = hn::Max(largest, others(c));
  if (hn::AllFalse(di, hn::Ge(largest, hn::Set(di, chunk.thresholds[i])))) return hn::ReduceMax(di, largest);
  largest = lowest;
  for (int64_t c = 0; c < columns; c += lanes) {
    const auto these = others(c);
    std::array<uint8_t, 8> bytes = {};
    hn::StoreMaskBits(di, hn::Ge(these, hn::Set(di, chunk.thresholds[i])), bytes.data());
    auto bits = static_cast<uint32_t>(bytes[0] | bytes[1] << 8);
    if (bits == 0) {
      largest = hn::Max(largest, these);
      continue;
    }
    hn::StoreU(these, di, sums + c);
    for (; bits != 0; bits &= bits - 1) {
      const int lane = std::countr_zero(bits);
      // The threshold rises with every nearer centroid.
      if (sums[c + lane] < chunk.thresholds[i]) continue;
      Measure(filter, chunk, i, group, filter.order[first + c + lane], second);
      sums[c + lane] = std::numeric_limits<int32_t>::min();
    }
    largest = hn::Max(largest, hn::LoadU(di, sums + c));
  }
  return hn::ReduceMax(di, largest);
}

// All that wait for a group, eight at a time.
HWY_INLINE void SearchGroup(const KmeansGroupFilter& filter, KmeansGroupChunk& chunk, int64_t group) {
  const hn::CappedTag<float, 8> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int32_t* places = chunk.waiting;
  const int64_t count = ListWaiting(chunk, group);
  const float drift = filter.drifts[group];
  for (int64_t begin = 0; begin < count; begin += kKmeansGroupPoints) {
    const int64_t size = std::min(kKmeansGroupPoints, count - begin);
    std::array<const uint8_t*, kKmeansGroupPoints> codes;
    for (int64_t p = 0; p < kKmeansGroupPoints; ++p)
      codes[static_cast<size_t>(p)] = chunk.CodeOf(places[begin + std::min(p, size - 1)], filter.bytes);
    GroupSums(filter, codes, group, chunk.sums);
    HWY_ALIGN std::array<int32_t, kKmeansGroupPoints> largest = {};
    HWY_ALIGN std::array<float, kKmeansGroupPoints> seconds = {};
    HWY_ALIGN std::array<float, kKmeansGroupPoints> bounds = {};
    for (int64_t p = 0; p < size; ++p) {
      const auto at = static_cast<size_t>(p);
      const int32_t i = places[begin + p];
      bounds[at] = chunk.offsets[i];
      seconds[at] = std::numeric_limits<float>::infinity();
      largest[at] = MeasureGroup(filter, chunk, i, group, chunk.sums + p * filter.group_columns, &seconds[at]);
    }
    for (int64_t p = 0; p < kKmeansGroupPoints; p += lanes) {
      const auto at = static_cast<size_t>(p);
      const auto sum = hn::ConvertTo(d, hn::Load(di, largest.data() + at));
      const auto squared = hn::Sub(hn::Load(d, bounds.data() + at), hn::Mul(hn::Set(d, filter.unit), sum));
      const auto measured = hn::Mul(hn::Load(d, seconds.data() + at), hn::Set(d, 1 - filter.error));
      const auto bound = hn::Sqrt(hn::Max(hn::Zero(d), hn::Min(squared, measured)));
      const auto down = hn::Set(d, kKmeansRoundDown);
      hn::Store(hn::Mul(hn::Add(hn::Mul(bound, down), hn::Set(d, drift)), down), d, bounds.data() + at);
    }
    for (int64_t p = 0; p < size; ++p) chunk.lower[places[begin + p] * filter.stride + group] = bounds[static_cast<size_t>(p)];
  }
}

HWY_INLINE void AddPoint(const float* HWY_RESTRICT point, int64_t dims, double weight, double* HWY_RESTRICT sums) {
  for (int64_t dim = 0; dim < dims; ++dim) sums[dim] += weight * static_cast<double>(point[dim]);
}

}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // COUPONCAST_CLUSTER_KMEANS_GROUPS_INL_H_
