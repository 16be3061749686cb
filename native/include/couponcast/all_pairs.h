// Exact top-k similarity of all rows with each other, each pair computed once: what SimilarRows finds, for half the work.
//
//   OrderByDegree   documents from the one with the most cells on; a document's place is its rank
//   FillPairLists   what AddPairs reads, by parts of the terms
//   PairWork        the work of each rank, for shards of about the same size
//   AddPairs        the scores of some ranks with all lower ranks, offered to both documents' lists
//   MergeBestLists  the best of the lists of all lanes
//
// A lane is a thread with lists of its own. Which pairs it gets changes no bit of the answer.
#ifndef COUPONCAST_ALL_PAIRS_H_
#define COUPONCAST_ALL_PAIRS_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/scored_index.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Ranks whose weights are stored densely, term by term: most pairs have one of them.
inline constexpr int64_t kPairHead = 32;

// The cells by term and rank. `tail` and `before` have a place per cell of the matrix.
struct PairLists {
  // A cell of a document that is not in the head.
  struct Cell {
    int32_t rank;
    float weight;
  };
  std::span<int32_t> order;   // [documents] document of each rank
  std::span<float> head;      // [terms * kPairHead] weight of the head's documents, 0 where there is none; zeros at first
  std::span<Cell> tail;       // [nnz] of each term from its first place in `terms`, by rank
  std::span<int32_t> before;  // [nnz] of each cell of `documents`: how many cells of its term's tail are before it
};

// The best of each document so far, by rank.
struct BestLists {
  std::span<ScoredIndex> entries;  // [documents * BestListCapacity(k)]
  std::span<int32_t> counts;       // [documents] used places; zeros at first
  std::span<float> thresholds;     // [documents] what an entry must reach; zeros at first
};
// Places of a list: k, and as many as make it cheap to find the k best of them now and then.
inline int64_t BestListCapacity(int64_t k) { return k + std::max<int64_t>(64, k); }

// Whether this way is expected to be faster than SimilarRows for all rows. Cost: one pass over the degrees.
bool AllPairsPays(const CsrView& documents, const CsrView& terms, int64_t k);

// order [documents] out: by degree descending, then by index.
Status OrderByDegree(const CsrView& documents, std::span<int32_t> order);

// Fills head, tail and before for the terms of `range`; `order` is given. *applies is set to false, and the lists are
// meaningless, where weights are so large that products may overflow. Cost: one pass over the cells of the range.
// Memory: 8 bytes a document. Errors: kInvalidArgument (sizes), kOutOfRange, kCorruptFile (no transposes), kCancelled.
Status FillPairLists(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
                     const PairLists& lists, bool* applies);

// work [range.size()] out: the multiply-adds that AddPairs spends on the ranks of `range`; what it does in registers, and
// its look at the sums, count as an eighth. Errors: kInvalidArgument (sizes), kOutOfRange.
Status PairWork(const CsrView& documents, const PairLists& lists, RowRange range, std::span<double> work);

// Offers the scores > 0 of each rank of `range` with all lower ranks to the lists of both; with include_self also its
// own. The sums are those of SimilarRows: float32, in ascending order of the term.
// Memory: 8 bytes a document. Polls the flag every few milliseconds. Errors: kInvalidArgument (sizes), kOutOfRange, kCancelled.
Status AddPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, RowRange range,
                int64_t k, bool include_self, CancelFlag cancel, const BestLists& best);

// The answer of SimilarRows for the documents of `range`, from the lists of `lanes` lanes, one behind the other.
// Errors: kInvalidArgument (sizes), kOutOfRange.
Status MergeBestLists(std::span<const int32_t> order, const BestLists& best, int64_t lanes, RowRange range, int64_t k,
                      std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts);

}  // namespace couponcast

#endif  // COUPONCAST_ALL_PAIRS_H_
