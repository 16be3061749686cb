#include "couponcast/kmeans_filter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "cluster/kmeans_check.h"
#include "cluster/kmeans_search.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans_filter.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

#include "cluster/squared_distance-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

HWY_INLINE void Measure(const KmeansFilter& filter, int64_t centroid, KmeansSearch* search) {
  if (centroid == search->guess) return;
  const auto c = static_cast<int32_t>(centroid);
  const float distance = SquaredDistance(search->point, filter.centroids + centroid * filter.dims, filter.dims);
  if (distance > search->best_distance || (distance == search->best_distance && c > search->best)) {
    search->second_distance = std::min(search->second_distance, distance);
    return;
  }
  search->second_distance = search->best_distance;
  search->best_distance = distance;
  search->best = c;
  filter.Narrow(search);
}

template <class D>
HWY_INLINE hn::Vec<D> BroadcastQuad(D d, const uint8_t* HWY_RESTRICT bytes) {
  int32_t quad = 0;
  hwy::CopyBytes<4>(bytes, &quad);
  return hn::BitCast(d, hn::Set(hn::Repartition<int32_t, D>(), quad));
}

// Eight points through all centroids.
void SearchImpl(const KmeansFilter& filter, KmeansSearch* HWY_RESTRICT searches) {
  const hn::CappedTag<int32_t, 16> di;
  const hn::Repartition<uint8_t, decltype(di)> du;
  const hn::Repartition<int8_t, decltype(di)> ds;
  const auto lanes = static_cast<int64_t>(hn::Lanes(di));
  const uint8_t* HWY_RESTRICT p0 = searches[0].codes;
  const uint8_t* HWY_RESTRICT p1 = searches[1].codes;
  const uint8_t* HWY_RESTRICT p2 = searches[2].codes;
  const uint8_t* HWY_RESTRICT p3 = searches[3].codes;
  const uint8_t* HWY_RESTRICT p4 = searches[4].codes;
  const uint8_t* HWY_RESTRICT p5 = searches[5].codes;
  const uint8_t* HWY_RESTRICT p6 = searches[6].codes;
  const uint8_t* HWY_RESTRICT p7 = searches[7].codes;
  for (int64_t c = 0; c < filter.columns; c += lanes) {
    const int8_t* HWY_RESTRICT panel = filter.panel + c / 16 * 16 * filter.bytes + c % 16 * 4;
    auto s0 = hn::LoadU(di, filter.starts + c);
    auto s1 = s0;
    auto s2 = s0;
    auto s3 = s0;
    auto s4 = s0;
    auto s5 = s0;
    auto s6 = s0;
    auto s7 = s0;
    for (int64_t b = 0; b < filter.bytes; b += 4) {
      const auto column = hn::LoadU(ds, panel + b * 16);
      s0 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p0 + b), column, s0);
      s1 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p1 + b), column, s1);
      s2 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p2 + b), column, s2);
      s3 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p3 + b), column, s3);
      s4 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p4 + b), column, s4);
      s5 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p5 + b), column, s5);
      s6 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p6 + b), column, s6);
      s7 = hn::SumOfMulQuadAccumulate(di, BroadcastQuad(du, p7 + b), column, s7);
    }
    const auto reaches = [&](auto sum, int64_t p) HWY_ATTR { return hn::Ge(sum, hn::Set(di, searches[p].threshold)); };
    const auto any01 = hn::Or(reaches(s0, 0), reaches(s1, 1));
    const auto any23 = hn::Or(reaches(s2, 2), reaches(s3, 3));
    const auto any45 = hn::Or(reaches(s4, 4), reaches(s5, 5));
    const auto any67 = hn::Or(reaches(s6, 6), reaches(s7, 7));
    if (hn::AllFalse(di, hn::Or(hn::Or(any01, any23), hn::Or(any45, any67)))) continue;
    HWY_ALIGN std::array<int32_t, 16> sums;
    const auto measure = [&](auto sum, int64_t p) HWY_ATTR {
      const auto mask = reaches(sum, p);
      if (hn::AllFalse(di, mask)) return;
      hn::Store(sum, di, sums.data());
      std::array<uint8_t, 8> bytes = {};
      hn::StoreMaskBits(di, mask, bytes.data());
      // The threshold rises with every nearer centroid.
      for (auto bits = static_cast<uint32_t>(bytes[0] | bytes[1] << 8); bits != 0; bits &= bits - 1) {
        const int lane = std::countr_zero(bits);
        if (sums[static_cast<size_t>(lane)] >= searches[p].threshold) Measure(filter, c + lane, searches + p);
      }
    };
    measure(s0, 0);
    measure(s1, 1);
    measure(s2, 2);
    measure(s3, 3);
    measure(s4, 4);
    measure(s5, 5);
    measure(s6, 6);
    measure(s7, 7);
  }
}

float DistanceImpl(const float* a, const float* b, int64_t dims) { return SquaredDistance(a, b, dims); }

void AddPointImpl(const float* HWY_RESTRICT point, int64_t dims, double weight, double* HWY_RESTRICT sums) {
  for (int64_t dim = 0; dim < dims; ++dim) sums[dim] += weight * static_cast<double>(point[dim]);
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(SearchImpl);
HWY_EXPORT(DistanceImpl);
HWY_EXPORT(AddPointImpl);

namespace {

Status CheckCodes(const KmeansCodes& codes, int64_t rows, int64_t dims, int64_t k, RowRange range) {
  if (dims > kKmeansCodeDims) return InvalidArgument("expected dims <= 16384 with codes");
  const int64_t bytes = KmeansCodeBytes(dims);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.codes.size(), rows * bytes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", codes.norms.size(), rows * 3));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("panel", codes.panel.size(), KmeansCodeColumns(k) * bytes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("starts", codes.starts.size(), KmeansCodeColumns(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", codes.scale.size(), 3));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lower", codes.lower.size(), range.size()));
  if (!(codes.scale[0] > 0)) return InvalidArgument("expected a unit > 0 of the codes");
  if (!(codes.shift >= 0) || !(codes.margin >= 0)) return InvalidArgument("expected shift >= 0 and margin >= 0");
  return {};
}

constexpr int64_t kFloatsPerChunk = int64_t{1} << 16;

KmeansSearch StartSearch(const KmeansCodes& codes, const float* point, int64_t row, const KmeansFilter& filter, int32_t guess,
                         float distance) {
  KmeansSearch search;
  search.point = point;
  search.codes = codes.codes.data() + row * filter.bytes;
  search.guess = search.best = guess;
  search.best_distance = distance;
  search.second_distance = std::numeric_limits<float>::infinity();
  const float* norm = codes.norms.data() + row * 3;
  const auto point_error = static_cast<double>(norm[0]);
  const auto length = static_cast<double>(norm[1]);
  const auto squared = static_cast<double>(norm[2]);
  // |x - c|^2 = |x - centre|^2 - 2 unit sum, but for: the error of the point times the centroid, the code of the point
  // times the error of the centroid (Cauchy-Schwarz both), a start that was rounded, and |x - centre|^2 that was.
  const double error =
      2 * (point_error * codes.scale[1] + length * codes.scale[2]) * (1 + 1e-6) + 4 * filter.unit + squared * 4 * filter.error;
  search.offset = squared - error;
  filter.Narrow(&search);
  return search;
}

// A lower bound of the distance to all other centroids, from what a search has seen; 0 where nothing is known.
float LowerBound(const KmeansFilter& filter, const KmeansSearch& search) {
  const double second = static_cast<double>(search.second_distance) * (1 - filter.error);
  const double bound = std::sqrt(std::min(search.reach, second)) * (1 - 0x1p-20);
  return bound > 0 && std::isfinite(bound) ? static_cast<float>(bound) : 0.0F;
}

}  // namespace

Status KmeansAssignFiltered(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                            const KmeansCodes& codes, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                            std::span<float> distances, KmeansPartial* partial) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, range));
  int64_t k = 0;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &k));
  COUPONCAST_RETURN_IF_ERROR(CheckCodes(codes, static_cast<int64_t>(points.size()) / dims, dims, k, range));
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansOutputs(k, dims, range, labels, distances, partial));
  KmeansFilter filter;
  filter.centroids = centroids.data();
  filter.panel = codes.panel.data();
  filter.starts = codes.starts.data();
  filter.dims = dims;
  filter.bytes = KmeansCodeBytes(dims);
  filter.columns = KmeansCodeColumns(k);
  filter.unit = codes.scale[0];
  filter.margin = codes.margin;
  filter.error = 2 * KmeansDistanceError(dims);
  const auto search_all = HWY_DYNAMIC_POINTER(SearchImpl);
  const auto distance_to = HWY_DYNAMIC_POINTER(DistanceImpl);
  const auto add_point = HWY_DYNAMIC_POINTER(AddPointImpl);
  std::array<KmeansSearch, kKmeansPointsAtOnce> searches;
  int64_t waiting = 0;
  const auto finish = [&] {
    if (waiting == 0) return;
    // Places that nobody waits in: the same point again, which nothing reaches.
    for (int64_t p = waiting; p < kKmeansPointsAtOnce; ++p) {
      searches[static_cast<size_t>(p)] = searches[0];
      searches[static_cast<size_t>(p)].threshold = std::numeric_limits<int32_t>::max();
    }
    search_all(filter, searches.data());
    for (int64_t p = 0; p < waiting; ++p) {
      const KmeansSearch& search = searches[static_cast<size_t>(p)];
      const auto at = static_cast<size_t>(search.place);
      labels[at] = search.best;
      distances[at] = search.best_distance;
      codes.lower[at] = LowerBound(filter, search);
    }
    waiting = 0;
  };
  // Points are read for the distance and for the sums: few enough at a time to be in the cache for both.
  const int64_t chunk = std::clamp<int64_t>(kFloatsPerChunk / dims, 64, 1024);
  const int64_t rows_per_poll = std::max<int64_t>(1, 8 * kKmeansWorkPerPoll / (k * dims));
  for (int64_t begin = 0; begin < range.size(); begin += chunk) {
    const int64_t end = std::min(begin + chunk, range.size());
    for (int64_t place = begin; place < end; ++place) {
      if (place % rows_per_poll == 0 && cancel.IsSet()) return Cancelled();
      const auto at = static_cast<size_t>(place);
      const int32_t guess = labels[at];
      if (guess < 0 || guess >= k) return InvalidArgument("expected labels in [0, k) to start from");
      const int64_t row = range.begin + place;
      const float* point = points.data() + row * dims;
      distances[at] = distance_to(point, centroids.data() + guess * dims, dims);
      const double lower = static_cast<double>(codes.lower[at]) - codes.shift;
      if (lower > 0 && std::sqrt(filter.Farther(distances[at])) < lower * (1 - filter.error)) {
        codes.lower[at] = static_cast<float>(lower * (1 - 0x1p-20));
        continue;
      }
      KmeansSearch& search = searches[static_cast<size_t>(waiting++)];
      search = StartSearch(codes, point, row, filter, guess, distances[at]);
      search.place = place;
      if (waiting == kKmeansPointsAtOnce) finish();
    }
    finish();
    // In the order of the points, whichever were searched: the sums of KmeansAssign.
    for (int64_t place = begin; place < end; ++place) {
      const auto at = static_cast<size_t>(place);
      const int64_t row = range.begin + place;
      const auto label = static_cast<size_t>(labels[at]);
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<size_t>(row)]);
      partial->inertia += weight * static_cast<double>(distances[at]);
      partial->weights[label] += weight;
      ++partial->counts[label];
      add_point(points.data() + row * dims, dims, weight, partial->sums.data() + static_cast<int64_t>(label) * dims);
    }
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
