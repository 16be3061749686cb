// An iteration of K-means on the rows of a sparse matrix in one call a thread.
#ifndef COUPONCAST_SPARSE_KMEANS_STEP_H_
#define COUPONCAST_SPARSE_KMEANS_STEP_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/sparse_kmeans.h"
#include "couponcast/status.h"

namespace couponcast {

inline constexpr int64_t kSparseKmeansStepCounters = 6;

// What the calls of an iteration share. Each takes parts of the rows and then of the items as they come, and waits only for
// parts that others are at: any number of calls, at once or one after the other, gives the same bytes.
struct SparseKmeansShared {
  std::span<int32_t> counters;  // [kSparseKmeansStepCounters] zeros before the first call
  std::span<int64_t> counts;    // [calls * k] zeros before the first call; out: rows of each centroid that each call labelled
  int64_t call = 0;
};

// Labels and counts of SparseKmeansLabels for all rows, and then the means of SparseKmeansMeans for all items, of rows that
// weigh 1: scale[c] is 1 / rows of cluster c, 0 for none.
//
// codes               of SparseKmeansEncode
// centroids, norms    that labels are of; the old ones of the means
// labels              [rows] out
// kept                as of SparseKmeansMeans, of all items
// to                  out, as of SparseKmeansMeans; the shorts are those of `centroids` before, times `scale`
// totals              out, as of SparseKmeansMeans, of all shards
// largest             out: that of SparseKmeansMeans, of the means that this call made
//
// Cost, memory, errors: as those of both.
Status SparseKmeansStep(const CsrView& matrix, const CsrView& transpose, std::span<const float> factors, std::span<const double> squares,
                        std::span<const float> centroids, std::span<const double> norms, const SparseKmeansCodes& codes, double scale,
                        CancelFlag cancel, const SparseKmeansShared& shared, std::span<int32_t> labels, const SparseKmeansKeptSums& kept,
                        const SparseKmeansCentroids& to, const SparseKmeansTotals& totals, float* largest);

}  // namespace couponcast

#endif  // COUPONCAST_SPARSE_KMEANS_STEP_H_
