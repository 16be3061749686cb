// Sums of clusters in fixed point. Whole numbers add up to the same in any order: so only points that change clusters are
// added, and any number of threads may keep sums of their own.
#ifndef COUPONCAST_KMEANS_SUMS_H_
#define COUPONCAST_KMEANS_SUMS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Of a cluster: coordinates, weight and number of its points, each as a high and a low part.
constexpr int64_t KmeansSumsSize(int64_t k, int64_t dims) { return k * 2 * (dims + 2); }

// Takes the points of `range` from the clusters `before` and adds them to the clusters `after`, where they differ.
//
// points   [rows * dims] row-major, finite
// weights  [rows] finite, >= 0; empty: all 1
// largest  [dims + 1] of all points: largest |coordinate| of each dimension, largest weight
// before   [range.size()] in [-1, k); -1: in no cluster
// after    [range.size()] the same
// sums     [KmeansSumsSize(k, dims)] in/out
//
// A product of weight and coordinate is rounded to 2^-80 of the largest of its dimension, of at most a million rows.
// Cost: a few operations a coordinate of a point that changes. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status KmeansMoveSums(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> largest,
                      std::span<const int32_t> before, std::span<const int32_t> after, RowRange range, CancelFlag cancel,
                      std::span<int64_t> sums);

// The total of several such sums, in float64.
//
// parts    [m * KmeansSumsSize(k, dims)]
// largest  as KmeansMoveSums had it
// rows     number of all points
// sums     [k * dims] out: weighted sum of the points of each cluster
// weights  [k] out: sum of their weights
// counts   [k] out: number of them
Status KmeansReadSums(std::span<const int64_t> parts, int64_t dims, std::span<const float> largest, int64_t rows, std::span<double> sums,
                      std::span<double> weights, std::span<double> counts);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_SUMS_H_
