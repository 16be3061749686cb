#include "couponcast/all_pairs.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/write_neighbours.h"
#include "similarity/check_pairs.h"
#include "similarity/pair_kinds.h"
#include "similarity/pair_scan.h"
#include "similarity/pair_score.h"
#include "similarity/tiled_rows.h"

namespace couponcast {
namespace {

constexpr size_t kChunk = 4096;  // cells of a document that are added together
constexpr int64_t kScan = 512;   // sums looked at before the row's own threshold may rise
constexpr int64_t kMaxLanes = 1024;

Status CheckBest(const BestLists& best, int64_t documents, int64_t lanes, int64_t k) {
  if (lanes < 1 || lanes > kMaxLanes) return InvalidArgument("expected 1 to 1024 lanes but received " + std::to_string(lanes));
  const int64_t lists = documents * lanes;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", best.entries.size(), lists * BestListCapacity(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", best.counts.size(), lists));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("thresholds", best.thresholds.size(), lists));
  const bool counted = std::ranges::all_of(best.counts, [&](int32_t count) { return count >= 0 && count < BestListCapacity(k); });
  return counted ? Status() : InvalidArgument("expected in counts what the lists hold");
}

// One rank after the other: its sums with all lower ranks, then the lists.
template <Weighting kWeighting, typename Kind>
class PairAdder {
 public:
  PairAdder(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, int64_t k,
            bool include_self, CancelFlag cancel, const BestLists& best)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        lists_(lists),
        k_(k),
        capacity_(BestListCapacity(k)),
        include_self_(include_self),
        cancel_(cancel),
        best_(best),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        row_ranks_(PairLayoutOf(lists.largest).row_ranks),
        sums_(static_cast<size_t>((documents.rows + kStep - 1) / kStep * kStep)),
        scale_(sums_.size(), 0.0F),
        columns_(kScan),
        scores_(kScan) {
    for (size_t rank = 0; rank < lists.order.size(); ++rank) scale_[rank] = weights.scale[static_cast<size_t>(lists.order[rank])];
    // As long as the sums; behind the last rank the scale of 0 lets nothing through.
    thresholds_.assign(best.thresholds.begin(), best.thresholds.end());
    thresholds_.resize(sums_.size(), 0.0F);
  }

  Status Run(RowRange range) {
    for (int64_t rank = range.begin; rank < range.end; ++rank) {
      COUPONCAST_RETURN_IF_ERROR(Add(rank));
      Offer(rank);
    }
    std::ranges::copy(std::span(thresholds_).first(best_.thresholds.size()), best_.thresholds.begin());
    return {};
  }

 private:
  static constexpr int64_t kStep = 256;  // sums that a scan takes at least, and a row has at most

  using Weight = typename Kind::Weight;
  using Sum = typename Kind::Sum;

  Status Add(int64_t rank) {
    const int32_t document = lists_.order[static_cast<size_t>(rank)];
    const auto cells = documents_.row_indices(document);
    const auto values = documents_.row_values(document);
    const auto before = lists_.before.subspan(static_cast<size_t>(documents_.indptr[static_cast<size_t>(document)]), cells.size());
    const float length = weights_.length[static_cast<size_t>(document)];
    const auto most_rows = static_cast<int32_t>(std::min(rank / row_ranks_ + 1, kMaxPairDepth));
    self_ = 0;
    for (size_t begin = 0; begin < cells.size(); begin += kChunk) {
      const size_t count = std::min(kChunk, cells.size() - begin);
      size_t visits = 0;
      int64_t rows = 0;
      for (size_t i = 0; i < count; ++i) {
        if (i + kPlacesAhead < count) __builtin_prefetch(&lists_.places[static_cast<size_t>(cells[begin + i + kPlacesAhead])]);
        const auto term = static_cast<size_t>(cells[begin + i]);
        const float weight = CellWeight<kWeighting>(values[begin + i], length, k1_plus_1_, weights_.term_weight[term]);
        self_ += weight * weight;
        weight_[i] = static_cast<Weight>(weight);
        const PairLists::Place& place = lists_.places[term];
        first_row_[i] = place.row;
        const PairLists::Place& next = lists_.places[term + 1];
        depth_[i] = std::min(next.row - place.row, most_rows);
        rows += depth_[i];
        // No more than there are, whatever a file's other orientation says.
        visits_[visits] = {place.cell, std::min(before[begin + i], next.cell - place.cell), weight_[i]};
        visits += static_cast<size_t>(before[begin + i] > 0);
      }
      if (Stop(static_cast<int64_t>(count) + 4 * rows)) return Cancelled();
      Kind::AddRows(lists_.head, {first_row_.data(), depth_.data(), weight_.data(), static_cast<int64_t>(count)}, lists_.largest,
                    sums_.data());
      if (!AddTail(visits)) return Cancelled();
    }
    return {};
  }

  struct Visit {
    int32_t cell;
    int32_t count;
    Weight weight;
  };

  // False: cancelled.
  bool AddTail(size_t visits) {
    for (size_t v = 0; v < visits; ++v) {
      if (v + kAhead < visits) Prefetch(visits_[v + kAhead]);
      if (Stop(visits_[v].count + 1)) return false;
      AddList(visits_[v]);
    }
    return true;
  }

  const uint32_t* ListOf(const Visit& visit) const { return lists_.tail.data() + visit.cell * Kind::kWords; }

  void Prefetch(const Visit& visit) const {
    const uint32_t* next = ListOf(visit);
    constexpr int64_t kLine = 64 / sizeof(uint32_t);
    for (int64_t at = 0; at < std::min(visit.count, kFetched) * Kind::kWords; at += kLine) __builtin_prefetch(next + at);
  }

  void AddList(const Visit& visit) {
    const uint32_t* cells = ListOf(visit);
    const uint32_t* end = cells + visit.count * Kind::kWords;
    Sum* sums = sums_.data();
    for (; cells != end; cells += Kind::kWords) sums[Kind::Rank(cells)] += Kind::Product(cells, visit.weight);
  }

  void Offer(int64_t rank) {
    const int32_t document = lists_.order[static_cast<size_t>(rank)];
    const float scale = scale_[static_cast<size_t>(rank)];
    // Higher ranks of the last row have sums as well; their pairs are taken when it is their turn.
    const int64_t row_end = (rank / row_ranks_ + 1) * row_ranks_;
    std::ranges::fill(std::span(sums_).subspan(static_cast<size_t>(rank), static_cast<size_t>(row_end - rank)), Sum{0});
    for (int64_t first = 0; first < rank; first += kScan) {
      const int64_t count = std::min(kScan, (rank - first + kStep - 1) / kStep * kStep);
      const auto at = static_cast<size_t>(first);
      const float threshold = thresholds_[static_cast<size_t>(rank)];
      const int64_t found = TakePairs(sums_.data() + at, scale_.data() + at, thresholds_.data() + at, count, scale, threshold,
                                      columns_.data(), scores_.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) {
        const int64_t other = first + columns_[j];
        const float score = scores_[j];
        if (score >= thresholds_[static_cast<size_t>(rank)]) Push(rank, {score, lists_.order[static_cast<size_t>(other)]});
        if (score >= thresholds_[static_cast<size_t>(other)]) Push(other, {score, document});
      }
    }
    const float self = PairScore(self_, scale, scale);
    if (include_self_ && self > 0) Push(rank, {self, document});
  }

  void Push(int64_t rank, ScoredIndex entry) {
    const auto at = static_cast<size_t>(rank);
    int32_t& count = best_.counts[at];
    const auto list = best_.entries.subspan(at * static_cast<size_t>(capacity_), static_cast<size_t>(capacity_));
    list[static_cast<size_t>(count++)] = entry;
    if (count < capacity_) return;
    const auto kth = list.begin() + (k_ - 1);
    std::ranges::nth_element(list, kth, kBetter);
    count = static_cast<int32_t>(k_);
    thresholds_[at] = kth->score;
  }

  bool Stop(int64_t cost) {
    until_poll_ -= cost;
    if (until_poll_ >= 0) return false;
    until_poll_ = kMaddsPerPoll;
    return cancel_.IsSet();
  }

  static constexpr int64_t kMaddsPerPoll = int64_t{1} << 20;
  static constexpr size_t kPlacesAhead = 32;  // cells whose places are fetched early
  static constexpr size_t kAhead = 16;        // lists that are fetched early
  static constexpr int32_t kFetched = 128;    // entries of them, at most

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const PairLists& lists_;
  const int64_t k_;
  const int64_t capacity_;
  const bool include_self_;
  const CancelFlag cancel_;
  const BestLists& best_;
  const float k1_plus_1_;
  int64_t until_poll_ = 0;
  float self_ = 0;
  const int64_t row_ranks_;
  std::vector<Sum> sums_;          // by rank
  std::vector<float> scale_;       // by rank
  std::vector<float> thresholds_;  // by rank
  std::array<Weight, kChunk> weight_;
  std::array<Visit, kChunk> visits_;  // lists to add
  std::array<int32_t, kChunk> first_row_;
  std::array<int32_t, kChunk> depth_;
  std::vector<int32_t> columns_;
  std::vector<float> scores_;
};

}  // namespace

bool AllPairsPays(const CsrView& documents, const CsrView& terms, int64_t k) {
  return !TilingPays(documents, terms, {0, documents.rows}, k);
}

Status AddPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, RowRange range,
                int64_t k, bool include_self, CancelFlag cancel, const BestLists& best) {
  COUPONCAST_RETURN_IF_ERROR(CheckPairs(documents, terms, weights, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckBest(best, documents.rows, 1, k));
  return DispatchPairs(weights.params.weighting, lists.largest > 0, [&]<Weighting kWeighting, typename Kind>() {
    return PairAdder<kWeighting, Kind>(documents, terms, weights, lists, k, include_self, cancel, best).Run(range);
  });
}

Status MergeBestLists(std::span<const int32_t> order, const BestLists& best, int64_t lanes, RowRange range, int64_t k,
                      std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts) {
  const auto documents = std::ssize(order);
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckBest(best, documents, lanes, k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", indices.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), range.size()));
  const auto capacity = static_cast<size_t>(BestListCapacity(k));
  const auto width = static_cast<size_t>(k);
  std::vector<ScoredIndex> all;
  for (int64_t rank = 0; rank < documents; ++rank) {
    const int64_t document = order[static_cast<size_t>(rank)];
    if (document < range.begin || document >= range.end) continue;
    all.clear();
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const auto list = static_cast<size_t>(lane * documents + rank);
      const auto used = best.entries.subspan(list * capacity, static_cast<size_t>(best.counts[list]));
      all.insert(all.end(), used.begin(), used.end());
    }
    if (all.size() > width) {
      std::ranges::nth_element(all, all.begin() + (k - 1), kBetter);
      all.resize(width);
    }
    std::ranges::sort(all, kBetter);
    const auto at = static_cast<size_t>(document - range.begin);
    WriteNeighbours(all, indices.subspan(at * width, width), scores.subspan(at * width, width), &counts[at]);
  }
  return {};
}

}  // namespace couponcast
