// K-means on dense rows, as kernels over row ranges; src/profile/ drives them. kmeans_filter.h has the fast way to the
// same labels.
#ifndef COUPONCAST_KMEANS_H_
#define COUPONCAST_KMEANS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Partial sums of one shard; adding shards in their order gives the same bits for any number of threads. Without spans only
// the inertia is wanted.
struct KmeansPartial {
  std::span<double> sums;     // [k * dims] weighted sum of the points of each centroid
  std::span<double> weights;  // [k] sum of their weights
  std::span<int64_t> counts;  // [k] number of them
  double inertia = 0;         // weighted sum of squared distances to the nearest centroid
};

// Lloyd's assignment step for the points of `range`: the nearest centroid by squared Euclidean distance, of equal
// distances the smaller index.
//
// points     [rows * dims] row-major, finite
// weights    [rows] finite, >= 0; empty: all 1
// centroids  [k * dims]
// labels     [range.size()] out
// distances  [range.size()] out: squared distance to the nearest centroid
// partial    out
//
// Distances run in float32 as squared_distance-inl.h defines: the same bits on every target.
// Cost: 3 k dims flops a point. Memory: 4 k dims bytes.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
// Source: Lloyd 1982; formulas.md, "K-means".
Status KmeansAssign(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                    RowRange range, CancelFlag cancel, std::span<int32_t> labels, std::span<float> distances, KmeansPartial* partial);

// k-means++: distances [range.size()] in/out becomes min(distance, weight * |point - centroid|^2) for the points of
// `range`; *sum is their sum in row order, in float64. Source: Arthur & Vassilvitskii 2007.
Status KmeansMinDistance(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroid,
                         RowRange range, CancelFlag cancel, std::span<float> distances, double* sum);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_H_
