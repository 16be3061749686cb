// Kept sums of sparse K-means: what rows that change clusters take along.
#ifndef COUPONCAST_CLUSTER_SPARSE_KMEANS_MOVES_H_
#define COUPONCAST_CLUSTER_SPARSE_KMEANS_MOVES_H_

#include "couponcast/sparse_kmeans.h"

namespace couponcast {

Status CheckClusterLabels(std::span<const int32_t> labels, int64_t k);

Status CheckKeptSums(const SparseKmeansKeptSums& kept, const CsrView& transpose, std::span<const float> weights, int64_t k);

// Whether moving rows costs less than adding all up.
bool FewMoves(const CsrView& matrix, std::span<const int32_t> before, std::span<const int32_t> labels);

// Makes the sums of columns `range` those of `labels`.
Status MoveSums(const SparseKmeansKeptSums& kept, std::span<const float> factors, std::span<const int32_t> labels, int64_t lanes,
                RowRange range, CancelFlag cancel);

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_SPARSE_KMEANS_MOVES_H_
