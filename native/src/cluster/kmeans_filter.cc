#include "couponcast/kmeans_filter.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "cluster/kmeans_check.h"
#include "cluster/kmeans_search.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans_filter.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "cluster/kmeans_search-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

// Points to fetch into the cache beforehand.
constexpr int64_t kRowsAhead = 16;

// Measures the points at the centroids of their labels. Returns false for a label outside [0, k).
bool MeasureLabels(const KmeansFilter& filter, KmeansChunk& chunk) {
  for (int64_t i = 0; i < chunk.size; ++i) {
    const int32_t label = chunk.labels[i];
    if (label < 0 || label >= filter.k) return false;
    for (int64_t line = 0; line < filter.dims; line += 16) hwy::Prefetch(chunk.points + (i + kRowsAhead) * filter.dims + line);
    chunk.distances[i] = SquaredDistance(chunk.points + i * filter.dims, filter.centroids + label * filter.dims, filter.dims);
  }
  return true;
}

// Sets reaches, offsets and thresholds.
void StartSearches(const KmeansFilter& filter, KmeansChunk& chunk) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto times = [&](auto values, float factor) HWY_ATTR { return hn::Mul(values, hn::Set(d, factor)); };
  for (int64_t i = 0; i < chunk.size; i += lanes) {
    const auto left = static_cast<size_t>(std::min(lanes, chunk.size - i));
    const auto farther = hn::Add(times(hn::LoadN(d, chunk.distances + i, left), 1 + filter.error), hn::Set(d, filter.tiny));
    hn::StoreU(times(hn::Sqrt(farther), kKmeansRoundUp), d, chunk.reaches + i);
    const auto point_error = hn::LoadN(d, chunk.norms[0] + i, left);
    const auto length = hn::LoadN(d, chunk.norms[1] + i, left);
    const auto square = hn::LoadN(d, chunk.norms[2] + i, left);
    // |x - c|^2 = |x - centre|^2 - unit sum, but for: the error of the point times the centroid, the code of the point
    // times the error of the centroid (Cauchy-Schwarz both), a start that was rounded, and the rounding of all this.
    const auto products = hn::Add(times(point_error, filter.radius), times(length, filter.centroid_error));
    const auto rounding =
        hn::Add(times(square, 4 * filter.error), times(hn::Add(square, hn::Set(d, filter.radius * filter.radius)), 0x1p-18F));
    const auto error = hn::Add(hn::Add(times(products, 2 * kKmeansRoundUp), hn::Set(d, 2 * filter.unit)), rounding);
    const auto offset = hn::Sub(square, error);
    hn::StoreU(offset, d, chunk.offsets + i);
    const auto threshold = hn::Sub(times(hn::Sub(offset, farther), filter.inverse_unit), hn::Set(d, 2));
    const auto limit = hn::Set(d, 0x1p30F);
    const auto usable = hn::RebindMask(di, hn::Gt(threshold, hn::Neg(limit)));
    hn::StoreU(hn::IfThenElse(usable, hn::ConvertTo(di, hn::Min(threshold, limit)), hn::Set(di, KmeansFilter::kAll)), di,
               chunk.thresholds + i);
  }
}

// How many columns all points look at; see HotColumns.
int64_t ChooseHot(const KmeansFilter& filter, const KmeansChunk& chunk) {
  constexpr size_t kSample = 64;
  std::array<float, kSample> slack = {};
  const int64_t step = std::max<int64_t>(1, chunk.size / static_cast<int64_t>(kSample));
  size_t size = 0;
  for (int64_t i = 0; i < chunk.size && size < kSample; i += step) {
    const float left = chunk.lower[i] - chunk.reaches[i];
    slack[size++] = left > 0 ? left : -1;
  }
  return HotColumns(filter, std::span(slack).first(size));
}

// Lists the points whose bound does not rule out columns [hot, num_columns); loosens the bounds of the others.
int64_t ListOpen(const KmeansFilter& filter, KmeansChunk& chunk, int64_t hot) {
  int64_t count = 0;
  const bool none = hot == filter.num_columns;
  const float move = none ? 0 : filter.moves[hot];
  for (int64_t i = 0; i < chunk.size; ++i) {
    const float bound = (chunk.lower[i] - move) * (kKmeansRoundDown * (1 - filter.error));
    const bool closed = !none && bound > chunk.reaches[i];
    chunk.open[count] = static_cast<int32_t>(i);
    count += closed || none ? 0 : 1;
    chunk.lower[i] = closed ? bound : std::numeric_limits<float>::infinity();
  }
  return count;
}

void LoadTiles(const KmeansFilter& filter, const KmeansChunk& chunk, KmeansTiles& tiles) {
  for (size_t lane = 0; lane < tiles.places.size(); ++lane) {
    const bool here = static_cast<int64_t>(lane) < tiles.size;
    const int32_t i = here ? tiles.places[lane] : 0;
    tiles.thresholds[lane] = here ? chunk.thresholds[i] : KmeansFilter::kNone;
    tiles.offsets[lane] = here ? chunk.offsets[i] : 0;
    tiles.own[lane] = here ? filter.columns[chunk.labels[i]] : -1;
    tiles.seconds[lane] = std::numeric_limits<float>::infinity();
  }
}

// The points from `begin` on, where they lie.
void TakeInOrder(const KmeansFilter& filter, const KmeansChunk& chunk, int64_t begin, KmeansTiles& tiles) {
  tiles.size = std::min(kKmeansPointsAtOnce, chunk.size - begin);
  for (size_t lane = 0; lane < tiles.places.size(); ++lane) tiles.places[lane] = static_cast<int32_t>(begin) + static_cast<int32_t>(lane);
  tiles.codes[0] = chunk.codes + begin * filter.bytes;
  tiles.codes[1] = tiles.codes[0] + (tiles.size > kKmeansTile ? kKmeansTile * filter.bytes : 0);
}

// Open points from `begin` on; copies their codes.
void TakeOpen(const KmeansFilter& filter, const KmeansChunk& chunk, int64_t begin, int64_t count, KmeansTiles& tiles) {
  tiles.size = std::min(kKmeansPointsAtOnce, count - begin);
  tiles.codes = {chunk.gathered, chunk.gathered + kKmeansTile * filter.bytes};
  for (int64_t lane = 0; lane < tiles.size; ++lane) {
    const int32_t i = chunk.open[begin + lane];
    tiles.places[static_cast<size_t>(lane)] = i;
    const uint8_t* HWY_RESTRICT from = chunk.codes + i / kKmeansTile * kKmeansTile * filter.bytes + i % kKmeansTile * 4;
    uint8_t* HWY_RESTRICT to = chunk.gathered + lane / kKmeansTile * kKmeansTile * filter.bytes + lane % kKmeansTile * 4;
    for (int64_t b = 0; b < filter.bytes; b += 4) hwy::CopyBytes<4>(from + b * kKmeansTile, to + b * kKmeansTile);
  }
}

void Search(const KmeansFilter& filter, KmeansChunk& chunk, KmeansTiles& tiles, int64_t begin, int64_t end) {
  LoadTiles(filter, chunk, tiles);
  SearchColumns(filter, chunk, tiles, begin, end);
  LowerBounds(filter, chunk, tiles);
}

void AddPoint(const float* HWY_RESTRICT point, int64_t dims, double weight, double* HWY_RESTRICT sums) {
  for (int64_t dim = 0; dim < dims; ++dim) sums[dim] += weight * static_cast<double>(point[dim]);
}

// Returns false for a label outside [0, k).
bool AssignChunkImpl(const KmeansFilter& filter, bool guess, const float* weights, KmeansChunk& chunk, KmeansPartial& partial) {
  KmeansTiles tiles;
  for (int64_t begin = 0; guess && begin < chunk.size; begin += kKmeansPointsAtOnce) {
    TakeInOrder(filter, chunk, begin, tiles);
    GuessColumns(filter, tiles);
    for (int64_t lane = 0; lane < tiles.size; ++lane) chunk.labels[begin + lane] = filter.order[tiles.own[static_cast<size_t>(lane)]];
  }
  if (!MeasureLabels(filter, chunk)) return false;
  StartSearches(filter, chunk);
  const int64_t hot = ChooseHot(filter, chunk);
  const int64_t open = ListOpen(filter, chunk, hot);
  for (int64_t begin = 0; hot > 0 && begin < chunk.size; begin += kKmeansPointsAtOnce) {
    TakeInOrder(filter, chunk, begin, tiles);
    Search(filter, chunk, tiles, 0, hot);
  }
  for (int64_t begin = 0; begin < open; begin += kKmeansPointsAtOnce) {
    TakeOpen(filter, chunk, begin, open, tiles);
    Search(filter, chunk, tiles, hot, filter.num_columns);
  }
  // In the order of the points, whichever were searched: the sums of KmeansAssign.
  for (int64_t i = 0; i < chunk.size; ++i) {
    const auto label = static_cast<size_t>(chunk.labels[i]);
    const double weight = weights == nullptr ? 1.0 : static_cast<double>(weights[i]);
    partial.inertia += weight * static_cast<double>(chunk.distances[i]);
    if (partial.sums.empty()) continue;
    partial.weights[label] += weight;
    ++partial.counts[label];
    AddPoint(chunk.points + i * filter.dims, filter.dims, weight, partial.sums.data() + static_cast<int64_t>(label) * filter.dims);
  }
  return true;
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AssignChunkImpl);

namespace {

Status CheckCodes(const KmeansCodes& codes, int64_t rows, int64_t dims, int64_t k, RowRange range) {
  if (dims > kKmeansCodeDims) return InvalidArgument("expected dims <= 16384 with codes");
  if (range.begin % kKmeansTile != 0) return InvalidArgument("expected a range that begins at a multiple of 16 with codes");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.codes.size(), KmeansCodesSize(rows, dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", codes.norms.size(), rows * 3));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("panel", codes.panel.size(), KmeansCodeColumns(k) * KmeansCodeBytes(dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("starts", codes.starts.size(), KmeansCodeColumns(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", codes.scale.size(), 3));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lower", codes.lower.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("moves", codes.moves.size(), k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", codes.order.size(), k));
  if (!(codes.scale[0] > 0)) return InvalidArgument("expected a unit > 0 of the codes");
  if (!std::ranges::all_of(codes.moves, [](double move) { return move >= 0; }) ||
      !std::ranges::is_sorted(codes.moves, std::ranges::greater()))
    return InvalidArgument("expected moves >= 0 in descending order");
  return {};
}

// Points are read for the distance, the search and the sums: few enough at a time to stay in the cache.
constexpr int64_t kFloatsPerChunk = int64_t{1} << 15;

}  // namespace

Status KmeansAssignFiltered(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                            const KmeansCodes& codes, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                            std::span<float> distances, KmeansPartial* partial) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, range));
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  KmeansFilter filter;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &filter.k));
  COUPONCAST_RETURN_IF_ERROR(CheckCodes(codes, rows, dims, filter.k, range));
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansOutputs(filter.k, dims, range, labels, distances, partial));
  filter.Read(codes, centroids, dims);
  filter.num_columns = KmeansCodeColumns(filter.k);
  std::vector<float> moves(static_cast<size_t>(filter.num_columns), 0.0F);
  std::ranges::transform(codes.moves, moves.begin(), KmeansRoundedUp);
  filter.moves = moves.data();

  std::vector<int32_t> columns;
  COUPONCAST_RETURN_IF_ERROR(InvertKmeansOrder(codes.order, &columns));
  filter.columns = columns.data();
  const bool guess = std::isinf(codes.moves.back());

  const int64_t capacity = std::clamp<int64_t>(kFloatsPerChunk / dims / kKmeansPointsAtOnce * kKmeansPointsAtOnce, 64, 1024);
  const auto padded = static_cast<size_t>(capacity);
  std::vector<float> reaches(padded);
  std::vector<float> offsets(padded);
  std::vector<int32_t> thresholds(padded);
  std::vector<int32_t> open(padded);
  hwy::AlignedVector<uint8_t> gathered(static_cast<size_t>(kKmeansPointsAtOnce * filter.bytes));
  KmeansChunk chunk;
  chunk.reaches = reaches.data();
  chunk.offsets = offsets.data();
  chunk.thresholds = thresholds.data();
  chunk.open = open.data();
  chunk.gathered = gathered.data();
  const auto assign = HWY_DYNAMIC_POINTER(AssignChunkImpl);
  const int64_t tiles_per_poll = std::max<int64_t>(1, 8 * kKmeansWorkPerPoll / (filter.k * dims) / kKmeansTile);
  const int64_t step = std::min(capacity, tiles_per_poll * kKmeansTile);
  for (int64_t begin = 0; begin < range.size(); begin += step) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t row = range.begin + begin;
    chunk.size = std::min(step, range.size() - begin);
    chunk.Read(codes, points.data(), filter, rows, row);
    chunk.labels = labels.data() + begin;
    chunk.distances = distances.data() + begin;
    chunk.lower = codes.lower.data() + begin;
    if (!assign(filter, guess, weights.empty() ? nullptr : weights.data() + row, chunk, *partial))
      return InvalidArgument("expected labels in [0, k) to start from");
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
