#include "couponcast/kmeans.h"

#include <algorithm>
#include <array>
#include <vector>

#include "cluster/kmeans_check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

#include "cluster/squared_distance-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

// Few dimensions fill no vector: distances to 16 centroids at once, laid out [dims][padded_k].
void DistancesOfShortRows(const float* HWY_RESTRICT point, int64_t dims, const float* HWY_RESTRICT centroids, int64_t padded_k,
                          float* HWY_RESTRICT distances) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN std::array<float, kDistanceLanes * kDistanceLanes> buffer;
  float* terms = buffer.data();
  for (int64_t c = 0; c < padded_k; c += lanes) {
    for (int64_t dim = 0; dim < dims; ++dim) {
      const auto difference = hn::Sub(hn::Set(d, point[dim]), hn::LoadU(d, centroids + dim * padded_k + c));
      hn::Store(hn::Mul(difference, difference), d, terms + dim * lanes);
    }
    // As SumLanes, without the lanes that have no dimension.
    for (int64_t width = kDistanceLanes / 2; width > 0; width /= 2) {
      for (int64_t j = 0; j < width && j + width < dims; ++j) {
        hn::Store(hn::Add(hn::Load(d, terms + j * lanes), hn::Load(d, terms + (j + width) * lanes)), d, terms + j * lanes);
      }
    }
    hn::StoreU(hn::Load(d, terms), d, distances + c);
  }
}

void DistancesImpl(const float* HWY_RESTRICT point, int64_t dims, const float* HWY_RESTRICT centroids, int64_t k, int64_t padded_k,
                   float* HWY_RESTRICT distances) {
  if (dims <= kDistanceLanes) return DistancesOfShortRows(point, dims, centroids, padded_k, distances);
  for (int64_t c = 0; c < k; ++c) distances[c] = SquaredDistance(point, centroids + c * dims, dims);
}

void MinDistancesImpl(const float* HWY_RESTRICT points, int64_t dims, const float* HWY_RESTRICT weights, const float* HWY_RESTRICT centroid,
                      int64_t rows, float* HWY_RESTRICT distances, double* HWY_RESTRICT sum) {
  for (int64_t row = 0; row < rows; ++row) {
    const float distance = SquaredDistance(points + row * dims, centroid, dims);
    distances[row] = std::min(distances[row], weights == nullptr ? distance : weights[row] * distance);
    *sum += static_cast<double>(distances[row]);
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(DistancesImpl);
HWY_EXPORT(MinDistancesImpl);

namespace {

constexpr int64_t kLanes = 16;

// Centroids laid out [dims][padded_k] where rows are short, else as they came.
std::vector<float> LayOut(std::span<const float> centroids, int64_t dims, int64_t k, int64_t padded_k) {
  if (dims > kLanes) return {centroids.begin(), centroids.end()};
  std::vector<float> transposed(static_cast<size_t>(dims * padded_k), 0.0F);
  for (int64_t c = 0; c < k; ++c) {
    for (int64_t dim = 0; dim < dims; ++dim)
      transposed[static_cast<size_t>(dim * padded_k + c)] = centroids[static_cast<size_t>(c * dims + dim)];
  }
  return transposed;
}

int64_t RowsPerPoll(int64_t work_per_row) { return std::max<int64_t>(1, kKmeansWorkPerPoll / std::max<int64_t>(1, work_per_row)); }

}  // namespace

Status KmeansAssign(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                    RowRange range, CancelFlag cancel, std::span<int32_t> labels, std::span<float> distances, KmeansPartial* partial) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, range));
  int64_t k = 0;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &k));
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansOutputs(k, dims, range, labels, distances, partial));
  const int64_t padded_k = (k + kLanes - 1) / kLanes * kLanes;
  const std::vector<float> laid_out = LayOut(centroids, dims, k, padded_k);
  std::vector<float> to_all(static_cast<size_t>(padded_k));
  const int64_t rows_per_poll = RowsPerPoll(k * dims);
  const auto distances_to = HWY_DYNAMIC_POINTER(DistancesImpl);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if ((row - range.begin) % rows_per_poll == 0 && cancel.IsSet()) return Cancelled();
    const float* point = points.data() + row * dims;
    distances_to(point, dims, laid_out.data(), k, padded_k, to_all.data());
    int64_t nearest = 0;
    for (int64_t c = 1; c < k; ++c) {
      if (to_all[static_cast<size_t>(c)] < to_all[static_cast<size_t>(nearest)]) nearest = c;
    }
    const auto place = static_cast<size_t>(row - range.begin);
    labels[place] = static_cast<int32_t>(nearest);
    distances[place] = to_all[static_cast<size_t>(nearest)];
    const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<size_t>(row)]);
    partial->inertia += weight * static_cast<double>(distances[place]);
    if (partial->sums.empty()) continue;
    partial->weights[static_cast<size_t>(nearest)] += weight;
    ++partial->counts[static_cast<size_t>(nearest)];
    double* sums = partial->sums.data() + nearest * dims;
    for (int64_t dim = 0; dim < dims; ++dim) sums[dim] += weight * static_cast<double>(point[dim]);
  }
  return {};
}

Status KmeansMinDistance(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroid,
                         RowRange range, CancelFlag cancel, std::span<float> distances, double* sum) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroid", centroid.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), range.size()));
  *sum = 0;
  const int64_t rows_per_poll = RowsPerPoll(dims);
  for (int64_t row = range.begin; row < range.end; row += rows_per_poll) {
    if (cancel.IsSet()) return Cancelled();
    HWY_DYNAMIC_DISPATCH(MinDistancesImpl)
    (points.data() + row * dims, dims, weights.empty() ? nullptr : weights.data() + row, centroid.data(),
     std::min(rows_per_poll, range.end - row), distances.data() + (row - range.begin), sum);
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
