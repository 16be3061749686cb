// K-means on the rows of a sparse matrix: centroids are dense, laid out [cols][lanes], so that a cell costs one run of
// vectors. Rows count as they are or at unit length.
#ifndef COUPONCAST_SPARSE_KMEANS_H_
#define COUPONCAST_SPARSE_KMEANS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

// k rounded up to whole vectors of 16: the columns of the layout. Those of no centroid are 0.
constexpr int64_t SparseKmeansLanes(int64_t k) { return (k + 15) / 16 * 16; }

// factors [rows] of `range` out: 1 / |row| if `unit`, else 1; 0 for a row without length. squares [rows] out: |factor row|^2.
Status SparseRowLengths(const CsrView& matrix, bool unit, RowRange range, CancelFlag cancel, std::span<float> factors,
                        std::span<double> squares);

// The nearest centroid of each row of `range`, of equal distances the smaller index.
//
// factors, squares  [rows] of SparseRowLengths
// centroids         [cols * SparseKmeansLanes(k)]
// norms             [k] |c|^2
// labels            [rows] out; -1 for a row without cells
// distances         [rows] out: squared distance |factor row|^2 - 2 <factor row, c> + |c|^2, at least 0
// counts            [k] out: rows of each centroid
// inertia           out: sum of the distances
//
// Products run in float32 in the order of the cells, one sum per centroid, multiply then add: the same bits on every
// target; the score |c|^2 - 2 <.,.> is in float64. Cost: 2 k flops a cell. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status SparseKmeansAssign(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                          std::span<const float> centroids, std::span<const double> norms, RowRange range, CancelFlag cancel,
                          std::span<int32_t> labels, std::span<float> distances, std::span<int64_t> counts, double* inertia);

// The labels and counts of SparseKmeansAssign, bit for bit, by a fast filter: products with centroids in half precision,
// whose proven bound decides which may be the nearest; where that is more than one, they are measured as
// SparseKmeansAssign does.
//
// halves, scale  of SparseKmeansHalve or SparseKmeansMeans for `centroids`
//
// Cost: 2 k flops a cell. Memory: 256 bytes a centroid. Errors: as SparseKmeansAssign.
Status SparseKmeansLabels(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                          std::span<const float> centroids, std::span<const double> norms, std::span<const uint16_t> halves, double scale,
                          RowRange range, CancelFlag cancel, std::span<int32_t> labels, std::span<int64_t> counts);

// Centroids times `scale` in half precision (binary16), for items `range`. halves [items * SparseKmeansLanes(k)] out; what
// is beyond 65504 is as if infinite.
Status SparseKmeansHalve(std::span<const float> centroids, int64_t k, double scale, RowRange range, CancelFlag cancel,
                         std::span<uint16_t> halves);

struct SparseKmeansCentroids {
  std::span<float> centroids;  // [items * lanes]
  std::span<uint16_t> halves;  // as of SparseKmeansHalve; empty: not wanted
  double scale = 1;            // of the halves
};

// Items that float64 sums run over: adding shards in their order gives the same bits however they are cut into calls.
inline constexpr int64_t kSparseKmeansShard = 2048;

// Each [shards * k], by shard of the range.
struct SparseKmeansTotals {
  std::span<double> norms;     // squares of the centroids
  std::span<double> shifts;    // squares of their moves
  std::span<double> products;  // <old centroid, weighted sum of the cluster's rows>
};

// Means of the clusters for columns `range` of the matrix: centroid c is the sum of its rows, each times its weight, times
// scale[c].
//
// transpose  rows of it are the columns of the matrix
// weights    [rows of the matrix]; empty: all 1
// labels     [rows of the matrix] in [0, k), or -1: in no cluster
// old        [cols * lanes] centroids before; where scale[c] is 0 they stay
// range      begins at a multiple of kSparseKmeansShard
// to         out, for `range`
//
// Cells count factor times value in float32, as in the products. Sums run in float64 in the order of the rows. Cost: a few
// operations a cell.
Status SparseKmeansMeans(const CsrView& transpose, std::span<const float> factors, std::span<const float> weights,
                         std::span<const int32_t> labels, std::span<const double> scale, std::span<const float> old, RowRange range,
                         CancelFlag cancel, const SparseKmeansCentroids& to, const SparseKmeansTotals& totals);

}  // namespace couponcast

#endif  // COUPONCAST_SPARSE_KMEANS_H_
