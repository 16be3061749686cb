// K-means over chosen rows: what a mini-batch needs. src/profile/mini-batch.ts draws the rows and moves the centroids.
#ifndef COUPONCAST_KMEANS_BATCH_H_
#define COUPONCAST_KMEANS_BATCH_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/kmeans.h"
#include "couponcast/matrix.h"
#include "couponcast/sparse_kmeans.h"
#include "couponcast/status.h"

namespace couponcast {

// Where points lie, for the filter of kmeans_filter.h: their box is within centre +- 128 steps. Empty: measure all distances.
struct KmeansFrame {
  std::span<const float> centre;  // [dims] finite
  std::span<const float> steps;   // [dims] finite, >= 0
};

// KmeansAssign for `rows` of the points, in their order; a row may come more than once. The frame never changes the answer.
//
// points, weights, centroids  as KmeansAssign
// rows       [m] each in [0, number of points)
// labels     [m] out
// distances  [m] out
// partial    out
//
// Cost: a copy of the rows and what their assignment costs. Memory: m (5 dims + 16) bytes.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status KmeansAssignRows(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                        const KmeansFrame& frame, std::span<const int32_t> rows, CancelFlag cancel, std::span<int32_t> labels,
                        std::span<float> distances, KmeansPartial* partial);

// SparseKmeansAssign for `rows` of the matrix, in their order.
//
// rows               [m] each in [0, rows of the matrix)
// labels, distances  [m] out
// counts             [k] out
//
// Memory: the cells of the rows once more.
Status SparseKmeansAssignRows(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                              std::span<const float> centroids, std::span<const double> norms, std::span<const int32_t> rows,
                              CancelFlag cancel, std::span<int32_t> labels, std::span<float> distances, std::span<int64_t> counts,
                              double* inertia);

// Adds rows to the sums of their clusters, for the columns of `range`: sums[col, label] += weight * factor * value, in
// float64 in the order of `rows`.
//
// weights  [rows of the matrix] or empty: all 1
// labels   [m] in [-1, k); -1: nowhere
// sums     [cols * SparseKmeansLanes(k)] in/out
Status SparseKmeansAddRows(const CsrView& matrix, std::span<const float> factors, std::span<const float> weights,
                           std::span<const int32_t> rows, std::span<const int32_t> labels, int64_t k, RowRange range, CancelFlag cancel,
                           std::span<double> sums);

// centroids[col, c] = sums[col, c] * scale[c] for the columns of `range`; where scale[c] is 0 the centroid stays.
//
// centroids      [cols * SparseKmeansLanes(k)] in/out
// norms, shifts  [k] out: sums of squares of the centroids, and of their moves, over `range`
Status SparseKmeansScale(std::span<const double> sums, std::span<const double> scale, int64_t cols, RowRange range, CancelFlag cancel,
                         std::span<float> centroids, std::span<double> norms, std::span<double> shifts);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_BATCH_H_
