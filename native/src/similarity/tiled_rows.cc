#include "similarity/tiled_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "similarity/answer_candidates.h"
#include "similarity/candidates.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/head.h"
#include "similarity/head_tile.h"
#include "similarity/tile_scorer.h"

namespace couponcast {
namespace {

// Candidate lists of the queries of one pass.
struct OwnedCandidates {
  std::vector<ScoredIndex> entries;
  std::vector<int32_t> counts;
  std::vector<float> kth_lower;
  std::vector<float> error;

  CandidateLists Reset(int64_t lists, int64_t k) {
    entries.resize(static_cast<size_t>(lists * CandidateCapacity(k)));
    counts.assign(static_cast<size_t>(lists), 0);
    kth_lower.assign(static_cast<size_t>(lists), 0.0F);
    error.assign(static_cast<size_t>(lists), 0.0F);
    return {entries, counts, kth_lower, error};
  }
};

template <Weighting kWeighting>
class TiledRows {
 public:
  TiledRows(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t k, bool include_self, CancelFlag cancel,
            ProgressGauge progress)
      : documents_(documents),
        k_(k),
        cancel_(cancel),
        progress_(progress),
        scorer_(documents, terms, weights),
        answer_(documents, terms, weights, k, include_self, cancel),
        no_limits_(kTileScan, kUnreachableLimit),
        found_column_(kTileScan + kCollectSpare),
        found_sum_(kTileScan + kCollectSpare) {}

  Status Run(RowRange range, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts, bool* applies) {
    const auto width = static_cast<size_t>(k_);
    for (int64_t begin = range.begin; begin < range.end && scorer_.applies(); begin += kTiledQueries) {
      const RowRange part{begin, std::min(begin + kTiledQueries, range.end)};
      const auto at = static_cast<size_t>(begin - range.begin);
      const auto size = static_cast<size_t>(part.size());
      const auto report = [&](int64_t documents) {
        progress_.Set((begin - range.begin) * documents_.rows + part.size() * documents, range.size() * documents_.rows);
      };
      COUPONCAST_RETURN_IF_ERROR(RunPart(report, part, indices.subspan(at * width, size * width), scores.subspan(at * width, size * width),
                                         counts.subspan(at, size)));
    }
    *applies = scorer_.applies();
    return {};
  }

 private:
  template <typename Report>
  Status RunPart(Report&& report, RowRange part, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts) {
    Candidates candidates(owned_.Reset(part.size(), k_), k_);
    scorer_.SetQueries(part);
    for (int64_t first = 0; first < documents_.rows && scorer_.applies(); first += kTileBlock) {
      report(first);
      scorer_.SetBlock(first, std::min(first + kTileBlock, documents_.rows));
      if (!scorer_.applies()) break;
      for (int64_t q0 = 0; q0 < part.size(); q0 += kTileQueries) {
        if (cancel_.IsSet()) return Cancelled();
        uint16_t* sums = scorer_.Sums(q0);
        for (int64_t q = q0; q < std::min(q0 + kTileQueries, part.size()); ++q) {
          Collect(part.begin + q, static_cast<size_t>(q), first, sums + (q - q0) * kTileStride, candidates);
        }
      }
    }
    const auto width = static_cast<size_t>(k_);
    for (int64_t q = 0; q < part.size() && scorer_.applies(); ++q) {
      const auto at = static_cast<size_t>(q);
      COUPONCAST_RETURN_IF_ERROR(
          answer_.Row(part.begin + q, candidates, at, indices.subspan(at * width, width), scores.subspan(at * width, width), &counts[at]));
    }
    return {};
  }

  void Collect(int64_t row, size_t list, int64_t first, uint16_t* sums, Candidates& candidates) {
    if (row >= first && row < first + kTileBlock) sums[row - first] = 0;  // not a candidate of its own
    const int64_t degree = documents_.degree(row);
    candidates.RaiseError(list, scorer_.Error(degree));
    const auto score_exactly = [&](std::span<ScoredIndex> entries) { answer_.Score(row, entries); };
    uint16_t limit = scorer_.Limit(candidates.Least(list), degree);
    for (int64_t c = 0; c < kTileBlock; c += kTileScan) {
      const int64_t found = CollectAtLeast(sums + c, no_limits_.data(), kTileScan, limit, found_column_.data(), found_sum_.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) {
        if (found_sum_[j] < limit) continue;
        const auto document = static_cast<int32_t>(first + c + found_column_[j]);
        if (candidates.Push(list, {scorer_.Centre(found_sum_[j], degree), document}, score_exactly)) {
          limit = scorer_.Limit(candidates.Least(list), degree);
        }
      }
    }
  }

  const CsrView& documents_;
  const int64_t k_;
  const CancelFlag cancel_;
  const ProgressGauge progress_;
  TileScorer<kWeighting> scorer_;
  AnswerCandidates<kWeighting> answer_;
  OwnedCandidates owned_;
  const std::vector<uint16_t> no_limits_;  // of columns, which have no lists here
  std::vector<uint16_t> found_column_;
  std::vector<uint16_t> found_sum_;
};

}  // namespace

bool TilingPays(const CsrView& documents, const CsrView& terms, RowRange range, int64_t k) {
  // Nanoseconds, measured; their ratios are what counts.
  constexpr double kScatterMadd = 1.3;
  constexpr double kTailMadd = 0.9;
  constexpr double kSegment = 3.0;
  constexpr double kPair = 0.1;
  constexpr double kHeadCell = 0.012;  // of a query with each document
  constexpr double kPosting = 2.0;
  constexpr double kRescore = 0.7;
  constexpr double kCandidates = 1.5;  // scored exactly for each place of the answer
  if (documents.rows < kTileBlock || k > documents.rows / 8) return false;
  // Calls visit(term, cells of the range in it).
  const auto for_each_term = [&](auto&& visit) {
    if (range.size() == documents.rows) {
      for (int64_t term = 0; term < terms.rows; ++term) visit(term, static_cast<double>(terms.degree(term)));
      return;
    }
    for (int64_t row = range.begin; row < range.end; ++row) {
      for (const int32_t term : documents.row_indices(row)) visit(term, 1.0);
    }
  };
  double madds = 0;
  for_each_term([&](int64_t term, double cells) { madds += cells * static_cast<double>(terms.degree(term)); });
  const double scatter = madds * kScatterMadd;
  const double pairs = static_cast<double>(range.size()) * static_cast<double>(documents.rows);
  const double passes = std::ceil(static_cast<double>(range.size()) / static_cast<double>(kTiledQueries));
  const double least = pairs * kPair + passes * static_cast<double>(documents.nnz()) * kPosting;
  // What follows looks at all documents: not for the short calls that cannot pay.
  if (scatter <= least) return false;

  const Head head = ChooseHead(terms, documents.rows);
  const int64_t num_blocks = (documents.rows + kTileBlock - 1) / kTileBlock;
  const auto blocks = static_cast<double>(num_blocks);
  double head_cells = 0;
  double tail_madds = 0;
  double segments = 0;
  for_each_term([&](int64_t term, double cells) {
    if (head.slot[static_cast<size_t>(term)] >= 0) {
      head_cells += cells;
      return;
    }
    const auto degree = static_cast<double>(terms.degree(term));
    tail_madds += cells * degree;
    segments += cells * std::min(blocks, degree);
  });
  // Candidates are documents as a cell sees them: the mean is over cells, not over documents.
  double squares = 0;
  for (int64_t row = 0; row < documents.rows; ++row) {
    squares += static_cast<double>(documents.degree(row)) * static_cast<double>(documents.degree(row));
  }
  const double rescored = static_cast<double>(range.size()) * kCandidates * static_cast<double>(k) * squares /
                          std::max(1.0, static_cast<double>(documents.nnz()));
  const double tiled = least + head_cells * static_cast<double>(documents.rows) * kHeadCell + tail_madds * kTailMadd + segments * kSegment +
                       rescored * kRescore;
  return tiled < scatter;
}

Status SimilarRowsTiled(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                        bool include_self, CancelFlag cancel, ProgressGauge progress, std::span<int32_t> indices, std::span<float> scores,
                        std::span<int32_t> counts, bool* applies) {
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    TiledRows<kWeighting> rows(documents, terms, weights, k, include_self, cancel, progress);
    return rows.Run(range, indices, scores, counts, applies);
  });
}

}  // namespace couponcast
