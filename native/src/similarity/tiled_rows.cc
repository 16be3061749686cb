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
        weights_(weights),
        k_(k),
        cancel_(cancel),
        progress_(progress),
        scorer_(documents, terms, weights),
        answer_(documents, terms, weights, k, include_self, cancel),
        found_index_(kTileScan),
        found_score_(kTileScan) {}

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
      for (int64_t q0 = 0; q0 < part.size(); q0 += kTileQueries) {
        if (cancel_.IsSet()) return Cancelled();
        float* sums = scorer_.Sums(q0);
        for (int64_t q = q0; q < std::min(q0 + kTileQueries, part.size()); ++q) {
          Collect(part.begin + q, q, first, sums + (q - q0) * kTileBlock, candidates);
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

  void Collect(int64_t row, int64_t q, int64_t first, float* sums, Candidates& candidates) {
    const float row_scale = weights_.scale[static_cast<size_t>(row)];
    if (!(row_scale > 0)) return;
    if (row >= first && row < first + kTileBlock) sums[row - first] = 0;  // not a candidate of its own
    const auto list = static_cast<size_t>(q);
    const float relative = RelativeError(documents_.degree(row));
    candidates.RaiseError(list, scorer_.Error(q));
    const int64_t count = std::min(kTileBlock, (documents_.rows - first + 63) / 64 * 64);
    for (int64_t c = 0; c < count; c += kTileScan) {
      const float least = std::max(candidates.Least(list, relative) / row_scale * (1 - relative), kSmallestScore);
      const int64_t found = CollectAbove(sums + c, scorer_.scale() + c, std::min(kTileScan, count - c), least,
                                         static_cast<int32_t>(first + c), found_index_.data(), found_score_.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) {
        candidates.Push(list, {found_score_[j] * row_scale, found_index_[j]}, relative);
      }
    }
  }

  const CsrView& documents_;
  const DocumentWeights& weights_;
  const int64_t k_;
  const CancelFlag cancel_;
  const ProgressGauge progress_;
  TileScorer<kWeighting> scorer_;
  AnswerCandidates<kWeighting> answer_;
  OwnedCandidates owned_;
  std::vector<int32_t> found_index_;
  std::vector<float> found_score_;
};

}  // namespace

bool TilingPays(const CsrView& documents, const CsrView& terms, RowRange range, int64_t k) {
  // Nanoseconds, measured; their ratios are what counts.
  constexpr double kScatterMadd = 1.3;
  constexpr double kTailMadd = 1.0;
  constexpr double kSegment = 3.0;
  constexpr double kPair = 0.2;
  constexpr double kHeadMadd = 0.0055;
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
  double tail_madds = 0;
  double segments = 0;
  for_each_term([&](int64_t term, double cells) {
    if (head.slot[static_cast<size_t>(term)] >= 0) return;
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
  const double tiled =
      least + pairs * kHeadMadd * static_cast<double>(head.width) + tail_madds * kTailMadd + segments * kSegment + rescored * kRescore;
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
