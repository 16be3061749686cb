#include <algorithm>
#include <vector>

#include "base/large_pages.h"
#include "similarity/check_pairs.h"
#include "similarity/pair_kinds.h"

namespace couponcast {
namespace {

constexpr int64_t kTermBlock = 16'384;  // terms whose lists grow in the cache while they are filled
constexpr int64_t kAhead = 8;           // documents whose cells are fetched early
constexpr int64_t kDocumentsPerPoll = 1 << 16;

template <Weighting kWeighting, typename Kind>
Status Fill(const CsrView& documents, const DocumentWeights& weights, RowRange range, CancelFlag cancel, const PairLists& lists,
            bool* applies) {
  const auto k1_plus_1 = static_cast<float>(weights.params.k1 + 1.0);
  const int64_t row_ranks = PairLayoutOf(lists.largest).row_ranks;
  std::vector<int64_t> next(static_cast<size_t>(documents.rows));  // of each document: its first cell that is not filled in
  for (int64_t document = 0; document < documents.rows; ++document) {
    const auto cells = documents.row_indices(document);
    next[static_cast<size_t>(document)] =
        documents.indptr[static_cast<size_t>(document)] + (std::ranges::lower_bound(cells, range.begin) - cells.begin());
  }
  std::vector<int32_t> filled(static_cast<size_t>(std::min(kTermBlock, range.size())));
  *applies = true;
  for (int64_t begin = range.begin; begin < range.end; begin += kTermBlock) {
    const int64_t end = std::min(begin + kTermBlock, range.end);
    std::ranges::fill(filled, 0);
    for (int64_t rank = 0; rank < documents.rows; ++rank) {
      if (rank % kDocumentsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      const auto document = static_cast<size_t>(lists.order[static_cast<size_t>(rank)]);
      if (rank + kAhead < documents.rows) {
        const int64_t ahead = next[static_cast<size_t>(lists.order[static_cast<size_t>(rank + kAhead)])];
        __builtin_prefetch(documents.indices.data() + ahead);
        __builtin_prefetch(documents.values.data() + ahead);
      }
      const float length = weights.length[document];
      const int64_t level = rank / row_ranks;
      auto cell = static_cast<size_t>(next[document]);
      const auto last = static_cast<size_t>(documents.indptr[document + 1]);
      for (; cell < last && documents.indices[cell] < end; ++cell) {
        const auto term = static_cast<size_t>(documents.indices[cell]);
        const float exact = CellWeight<kWeighting>(documents.values[cell], length, k1_plus_1, weights.term_weight[term]);
        if (!Kind::Applies(exact, lists.largest)) {
          *applies = false;
          return {};
        }
        const auto weight = static_cast<typename Kind::Weight>(exact);
        const PairLists::Place& place = lists.places[term];
        const PairLists::Place& end_place = lists.places[term + 1];
        if (level < end_place.row - place.row) {
          Kind::PutRow(lists.head, place.row + level, rank % row_ranks, weight, lists.largest);
          lists.before[cell] = 0;
          continue;
        }
        const int32_t before = filled[term - static_cast<size_t>(begin)]++;
        // A file's two orientations are only compared by verify.
        if (before >= end_place.cell - place.cell) return CorruptFile("the matrix's two orientations do not hold the same cells");
        Kind::Put(lists.tail.data() + (int64_t{place.cell} + before) * Kind::kWords, rank, weight);
        lists.before[cell] = before;
      }
      next[document] = static_cast<int64_t>(cell);
    }
  }
  return {};
}

}  // namespace

Status FillPairLists(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
                     const PairLists& lists, bool* applies) {
  COUPONCAST_RETURN_IF_ERROR(CheckPairs(documents, terms, weights, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, terms.rows));
  AskForLargePages(lists.head);
  AskForLargePages(lists.tail);
  AskForLargePages(lists.before);
  return DispatchPairs(weights.params.weighting, lists.largest > 0, [&]<Weighting kWeighting, typename Kind>() {
    return Fill<kWeighting, Kind>(documents, weights, range, cancel, lists, applies);
  });
}

}  // namespace couponcast
