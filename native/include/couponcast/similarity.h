// Exact top-k similarity of sparse rows.
#ifndef COUPONCAST_SIMILARITY_H_
#define COUPONCAST_SIMILARITY_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// For each row d of `range` the k rows e with the largest similarity(d, e) > 0 (see weighting.h), best first, of
// equal scores the smaller row.
//
// documents, terms   a matrix and its transpose, both valid (BehaviourMatrix::EnsureValid)
// weights            of WeighTerms and ScaleDocuments for the same documents
// include_self       whether d may be in its own list
// indices            [range.size() * k] out; unused places hold -1
// scores             [range.size() * k] out; unused places hold 0
// counts             [range.size()] out: used places of each row
//
// Sums run in float32 in ascending order of the term, so they depend neither on the range nor on the SIMD target.
// Cost: one multiply-add per pair of cells that share a term. Memory: 8 bytes per row of `documents`, plus k.
// Errors: kInvalidArgument (sizes), kOutOfRange, kCancelled. Source: Gustavson 1978 (row-wise sparse product).
Status SimilarRows(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                   bool include_self, CancelFlag cancel, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts,
                   ProgressGauge progress = {});

// How many rows it is best to give to one call of SimilarRows, at most, when those of `range` are divided among `threads`:
// for large products thousands, so that they share one pass over all documents. Cost: one pass over the cells of the range.
// Errors: kInvalidArgument, kOutOfRange.
Result<int64_t> SimilarRowsPerCall(const CsrView& documents, const CsrView& terms, RowRange range, int64_t k, int64_t threads);

// Multiply-adds that SimilarRows spends on each row: sum over its terms of their degree. work [range.size()] out.
// Errors: kInvalidArgument (sizes), kOutOfRange.
Status SimilarityWork(const CsrView& documents, const CsrView& terms, RowRange range, std::span<double> work);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_H_
