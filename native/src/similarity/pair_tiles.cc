#include "couponcast/pair_tiles.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "similarity/answer_candidates.h"
#include "similarity/candidates.h"
#include "similarity/check_weights.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/head_tile.h"
#include "similarity/tile_scorer.h"

namespace couponcast {
namespace {

Status CheckCandidates(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t k,
                       const CandidateLists& lists) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", lists.entries.size(), documents.rows * CandidateCapacity(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", lists.counts.size(), documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("kth_lower", lists.kth_lower.size(), documents.rows));
  return CheckSize("error", lists.error.size(), documents.rows);
}

// The lists of a call's documents hold what fits; other calls may be writing to other lists.
Status CheckCounts(const CandidateLists& lists, RowRange range, int64_t k) {
  const auto counts = lists.counts.subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()));
  const bool fit = std::ranges::all_of(counts, [&](int32_t count) { return count >= 0 && count < CandidateCapacity(k); });
  return fit ? Status() : InvalidArgument("expected in counts what the lists hold");
}

template <Weighting kWeighting>
class PairTiles {
 public:
  PairTiles(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t k, CancelFlag cancel,
            const CandidateLists& lists)
      : documents_(documents),
        cancel_(cancel),
        candidates_(lists, k),
        scorer_(documents, terms, weights),
        answer_(documents, terms, weights, k, /*include_self=*/false, cancel),
        column_limits_(kTileBlock),
        found_column_(kTileScan + kCollectSpare),
        found_sum_(kTileScan + kCollectSpare) {}

  Status Run(RowRange group, RowRange other, bool* applies) {
    scorer_.SetQueries(group);
    for (int64_t first = other.begin; first < other.end && scorer_.applies(); first += kTileBlock) {
      const int64_t last = std::min(first + kTileBlock, other.end);
      scorer_.SetBlock(first, last);
      if (!scorer_.applies()) break;
      StartColumns(first, last);
      // Within a group only columns behind the row's own count.
      const bool same = group.begin == other.begin;
      const int64_t queries = same ? std::min(group.size(), last - group.begin) : group.size();
      for (int64_t q0 = 0; q0 < queries; q0 += kTileQueries) {
        if (cancel_.IsSet()) return Cancelled();
        uint16_t* sums = scorer_.Sums(q0);
        for (int64_t q = q0; q < std::min(q0 + kTileQueries, queries); ++q) {
          const int64_t row = group.begin + q;
          Collect(row, first, same ? std::max<int64_t>(0, row + 1 - first) : 0, sums + (q - q0) * kTileStride);
        }
      }
    }
    *applies = scorer_.applies();
    return {};
  }

 private:
  static constexpr size_t kAhead = 4;  // finds whose lists are fetched early

  void StartColumns(int64_t first, int64_t last) {
    std::ranges::fill(column_limits_, kUnreachableLimit);
    for (int64_t document = first; document < last; ++document) {
      candidates_.RaiseError(static_cast<size_t>(document), scorer_.Error(documents_.degree(document)));
      SetColumnLimit(document, first);
    }
  }
  void SetColumnLimit(int64_t document, int64_t first) { column_limits_[static_cast<size_t>(document - first)] = Limit(document); }
  uint16_t Limit(int64_t document) const {
    return scorer_.Limit(candidates_.Least(static_cast<size_t>(document)), documents_.degree(document));
  }

  // Of the columns from `begin` on.
  void Collect(int64_t row, int64_t first, int64_t begin, uint16_t* sums) {
    std::fill_n(sums, begin, uint16_t{0});  // not candidates
    const auto list = static_cast<size_t>(row);
    const int64_t degree = documents_.degree(row);
    candidates_.RaiseError(list, scorer_.Error(degree));
    uint16_t limit = Limit(row);
    for (int64_t c = begin / kTileScan * kTileScan; c < kTileBlock; c += kTileScan) {
      const int64_t found = CollectAtLeast(sums + c, column_limits_.data() + c, kTileScan, limit, found_column_.data(), found_sum_.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) {
        if (j + kAhead < static_cast<size_t>(found)) candidates_.Prefetch(static_cast<size_t>(first + c + found_column_[j + kAhead]));
        const int64_t column = c + found_column_[j];
        const int64_t document = first + column;
        const uint16_t sum = found_sum_[j];
        if (sum >= limit && Push(row, document, scorer_.Centre(sum, degree))) limit = Limit(row);
        if (sum < column_limits_[static_cast<size_t>(column)]) continue;
        if (Push(document, row, scorer_.Centre(sum, documents_.degree(document)))) SetColumnLimit(document, first);
      }
    }
  }

  bool Push(int64_t document, int64_t other, float score) {
    return candidates_.Push(static_cast<size_t>(document), {score, static_cast<int32_t>(other)},
                            [&](std::span<ScoredIndex> entries) { answer_.Score(document, entries); });
  }

  const CsrView& documents_;
  const CancelFlag cancel_;
  Candidates candidates_;
  TileScorer<kWeighting> scorer_;
  AnswerCandidates<kWeighting> answer_;
  std::vector<uint16_t> column_limits_;  // [kTileBlock] that a sum must reach for the column's list
  std::vector<uint16_t> found_column_;
  std::vector<uint16_t> found_sum_;
};

}  // namespace

Status AddPairTiles(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange group, RowRange other,
                    int64_t k, CancelFlag cancel, const CandidateLists& lists, bool* applies) {
  COUPONCAST_RETURN_IF_ERROR(CheckCandidates(documents, terms, weights, k, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(group, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(other, documents.rows));
  const bool same = group.begin == other.begin && group.end == other.end;
  if (!same && group.begin < other.end && other.begin < group.end) return InvalidArgument("expected groups that do not overlap in part");
  COUPONCAST_RETURN_IF_ERROR(CheckCounts(lists, group, k));
  COUPONCAST_RETURN_IF_ERROR(CheckCounts(lists, other, k));
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    return PairTiles<kWeighting>(documents, terms, weights, k, cancel, lists).Run(group, other, applies);
  });
}

Status AnswerPairTiles(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                       bool include_self, CancelFlag cancel, const CandidateLists& lists, std::span<int32_t> indices,
                       std::span<float> scores, std::span<int32_t> counts) {
  COUPONCAST_RETURN_IF_ERROR(CheckCandidates(documents, terms, weights, k, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", indices.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckCounts(lists, range, k));
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() -> Status {
    AnswerCandidates<kWeighting> answer(documents, terms, weights, k, include_self, cancel);
    Candidates candidates(lists, k);
    const auto width = static_cast<size_t>(k);
    for (int64_t row = range.begin; row < range.end; ++row) {
      const auto at = static_cast<size_t>(row - range.begin);
      COUPONCAST_RETURN_IF_ERROR(answer.Row(row, candidates, static_cast<size_t>(row), indices.subspan(at * width, width),
                                            scores.subspan(at * width, width), &counts[at]));
    }
    return {};
  });
}

}  // namespace couponcast
