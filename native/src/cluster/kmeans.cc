#include "couponcast/kmeans.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// distances[c] = |point - centroid c|^2 for `padded_k` centroids laid out [dims][padded_k]; padded_k is a multiple of 16.
void SquaredDistancesImpl(const float* HWY_RESTRICT point, int64_t dims, const float* HWY_RESTRICT centroids, int64_t padded_k,
                          float* HWY_RESTRICT distances) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t c = 0; c < padded_k; c += lanes) {
    auto sum = hn::Zero(d);
    for (int64_t dim = 0; dim < dims; ++dim) {
      const auto difference = hn::Sub(hn::Set(d, point[dim]), hn::LoadU(d, centroids + dim * padded_k + c));
      sum = hn::Add(sum, hn::Mul(difference, difference));
    }
    hn::StoreU(sum, d, distances + c);
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(SquaredDistancesImpl);

namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kRowsPerPoll = 1024;

Status CheckPoints(std::span<const float> points, int64_t dims, RowRange range) {
  if (dims < 1 || points.size() % static_cast<size_t>(dims) != 0) return InvalidArgument("expected points of dims >= 1 numbers each");
  return CheckRange(range, static_cast<int64_t>(points.size()) / dims);
}

}  // namespace

Status KmeansAssign(std::span<const float> points, int64_t dims, std::span<const float> centroids, RowRange range, CancelFlag cancel,
                    std::span<int32_t> labels, std::span<float> distances, KmeansPartial* partial) {
  COUPONCAST_RETURN_IF_ERROR(CheckPoints(points, dims, range));
  if (centroids.empty() || centroids.size() % static_cast<size_t>(dims) != 0)
    return InvalidArgument("expected k >= 1 centroids of dims numbers each");
  const int64_t k = static_cast<int64_t>(centroids.size()) / dims;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", partial->sums.size(), k * dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", partial->counts.size(), k));
  const int64_t padded_k = (k + kLanes - 1) / kLanes * kLanes;
  std::vector<float> transposed(static_cast<size_t>(dims * padded_k), 0.0F);
  for (int64_t c = 0; c < k; ++c) {
    for (int64_t dim = 0; dim < dims; ++dim)
      transposed[static_cast<size_t>(dim * padded_k + c)] = centroids[static_cast<size_t>(c * dims + dim)];
  }
  std::vector<float> to_all(static_cast<size_t>(padded_k));
  std::ranges::fill(partial->sums, 0.0);
  std::ranges::fill(partial->counts, 0);
  partial->inertia = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    if ((row - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const float* point = points.data() + row * dims;
    HWY_DYNAMIC_DISPATCH(SquaredDistancesImpl)(point, dims, transposed.data(), padded_k, to_all.data());
    int64_t nearest = 0;
    for (int64_t c = 1; c < k; ++c) {
      if (to_all[static_cast<size_t>(c)] < to_all[static_cast<size_t>(nearest)]) nearest = c;
    }
    const auto place = static_cast<size_t>(row - range.begin);
    labels[place] = static_cast<int32_t>(nearest);
    distances[place] = to_all[static_cast<size_t>(nearest)];
    partial->inertia += static_cast<double>(distances[place]);
    ++partial->counts[static_cast<size_t>(nearest)];
    double* sums = partial->sums.data() + nearest * dims;
    for (int64_t dim = 0; dim < dims; ++dim) sums[dim] += static_cast<double>(point[dim]);
  }
  return {};
}

Status KmeansMinDistance(std::span<const float> points, int64_t dims, std::span<const float> centroid, RowRange range,
                         std::span<float> distances, double* sum) {
  COUPONCAST_RETURN_IF_ERROR(CheckPoints(points, dims, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroid", centroid.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), range.size()));
  *sum = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    const float* point = points.data() + row * dims;
    float distance = 0;
    for (int64_t dim = 0; dim < dims; ++dim) {
      const float difference = point[dim] - centroid[static_cast<size_t>(dim)];
      distance += difference * difference;
    }
    float& kept = distances[static_cast<size_t>(row - range.begin)];
    kept = std::min(kept, distance);
    *sum += static_cast<double>(kept);
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
