// Checks that the K-means kernels share, and the bound of the rounding in their distances.
#ifndef COUPONCAST_CLUSTER_KMEANS_CHECK_H_
#define COUPONCAST_CLUSTER_KMEANS_CHECK_H_

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "couponcast/kmeans.h"

namespace couponcast {

// Multiply-adds between two looks at the cancel flag: well below 50 ms on any target.
inline constexpr int64_t kKmeansWorkPerPoll = int64_t{1} << 22;

inline Status CheckKmeansPoints(std::span<const float> points, int64_t dims, std::span<const float> weights, RowRange range) {
  if (dims < 1 || points.size() % static_cast<size_t>(dims) != 0) return InvalidArgument("expected points of dims >= 1 numbers each");
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  if (!weights.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), rows));
  return CheckRange(range, rows);
}

inline Status CheckKmeansCentroids(std::span<const float> centroids, int64_t dims, int64_t* k) {
  if (centroids.empty() || centroids.size() % static_cast<size_t>(dims) != 0)
    return InvalidArgument("expected k >= 1 centroids of dims numbers each");
  *k = static_cast<int64_t>(centroids.size()) / dims;
  return {};
}

inline Status CheckKmeansOutputs(int64_t k, int64_t dims, RowRange range, std::span<int32_t> labels, std::span<float> distances,
                                 KmeansPartial* partial) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), range.size()));
  partial->inertia = 0;
  if (partial->sums.empty() && partial->weights.empty() && partial->counts.empty()) return {};
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", partial->sums.size(), k * dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weight sums", partial->weights.size(), k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", partial->counts.size(), k));
  std::ranges::fill(partial->sums, 0.0);
  std::ranges::fill(partial->weights, 0.0);
  std::ranges::fill(partial->counts, 0);
  return {};
}

// columns[order[column]] = column.
inline Status InvertKmeansOrder(std::span<const int32_t> order, std::vector<int32_t>* columns) {
  columns->assign(order.size(), -1);
  for (size_t column = 0; column < order.size(); ++column) {
    const int32_t c = order[column];
    if (c < 0 || static_cast<size_t>(c) >= order.size() || (*columns)[static_cast<size_t>(c)] >= 0)
      return InvalidArgument("expected an order of the centroids, each of them once");
    (*columns)[static_cast<size_t>(c)] = static_cast<int32_t>(column);
  }
  return {};
}

// Relative error of a squared distance of squared_distance-inl.h: rounding of the difference, the square, the sum of a
// lane and the four steps over lanes. Sums of squares do not cancel.
inline double KmeansDistanceError(int64_t dims) { return (static_cast<double>(dims) / 16 + 9) * 0x1p-24; }

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_CHECK_H_
