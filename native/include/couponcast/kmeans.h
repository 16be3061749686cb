// K-means on dense rows, as kernels over row ranges; src/profile/kmeans.ts drives them.
#ifndef COUPONCAST_KMEANS_H_
#define COUPONCAST_KMEANS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Partial sums of one shard; adding shards in their order gives the same bits for any number of threads.
struct KmeansPartial {
  std::span<double> sums;     // [k * dims] sum of the points of each centroid
  std::span<int64_t> counts;  // [k]
  double inertia = 0;         // sum of squared distances to the nearest centroid
};

// Lloyd's assignment step for the points of `range`: the nearest centroid by squared Euclidean distance, of equal
// distances the smaller index.
//
// points     [rows * dims] row-major, finite
// centroids  [k * dims]
// labels     [range.size()] out
// distances  [range.size()] out: squared distance to the nearest centroid
// partial    out
//
// Distances run in float32 in ascending order of the dimension, SIMD across centroids, multiply then add: the same
// bits on every target. Cost: 3 k dims flops a point. Memory: 4 k dims bytes.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
// Source: Lloyd 1982; formulas.md, "K-means".
Status KmeansAssign(std::span<const float> points, int64_t dims, std::span<const float> centroids, RowRange range, CancelFlag cancel,
                    std::span<int32_t> labels, std::span<float> distances, KmeansPartial* partial);

// k-means++: distances [range.size()] in/out becomes min(distance, |point - centroid|^2) for the points of `range`;
// *sum is their sum in row order, in float64. Source: Arthur & Vassilvitskii 2007.
Status KmeansMinDistance(std::span<const float> points, int64_t dims, std::span<const float> centroid, RowRange range,
                         std::span<float> distances, double* sum);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_H_
