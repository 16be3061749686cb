#include <algorithm>
#include <string>
#include <vector>

#include "similarity/check_pairs.h"
#include "similarity/pair_kinds.h"

namespace couponcast {
namespace {

constexpr int64_t kBlockTerms = 32768;  // fewer: their cells lie on too many pages; more: the ends of their lists leave the caches
constexpr int64_t kRanksPerPoll = 512;
constexpr int64_t kRowMadds = 4;  // what adding a row of the head counts as
constexpr size_t kAhead = 12;     // documents whose cells are fetched early

Status Differ() { return CorruptFile("the matrix's two orientations do not hold the same cells"); }

// Documents by rank, so that every list grows in its order; of each only the cells of a block of terms.
template <Weighting kWeighting, typename Kind>
class PairFiller {
 public:
  PairFiller(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, std::span<double> work)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        lists_(lists),
        work_(work),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        row_ranks_(PairLayoutOf(lists.largest).row_ranks),
        strip_ranks_(static_cast<size_t>(lists.strip_ranks)),
        square_ranks_(static_cast<size_t>(lists.square_ranks)),
        spare_(PairListSpare(lists.largest, documents.rows)),
        left_(lists.order.size()) {}

  Status Run(RowRange range, CancelFlag cancel, bool* applies) {
    std::ranges::fill(work_, 0.0);
    for (size_t rank = 0; rank < left_.size(); ++rank) {
      const int64_t document = lists_.order[rank];
      const auto cells = documents_.row_indices(document);
      const int64_t begin = documents_.indptr[static_cast<size_t>(document)];
      left_[rank] = {begin + (std::ranges::lower_bound(cells, range.begin) - cells.begin()), begin + std::ssize(cells)};
    }
    *applies = true;
    int64_t found = 0;
    for (int64_t begin = range.begin; begin < range.end && *applies; begin += kBlockTerms) {
      const RowRange block{begin, std::min(begin + kBlockTerms, range.end)};
      COUPONCAST_RETURN_IF_ERROR(FillBlock(block, cancel, applies, &found));
    }
    // A file's two orientations are only compared by verify.
    const auto& indptr = terms_.indptr;
    const int64_t expected = indptr[static_cast<size_t>(range.end)] - indptr[static_cast<size_t>(range.begin)];
    return *applies && found != expected ? Differ() : Status();
  }

 private:
  struct Cells {
    int64_t next;
    int64_t end;
  };
  struct List {
    int32_t begin;
    int32_t next;
    int32_t rank;  // of the cell before it; 0 at first
  };
  struct Rows {
    int32_t begin;
    int32_t depth;
  };

  Status FillBlock(RowRange block, CancelFlag cancel, bool* applies, int64_t* found) {
    const auto first = static_cast<size_t>(block.begin);
    block_.resize(static_cast<size_t>(block.size()) + 1);
    for (size_t t = 0; t < block_.size(); ++t) block_[t] = {lists_.places[first + t].cell, lists_.places[first + t].cell, 0};
    if constexpr (Kind::kHasHead) {
      rows_.clear();
      for (size_t t = first; t < first + static_cast<size_t>(block.size()); ++t) {
        rows_.push_back({lists_.places[t].row, lists_.places[t + 1].row - lists_.places[t].row});
      }
    }
    for (size_t rank = 0; rank < left_.size(); ++rank) {
      if (rank % kRanksPerPoll == 0 && cancel.IsSet()) return Cancelled();
      if (rank + kAhead < left_.size()) Fetch(left_[rank + kAhead]);
      Cells& left = left_[rank];
      const int64_t before = left.next;
      COUPONCAST_RETURN_IF_ERROR(FillCells(rank, block, &left.next, left.end, applies));
      if (!*applies) return {};
      *found += left.next - before;
    }
    for (size_t t = 0; t + 1 < block_.size(); ++t) {
      if (block_[t].next < block_[t + 1].begin - spare_) return Differ();
    }
    return {};
  }

  Status FillCells(size_t rank, RowRange block, int64_t* next, int64_t end, bool* applies) {
    const auto document = static_cast<size_t>(lists_.order[rank]);
    const float length = weights_.length[document];
    int64_t madds = 0;
    for (; *next < end; ++*next) {
      const auto at = static_cast<size_t>(*next);
      const int64_t term = documents_.indices[at];
      if (term >= block.end) break;
      const float weight =
          CellWeight<kWeighting>(documents_.values[at], length, k1_plus_1_, weights_.term_weight[static_cast<size_t>(term)]);
      if (!Kind::Applies(weight, lists_.largest)) {
        *applies = false;
        break;
      }
      if (rank < strip_ranks_) continue;
      const auto place = static_cast<size_t>(term - block.begin);
      if constexpr (Kind::kHasHead) {
        const auto level = static_cast<int32_t>(static_cast<int64_t>(rank) / row_ranks_);
        const Rows& rows = rows_[place];
        madds += kRowMadds * std::min(level + 1, rows.depth);
        if (level < rows.depth) {
          Kind::PutRow(lists_.head, rows.begin + level, static_cast<int64_t>(rank) % row_ranks_, static_cast<uint8_t>(weight),
                       lists_.largest);
          lists_.before[at] = 0;
          continue;
        }
      }
      List& list = block_[place];
      if (rank >= square_ranks_) {
        lists_.before[at] = list.next - list.begin;
        madds += lists_.before[at];
      }
      if (!Put(static_cast<int32_t>(rank), static_cast<typename Kind::Weight>(weight), block_[place + 1].begin, list)) return Differ();
    }
    work_[rank] += static_cast<double>(madds);
    return {};
  }

  // False: the list is full, whose end is given.
  bool Put(int32_t rank, typename Kind::Weight weight, int32_t end, List& list) {
    if constexpr (Kind::kHasHead) {
      return PutCell(rank, weight, end, list);
    } else {
      int64_t step = rank - list.rank;
      for (; step > kMostRankStep; step -= kMostRankStep) {
        if (!PutCell(kMostRankStep, 0, end, list)) return false;
      }
      list.rank = rank;
      return PutCell(step, weight, end, list);
    }
  }

  bool PutCell(int64_t place, typename Kind::Weight weight, int32_t end, List& list) {
    if (list.next >= end) return false;
    Kind::Put(lists_.tail.data() + int64_t{list.next} * Kind::kBytes, place, weight);
    ++list.next;
    return true;
  }

  void Fetch(const Cells& cells) const {
    const auto at = static_cast<size_t>(cells.next);
    __builtin_prefetch(documents_.indices.data() + at);
    __builtin_prefetch(documents_.values.data() + at);
    __builtin_prefetch(lists_.before.data() + at, 1);
  }

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const PairLists& lists_;
  const std::span<double> work_;
  const float k1_plus_1_;
  const int64_t row_ranks_;
  const size_t strip_ranks_;
  const size_t square_ranks_;
  const int64_t spare_;
  std::vector<Cells> left_;  // by rank: the cells of later blocks
  std::vector<List> block_;  // by term of the block, and behind the last
  std::vector<Rows> rows_;   // of the head, by term of the block
};

}  // namespace

Status FillPairLists(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
                     const PairLists& lists, std::span<double> work, bool* applies) {
  COUPONCAST_RETURN_IF_ERROR(CheckPairs(documents, terms, weights, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, terms.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("work", work.size(), documents.rows));
  return DispatchPairs(weights.params.weighting, lists, [&]<Weighting kWeighting, typename Kind>() {
    return PairFiller<kWeighting, Kind>(documents, terms, weights, lists, work).Run(range, cancel, applies);
  });
}

}  // namespace couponcast
