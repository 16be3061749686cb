#include "couponcast/kmeans_groups.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cluster/kmeans_check.h"
#include "cluster/kmeans_groups.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans_groups.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

#include "cluster/kmeans_groups-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

void DistancesToImpl(const float* HWY_RESTRICT centroid, const float* HWY_RESTRICT centroids, int64_t dims, int64_t k,
                     float* HWY_RESTRICT distances) {
  for (int64_t c = 0; c < k; ++c) distances[c] = SquaredDistance(centroid, centroids + c * dims, dims);
}

// Returns false for a label outside [0, k).
bool AssignByGroupsImpl(const KmeansGroupFilter& filter, bool guess, const float* weights, KmeansGroupChunk& chunk, double* inertia) {
  if (guess) GuessLabels(filter, chunk);
  if (!MeasureLabels(filter, chunk)) return false;
  StartSearches(filter, chunk);
  FindGroups(filter, chunk);
  for (int64_t group = 0; group < filter.groups; ++group) SearchGroup(filter, chunk, group);
  for (int64_t i = 0; i < chunk.size; ++i)
    *inertia += (weights == nullptr ? 1.0 : static_cast<double>(weights[i])) * static_cast<double>(chunk.distances[i]);
  return true;
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AssignByGroupsImpl);
HWY_EXPORT(DistancesToImpl);

namespace {

Status CheckCodes(const KmeansGroupCodes& codes, int64_t rows, int64_t dims, int64_t k, RowRange range) {
  if (dims > kKmeansCodeDims) return InvalidArgument("expected dims <= 16384 with codes");
  if (range.begin % kKmeansTile != 0) return InvalidArgument("expected a range that begins at a multiple of 16 with codes");
  const int64_t bytes = KmeansCodeBytes(dims);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.codes.size(), KmeansCodesSize(rows, dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", codes.norms.size(), rows * 3));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("panel", codes.panel.size(), KmeansGroups(k) * KmeansGroupColumns(k) * bytes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("starts", codes.starts.size(), KmeansGroups(k) * KmeansGroupColumns(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", codes.scale.size(), 3));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lower", codes.lower.size(), range.size() * KmeansBoundStride(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("drifts", codes.drifts.size(), KmeansGroups(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", codes.order.size(), k));
  if (!(codes.scale[0] > 0)) return InvalidArgument("expected a unit > 0 of the codes");
  if (!std::ranges::all_of(codes.drifts, [](double drift) { return drift >= 0; })) return InvalidArgument("expected drifts >= 0");
  return {};
}

// Points are read for the distance, the search and the sums: few enough at a time to stay in the cache.
constexpr int64_t kFloatsPerChunk = int64_t{1} << 15;

}  // namespace

Status KmeansOrder(std::span<const float> centroids, int64_t dims, CancelFlag cancel, std::span<int32_t> order) {
  if (dims < 1) return InvalidArgument("expected dims >= 1");
  int64_t k = 0;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), k));
  std::vector<float> distances(static_cast<size_t>(k));
  std::vector<bool> taken(static_cast<size_t>(k), false);
  size_t last = 0;
  for (int32_t& next : order) {
    if (cancel.IsSet()) return Cancelled();
    next = static_cast<int32_t>(last);
    taken[last] = true;
    HWY_DYNAMIC_DISPATCH(DistancesToImpl)
    (centroids.data() + static_cast<int64_t>(last) * dims, centroids.data(), dims, k, distances.data());
    size_t nearest = taken.size();
    for (size_t c = 0; c < taken.size(); ++c) {
      if (!taken[c] && (nearest == taken.size() || distances[c] < distances[nearest])) nearest = c;
    }
    last = nearest;
  }
  return {};
}

Status KmeansAssignGroups(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                          const KmeansGroupCodes& codes, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                          std::span<float> distances, double* inertia) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, range));
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  KmeansGroupFilter filter;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &filter.k));
  COUPONCAST_RETURN_IF_ERROR(CheckCodes(codes, rows, dims, filter.k, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), range.size()));
  *inertia = 0;
  filter.Read(codes, centroids, dims);
  filter.groups = KmeansGroups(filter.k);
  filter.group_columns = KmeansGroupColumns(filter.k);
  filter.stride = KmeansBoundStride(filter.k);
  std::vector<float> drifts(static_cast<size_t>(filter.stride), 0.0F);
  std::ranges::transform(codes.drifts, drifts.begin(), KmeansRoundedUp);
  filter.drifts = drifts.data();

  std::vector<int32_t> columns;
  COUPONCAST_RETURN_IF_ERROR(InvertKmeansOrder(codes.order, &columns));
  filter.columns = columns.data();
  const bool guess = std::ranges::all_of(codes.drifts, [](double drift) { return drift == 0; });

  const int64_t capacity = std::clamp<int64_t>(kFloatsPerChunk / dims / 16 * 16, 64, 1024);
  std::vector<float> reaches(static_cast<size_t>(capacity));
  std::vector<float> offsets(static_cast<size_t>(capacity));
  std::vector<int32_t> thresholds(static_cast<size_t>(capacity));
  hwy::AlignedVector<int32_t> groups(static_cast<size_t>(capacity));
  hwy::AlignedVector<int32_t> waiting(static_cast<size_t>(capacity));
  std::vector<int32_t> sums(static_cast<size_t>(kKmeansGroupPoints * filter.group_columns));
  KmeansGroupChunk chunk;
  chunk.reaches = reaches.data();
  chunk.offsets = offsets.data();
  chunk.thresholds = thresholds.data();
  chunk.groups = groups.data();
  chunk.waiting = waiting.data();
  chunk.sums = sums.data();
  const auto assign = HWY_DYNAMIC_POINTER(AssignByGroupsImpl);
  const int64_t rows_per_poll = std::max<int64_t>(1, 8 * kKmeansWorkPerPoll / (filter.k * dims));
  const int64_t step = std::max(kKmeansTile, std::min(capacity, rows_per_poll) / kKmeansTile * kKmeansTile);
  for (int64_t begin = 0; begin < range.size(); begin += step) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t row = range.begin + begin;
    chunk.size = std::min(step, range.size() - begin);
    chunk.Read(codes, points.data(), filter, rows, row);
    chunk.labels = labels.data() + begin;
    chunk.distances = distances.data() + begin;
    chunk.lower = codes.lower.data() + begin * filter.stride;
    if (!assign(filter, guess, weights.empty() ? nullptr : weights.data() + row, chunk, inertia))
      return InvalidArgument("expected labels in [0, k) to start from");
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
