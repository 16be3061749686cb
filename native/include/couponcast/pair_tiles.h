// Exact top-k similarity of all rows with each other, each pair looked at once, for many documents with a head of terms
// that a large share of them holds: the two-sided form of what SimilarRows does for some rows.
//
//   AddPairTiles     approximate scores of two groups of documents, as candidates for the lists of both
//   AnswerPairTiles  exact scores of the candidates, and the k best
//
// Calls that share a group must not run at the same time. Their order, and the groups, change no bit of the answer.
#ifndef COUPONCAST_PAIR_TILES_H_
#define COUPONCAST_PAIR_TILES_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/scored_index.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Documents that may be among the k best of each document, with approximate scores. Zeros at first.
struct CandidateLists {
  std::span<ScoredIndex> entries;  // [documents * CandidateCapacity(k)]
  std::span<int32_t> counts;       // [documents] used places
  std::span<float> kth_lower;      // [documents] k documents score this at least
  std::span<float> error;          // [documents] of an approximate score, the largest absolute error so far
};
// Places of a list: k, and as many as make it cheap to find those that remain candidates now and then.
inline int64_t CandidateCapacity(int64_t k) { return k + std::max<int64_t>(48, k); }

// Groups are best a few thousand documents: the more, the less often their cells are prepared, the fewer at the same time.
// Both groups are the same or do not overlap. *applies is set to false, and the lists are meaningless, for a matrix with
// cells below 0 or of a size that float32 products overflow on.
// Memory: 12 bytes a term, about 500 a document of the first group. Polls the flag every few milliseconds.
// Errors: kInvalidArgument (sizes, groups that overlap in part), kOutOfRange, kCancelled.
Status AddPairTiles(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange group, RowRange other,
                    int64_t k, CancelFlag cancel, const CandidateLists& lists, bool* applies);

// The answer of SimilarRows for the documents of `range`, once AddPairTiles has seen all pairs of groups.
// Errors: kInvalidArgument (sizes), kOutOfRange, kCancelled.
Status AnswerPairTiles(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                       bool include_self, CancelFlag cancel, const CandidateLists& lists, std::span<int32_t> indices,
                       std::span<float> scores, std::span<int32_t> counts);

}  // namespace couponcast

#endif  // COUPONCAST_PAIR_TILES_H_
