// K-means on the rows of a sparse matrix: centroids are dense, laid out [cols][lanes], so that a cell costs one run of
// vectors. Rows count as they are or at unit length.
#ifndef COUPONCAST_SPARSE_KMEANS_H_
#define COUPONCAST_SPARSE_KMEANS_H_

#include <cstdint>
#include <limits>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

// k rounded up to whole vectors of 16: the columns of the layout. Those of no centroid are 0.
constexpr int64_t SparseKmeansLanes(int64_t k) { return (k + 15) / 16 * 16; }

// factors [rows] of `range` out: 1 / |row| if `unit`, at most the largest float, else 1; 0 for a row without length. squares
// [rows] out: |factor row|^2.
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

// Rows in whole numbers of 16 bits: cell j of a row is about steps[row] * codes[j], exactly so where values are small whole
// numbers. The magnitudes of a row's codes sum to at most 65535.
struct SparseKmeansCodes {
  std::span<const int16_t> codes;  // [nnz]
  std::span<const float> steps;    // [rows]
  std::span<const float> errors;   // [rows] at least the length of (factor row - what the codes say)
};

// Magnitudes of factor times value in float32, of the cells that are not 0.
struct SparseKmeansReach {
  float least = std::numeric_limits<float>::infinity();
  float largest = 0;
};

// Codes, steps and errors of the rows of `range`. codes [nnz], steps [rows], errors [rows] out. factors of SparseRowLengths.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status SparseKmeansEncode(const CsrView& matrix, std::span<const float> factors, RowRange range, CancelFlag cancel,
                          std::span<int16_t> codes, std::span<float> steps, std::span<float> errors, SparseKmeansReach* reach);

// The labels and counts of SparseKmeansAssign, bit for bit, by a fast filter: products of codes and of centroids in whole
// numbers, whose proven bound decides which may be the nearest; where that is more than one, they are measured as
// SparseKmeansAssign does.
//
// codes          of SparseKmeansEncode
// shorts, scale  of SparseKmeansShorten or SparseKmeansMeans for `centroids`, of which none is beyond 32767 / scale from the
//                middle of its item
//
// Cost: 2 k operations of 16 bits a cell. Memory: 256 bytes a centroid. Errors: as SparseKmeansAssign.
Status SparseKmeansLabels(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                          std::span<const float> centroids, std::span<const double> norms, const SparseKmeansCodes& codes,
                          std::span<const int16_t> shorts, double scale, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                          std::span<int64_t> counts);

// Centroids less the middle of the smallest and the largest coordinate of their item, times `scale`, rounded to whole numbers
// in [-32767, 32767], for items `range`. shorts [items * SparseKmeansLanes(k)] out.
Status SparseKmeansShorten(std::span<const float> centroids, int64_t k, double scale, RowRange range, CancelFlag cancel,
                           std::span<int16_t> shorts);

struct SparseKmeansCentroids {
  std::span<float> centroids;  // [items * lanes]
  std::span<int16_t> shorts;   // as of SparseKmeansShorten; empty: not wanted
  double scale = 1;            // of the shorts
};

// Items that float64 sums run over: adding shards in their order gives the same bits however they are cut into calls.
inline constexpr int64_t kSparseKmeansShard = 2048;

constexpr int64_t SparseKmeansShards(int64_t items) { return (items + kSparseKmeansShard - 1) / kSparseKmeansShard; }

// Each [shards * k], by shard of the range.
struct SparseKmeansTotals {
  std::span<double> norms;     // squares of the centroids
  std::span<double> shifts;    // squares of their moves
  std::span<double> products;  // <old centroid, weighted sum of the cluster's rows>
};

// What the rows of each cluster sum to by column, kept so that a later call adds only rows that change clusters. For cells
// whose sums float64 does not round in any order.
struct SparseKmeansKeptSums {
  const CsrView* matrix = nullptr;
  std::span<const int32_t> before;  // [rows] the labels that `sums` are of; empty: they are of none yet
  std::span<double> sums;           // [cols * lanes] in/out; empty: nothing is kept
};

// Means of the clusters for columns `range` of the matrix: centroid c is the sum of its rows, each times its weight, times
// scale[c].
//
// transpose  rows of it are the columns of the matrix
// factors    [rows of the matrix] of SparseRowLengths
// weights    [rows of the matrix]; empty: all 1
// labels     [rows of the matrix] in [0, k), or -1: in no cluster
// old        [cols * lanes] centroids before; where scale[c] is 0 they stay
// range      begins at a multiple of kSparseKmeansShard
// kept       of `range`; with weights nothing is
// to         out, for `range`
// largest    out: the largest magnitude in the means from the middle of their item, where shorts are wanted; else 0
//
// Cells count factor times value in float32, as in the products. Sums run in float64 in the order of the rows. Cost: a few
// operations a cell, of kept sums for the rows that change clusters if these are few. Memory: 1 byte a row, from 255 clusters on 4.
Status SparseKmeansMeans(const CsrView& transpose, std::span<const float> factors, std::span<const float> weights,
                         std::span<const int32_t> labels, std::span<const double> scale, std::span<const float> old, RowRange range,
                         CancelFlag cancel, const SparseKmeansKeptSums& kept, const SparseKmeansCentroids& to,
                         const SparseKmeansTotals& totals, float* largest);

}  // namespace couponcast

#endif  // COUPONCAST_SPARSE_KMEANS_H_
