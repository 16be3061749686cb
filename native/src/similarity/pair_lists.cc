#include <algorithm>
#include <string>
#include <vector>

#include "similarity/check_pairs.h"
#include "similarity/pair_kinds.h"

namespace couponcast {
namespace {

constexpr int64_t kTermsPerPoll = 1024;

// Of each document: its first cell that is not of a term before `term`.
std::vector<int64_t> FirstCells(const CsrView& documents, int64_t term) {
  std::vector<int64_t> first(static_cast<size_t>(documents.rows));
  for (int64_t document = 0; document < documents.rows; ++document) {
    const auto cells = documents.row_indices(document);
    first[static_cast<size_t>(document)] =
        documents.indptr[static_cast<size_t>(document)] + (std::ranges::lower_bound(cells, term) - cells.begin());
  }
  return first;
}

Status Differ() { return CorruptFile("the matrix's two orientations do not hold the same cells"); }

// Term by term, so that all but the documents' places are met in the order of the memory.
template <Weighting kWeighting, typename Kind>
class PairFiller {
 public:
  PairFiller(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        lists_(lists),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        row_ranks_(PairLayoutOf(lists.largest).row_ranks),
        ranks_(RanksOf(lists.order)) {}

  Status Run(RowRange range, CancelFlag cancel, bool* applies) {
    next_ = FirstCells(documents_, range.begin);
    *applies = true;
    for (int64_t term = range.begin; term < range.end && *applies; ++term) {
      if ((term - range.begin) % kTermsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      COUPONCAST_RETURN_IF_ERROR(FillTerm(term, applies));
    }
    // A file's two orientations are only compared by verify.
    return *applies && next_ != FirstCells(documents_, range.end) ? Differ() : Status();
  }

 private:
  using Weight = typename Kind::Weight;

  Status FillTerm(int64_t term, bool* applies) {
    const PairLists::Place& place = lists_.places[static_cast<size_t>(term)];
    const PairLists::Place& end = lists_.places[static_cast<size_t>(term) + 1];
    const auto cells = terms_.row_indices(term);
    const auto values = terms_.row_values(term);
    tail_.clear();
    weight_.resize(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto document = static_cast<size_t>(cells[i]);
      const float weight =
          CellWeight<kWeighting>(values[i], weights_.length[document], k1_plus_1_, weights_.term_weight[static_cast<size_t>(term)]);
      if (!Kind::Applies(weight, lists_.largest)) {
        *applies = false;
        return {};
      }
      const int32_t rank = ranks_[document];
      const int64_t level = rank / row_ranks_;
      if (level >= end.row - place.row) {
        weight_[i] = static_cast<Weight>(weight);
        tail_.push_back(static_cast<uint64_t>(rank) << 32U | i);
        continue;
      }
      Kind::PutRow(lists_.head, place.row + level, rank % row_ranks_, static_cast<Weight>(weight), lists_.largest);
      ++next_[document];
    }
    if (std::ssize(tail_) != end.cell - place.cell) return Differ();
    std::ranges::sort(tail_);
    int32_t before = 0;
    for (const uint64_t cell : tail_) {
      const size_t i = cell & 0xFFFF'FFFFU;
      const auto document = static_cast<size_t>(cells[i]);
      int64_t& next = next_[document];
      if (next >= documents_.indptr[document + 1]) return Differ();
      Kind::Put(lists_.tail.data() + (int64_t{place.cell} + before) * Kind::kWords, static_cast<int64_t>(cell >> 32U), weight_[i]);
      lists_.before[static_cast<size_t>(next++)] = before++;
    }
    return {};
  }

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const PairLists& lists_;
  const float k1_plus_1_;
  const int64_t row_ranks_;
  const std::vector<int32_t> ranks_;
  std::vector<int64_t> next_;   // of each document: the cell of the next term
  std::vector<uint64_t> tail_;  // of a term's tail: rank << 32 | place in the row
  std::vector<Weight> weight_;  // by place in the row
};

}  // namespace

Status FillPairLists(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
                     const PairLists& lists, bool* applies) {
  COUPONCAST_RETURN_IF_ERROR(CheckPairs(documents, terms, weights, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, terms.rows));
  return DispatchPairs(weights.params.weighting, lists.largest > 0, [&]<Weighting kWeighting, typename Kind>() {
    return PairFiller<kWeighting, Kind>(documents, terms, weights, lists).Run(range, cancel, applies);
  });
}

}  // namespace couponcast
