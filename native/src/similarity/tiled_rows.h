// SimilarRows for many documents: approximate scores with a proven error bound select a few candidates, which are then
// scored exactly. The same answer as ScatterRows, bit for bit.
#ifndef COUPONCAST_SIMILARITY_TILED_ROWS_H_
#define COUPONCAST_SIMILARITY_TILED_ROWS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Rows that share one pass over the documents.
inline constexpr int64_t kTiledQueries = 16'384;

// Whether SimilarRowsTiled is expected to be faster than ScatterRows. Cost: one pass over the cells of the range (over the
// terms, if it is the whole); where that is promising, another and one over all degrees.
bool TilingPays(const CsrView& documents, const CsrView& terms, RowRange range, int64_t k);

// As SimilarRows, whose arguments were checked. Sets *applies to false, and no output, for a matrix with cells below 0
// or of a size that float32 products overflow on.
//
// Approximate scores with a proven error bound (tile_scorer.h) say which documents can be among the k best (candidates.h);
// these are scored exactly (answer_candidates.h), in ascending order of the term. Where a list does not
// hold them all, it is scored exactly at once. Rows with fewer than k such documents are done by ScatterRows.
//
// Memory: 12 bytes a term, 4 a cell of a block, about 16 k a row of kTiledQueries. Polls the flag every few milliseconds.
// Source: head and tail as in SINDI (arXiv 2509.08395) and MAGNUS; the filter is ours.
Status SimilarRowsTiled(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                        bool include_self, CancelFlag cancel, ProgressGauge progress, std::span<int32_t> indices, std::span<float> scores,
                        std::span<int32_t> counts, bool* applies);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_TILED_ROWS_H_
