// Exact top-k similarity of all rows with each other, each pair computed once: what SimilarRows finds, for half the work.
//
//   OrderByDegree   documents from the one with the most cells on; a document's place is its rank
//   LargestWhole    whether the weights are small whole numbers, whose sums have no order
//   PlanPairs       how many of the first ranks each term holds densely, of whole weights
//   SumPairPlaces   where each term's cells lie
//   FillPairLists   what AddPairs reads, by parts of the terms, and its work, for shards of about the same size
//   SquareRanks     how many of the first ranks are so dense that SumPairSquare is faster for them, of other weights
//   SumPairSquare   their sums with each other
//   StripRanks      how many of these are so dense that SumPairStrip is faster for all ranks behind the square, too
//   SumPairStrip    their sums with those
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
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Weights up to this that are all whole are packed.
inline constexpr int32_t kLargestWholePair = 15;
inline constexpr int64_t kMaxPairDepth = 32;  // rows of a term, at most
inline constexpr int64_t kPairTile = 64;      // ranks of a tile of SumPairSquare

// A rank of float32's tail is stored as what it is above the one before it in its term's list, in 16 bits. Where this is not enough
// there are cells of weight 0 between the two.
inline constexpr int64_t kMostRankStep = 65'535;

// Cells of weight 0 that a list may need, at most.
constexpr int64_t PairListSpare(int32_t largest, int64_t documents) {
  return largest == 0 ? std::max<int64_t>(documents - 2, 0) / kMostRankStep : 0;
}

// How weights are stored, by the largest of whole ones; 0: float32.
struct PairLayout {
  int64_t row_ranks;   // ranks of a row of the head: the weights of one term; 0: no head
  int64_t row_floats;  // its size, in float32
  int64_t cell_bytes;  // of the tail: rank * 256 + weight, or the step to the rank in 16 bits and the weight in float32
};
constexpr PairLayout PairLayoutOf(int32_t largest) {
  if (largest == 0) return {.row_ranks = 0, .row_floats = 0, .cell_bytes = 6};
  return {.row_ranks = largest <= 3 ? 256 : 128, .row_floats = 16, .cell_bytes = 4};
}

// The cells by term and rank: those of the ranks of a term's rows in the head, the others in the tail. A term's rows and cells
// are behind those of the terms before it.
struct PairLists {
  struct Place {
    int32_t row;
    int32_t cell;
  };
  int32_t largest = 0;        // as of LargestWhole
  std::span<int32_t> order;   // [documents] document of each rank
  std::span<Place> places;    // [terms + 1] first row and first cell of the tail; as of SumPairPlaces
  std::span<float> head;      // [places.back().row * row_floats] zeros at first
  std::span<uint8_t> tail;    // [places.back().cell * cell_bytes] of each term by rank
  std::span<int32_t> before;  // [nnz] of each cell behind the square: cells of its term's tail before it; 0 for the head's
  int64_t square_ranks = 0;   // a multiple of kPairTile
  std::span<float> square;    // [square_ranks * square_ranks] what SumPairSquare gives
  int64_t strip_ranks = 0;    // a multiple of kPairTile, no more than square_ranks; the tail holds nothing of these
  std::span<float> strip;     // [strip_ranks * documents] what SumPairStrip gives
};

// Place of the sum of the ranks h <= r in a square or, of all `ranks`, in a strip: tile by tile, so that those of a tile are read
// and written in order.
constexpr int64_t PairSumAt(int64_t ranks, int64_t h, int64_t r) { return (h / kPairTile * ranks + r) * kPairTile + h % kPairTile; }

// The best of each document so far, by rank: of one lane but for the bounds, which all share.
struct BestLists {
  std::span<uint64_t> entries;  // [documents * BestListCapacity(k)] keys that only these kernels read
  std::span<int32_t> counts;    // [documents] used places; zeros at first
  std::span<float> thresholds;  // [documents] what an entry must reach; zeros at first
  std::span<float> bounds;      // [documents] the same, as the document's own row left it; zeros at first. Read by all calls, written
                                // by the one that has the rank, both atomically
};
// Places of a list: k, and as many as make it cheap to find the k best of them now and then.
inline int64_t BestListCapacity(int64_t k) { return k + std::max<int64_t>(48, k / 4); }

// Whether this way is expected to be faster than SimilarRows for all rows. Cost: one pass over the degrees.
bool AllPairsPays(const CsrView& documents, const CsrView& terms, int64_t k);

// order [documents] out: by degree descending, then by index.
Status OrderByDegree(const CsrView& documents, std::span<int32_t> order);

// The largest weight of the documents of `range` if all are whole, from 0 to kLargestWholePair, and their sums exact in
// float32; else, or without cells, 0. Cost: one pass over their cells. Errors: kInvalidArgument (sizes), kOutOfRange, kCancelled.
Status LargestWhole(const CsrView& documents, const DocumentWeights& weights, RowRange range, CancelFlag cancel, int32_t* largest);

// sizes [range.size()] out: rows of the head and cells of the tail of the terms of `range`, PairListSpare among them, from a model of
// the time that a term's cells take in either. Weights that are not whole have no head, so that sums keep the order of the terms; only they
// have a strip. The head takes at most 12 bytes a cell. Memory: 4 bytes a document. Errors: kInvalidArgument (sizes), kOutOfRange,
// kCancelled.
Status PlanPairs(const CsrView& documents, const CsrView& terms, std::span<const int32_t> order, int32_t largest, int64_t strip_ranks,
                 RowRange range, CancelFlag cancel, std::span<PairLists::Place> sizes);

// From the sizes of each term, behind {0, 0}, to the places of PairLists. Errors: kInvalidArgument (negative sizes, too many in all).
Status SumPairPlaces(std::span<PairLists::Place> places);

// Fills head, tail and, of the cells behind the square, before for the terms of `range`; the rest is given. work [documents] out, by rank:
// the multiply-adds that AddPairs spends on these terms; a row of the head counts as 4, what the square and the strip hold not at all.
// *applies is set to false, and the rest is meaningless, where weights are so large that products may overflow. Cost: one pass over the
// cells of the range. Memory: 16 bytes a document, .3 MB. Errors: kInvalidArgument (sizes), kOutOfRange, kCorruptFile (no transposes),
// kCancelled.
Status FillPairLists(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
                     const PairLists& lists, std::span<double> work, bool* applies);

// The first ranks of which each tile of 64 holds at least half a cell of the average term, but no more than 2048; 0 for whole weights.
int64_t SquareRanks(const CsrView& documents, std::span<const int32_t> order, int32_t largest);

// square [ranks * ranks] out: for the tiles `part`, part + parts, ... of kPairTile ranks: at PairSumAt(ranks, h, r) the sum of each h of
// those tiles with each rank r >= h, float32 in ascending order of the term; other places stay as they are or are meaningless.
// Meaningless where FillPairLists does not apply. Memory: 0.3 MB, and 6 bytes for each cell that 1024 terms have in `ranks`.
// Errors: kInvalidArgument (sizes, part), kCancelled.
Status SumPairSquare(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<const int32_t> order,
                     int64_t part, int64_t parts, CancelFlag cancel, int64_t ranks, std::span<float> square);

// The first of `square_ranks` of which each tile of 64 holds at least two cells of the average term; the strip takes at most 8 bytes a
// cell of the matrix.
int64_t StripRanks(const CsrView& documents, std::span<const int32_t> order, int64_t square_ranks);

// strip [ranks * documents] out: of the ranks from square_ranks on those of the tiles `part`, part + parts, ...: at
// PairSumAt(documents, h, r) the sum of each h < ranks with each of those ranks r, as of SumPairSquare; other places stay as they are.
// Memory: 4 MB, and 6 bytes for each cell that 16384 terms have in these ranks. Errors: kInvalidArgument (sizes, part), kCancelled.
Status SumPairStrip(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<const int32_t> order,
                    int64_t part, int64_t parts, CancelFlag cancel, int64_t square_ranks, int64_t ranks, std::span<float> strip);

// Offers the scores > 0 of each rank of `range` with all lower ranks to the lists of both; with include_self also its
// own. The sums are those of SimilarRows: float32, in ascending order of the term.
// Memory: up to 20 bytes a document, 0.2 MB. Polls the flag every few milliseconds. Errors: kInvalidArgument (sizes), kOutOfRange,
// kCancelled.
Status AddPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, RowRange range,
                int64_t k, bool include_self, CancelFlag cancel, const BestLists& best);

// The answer of SimilarRows for the documents of `range`, from the lists of `lanes` lanes, one behind the other.
// Errors: kInvalidArgument (sizes), kOutOfRange.
Status MergeBestLists(std::span<const int32_t> order, const BestLists& best, int64_t lanes, RowRange range, int64_t k,
                      std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts);

}  // namespace couponcast

#endif  // COUPONCAST_ALL_PAIRS_H_
