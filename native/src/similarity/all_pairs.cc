#include "couponcast/all_pairs.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "base/best_keys.h"
#include "base/check.h"
#include "similarity/check_pairs.h"
#include "similarity/pair_cells.h"
#include "similarity/pair_kinds.h"
#include "similarity/pair_offers.h"
#include "similarity/pair_rows.h"
#include "similarity/tiled_rows.h"

namespace couponcast {
namespace {

constexpr int64_t kMaxLanes = 1024;

Status CheckBest(const BestLists& best, int64_t documents, int64_t lanes, int64_t k) {
  if (lanes < 1 || lanes > kMaxLanes) return InvalidArgument("expected 1 to 1024 lanes but received " + std::to_string(lanes));
  const int64_t lists = documents * lanes;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", best.entries.size(), lists * BestListCapacity(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", best.counts.size(), lists));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("thresholds", best.thresholds.size(), lists));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("bounds", best.bounds.size(), documents));
  const bool counted = std::ranges::all_of(best.counts, [&](int32_t count) { return count >= 0 && count < BestListCapacity(k); });
  return counted ? Status() : InvalidArgument("expected in counts what the lists hold");
}

// One rank after the other: its sums with all lower ranks, then the lists.
template <Weighting kWeighting, typename Kind>
class PairAdder {
 public:
  PairAdder(const CsrView& documents, const DocumentWeights& weights, const PairLists& lists, RowRange range, int64_t k, bool include_self,
            CancelFlag cancel, const BestLists& best)
      : lists_(lists),
        cancel_(cancel),
        row_ranks_(PairLayoutOf(lists.largest).row_ranks),
        range_(range),
        sums_(static_cast<size_t>((documents.rows + kStep - 1) / kStep * kStep)),
        cells_(documents, weights, lists, {std::clamp(lists.square_ranks, range.begin, range.end), range.end}),
        offers_(lists.order, weights.scale, std::ssize(sums_), k, include_self, best) {}

  Status Run() {
    if constexpr (std::is_same_v<Sum, float>) {
      for (int64_t rank = range_.begin; rank < std::min(range_.end, lists_.square_ranks); ++rank) {
        if (Stop(rank)) return Cancelled();
        OfferFromSquare(rank);
      }
    }
    while (const Batch* batch = cells_.Next()) {
      if (!Add(*batch)) return Cancelled();
      if constexpr (std::is_same_v<Sum, uint16_t>) {
        if (!batch->only) {
          Widen(batch->rank);
          if (batch->last) offers_.Offer(batch->rank, wide_.data(), batch->self);
          continue;
        }
      }
      if (!batch->last) continue;
      ClearFrom(batch->rank);
      if constexpr (std::is_same_v<Sum, float>) CopyTiles(lists_.strip, std::ssize(lists_.order), lists_.strip_ranks, batch->rank);
      offers_.Offer(batch->rank, sums_.data(), batch->self);
    }
    offers_.StoreThresholds();
    return {};
  }

 private:
  static constexpr int64_t kStep = kPairWindow;             // a multiple of a block's sums and of a row's
  static constexpr int64_t kFetchBytes = 8 * Kind::kBytes;  // less than a line

  using Batch = typename PairCells<kWeighting, Kind>::Batch;
  using Sum = typename Kind::Sum;

  // False: cancelled.
  bool Add(const Batch& batch) {
    if (Stop(static_cast<int64_t>(batch.count) + 4 * batch.rows)) return false;
    if constexpr (Kind::kHasHead) {
      AddPairRows(lists_.head, {batch.first_row.data(), batch.depth.data(), batch.weight.data(), static_cast<int64_t>(batch.count)},
                  lists_.largest, bytes_.data(), sums_.data());
    }
    for (size_t v = 0; v < batch.visit_count; ++v) {
      if (Stop(batch.visits[v].count + 1)) return false;
      const size_t ahead = v + Kind::kListsAhead;
      AddList(batch.visits[v], ahead < batch.visit_count ? LinesOf<Kind>(lists_, batch.visits[ahead]) : ListLines{});
    }
    return true;
  }

  void OfferFromSquare(int64_t rank) {
    const int64_t first = rank / kPairTile * kPairTile;
    CopyTiles(lists_.square, lists_.square_ranks, first, rank);
    const float* tile = lists_.square.data() + PairSumAt(lists_.square_ranks, first, rank);
    std::copy_n(tile, rank - first, sums_.data() + first);
    offers_.Offer(rank, sums_.data(), tile[rank - first]);
  }

  // The sums of `rank` with the ranks below `end`, from a square or a strip of `ranks`.
  void CopyTiles(std::span<const float> sums, int64_t ranks, int64_t end, int64_t rank) {
    for (int64_t first = 0; first < end; first += kPairTile) {
      std::copy_n(sums.data() + PairSumAt(ranks, first, rank), kPairTile, sums_.data() + first);
    }
  }

  // Higher ranks of the last row have sums as well; their pairs are taken when it is their turn.
  void ClearFrom(int64_t rank) {
    if (!Kind::kHasHead) return;
    const int64_t row_end = (rank / row_ranks_ + 1) * row_ranks_;
    std::ranges::fill(std::span(sums_).subspan(static_cast<size_t>(rank), static_cast<size_t>(row_end - rank)), Sum{0});
  }

  // Sums of more cells than 16 bits may hold: whole numbers in float32.
  void Widen(int64_t rank) {
    ClearFrom(rank);
    wide_.resize(sums_.size());
    for (size_t at = 0; at < static_cast<size_t>(rank); ++at) {
      wide_[at] += static_cast<float>(sums_[at]);
      sums_[at] = 0;
    }
  }

  // Fetches a line of `ahead` for each one that is added, since many at once would keep the adding waiting.
  void AddList(const typename PairCells<kWeighting, Kind>::Visit& visit, ListLines ahead) {
    const uint8_t* cells = lists_.tail.data() + visit.cell * Kind::kBytes;
    const uint8_t* end = cells + visit.count * Kind::kBytes;
    Sum* sums = sums_.data();
    uint32_t rank = 0;
    const auto add = [&](const uint8_t* until) {
      for (; cells != until; cells += Kind::kBytes) {
        rank = Kind::Rank(cells, rank);
        sums[rank] = static_cast<Sum>(sums[rank] + Kind::Product(cells, visit.weight));
      }
    };
    while (end - cells > kFetchBytes) {
      ahead.FetchOne();
      add(cells + kFetchBytes);
    }
    ahead.FetchAll();
    add(end);
  }

  bool Stop(int64_t cost) {
    until_poll_ -= cost;
    if (until_poll_ >= 0) return false;
    until_poll_ = kMaddsPerPoll;
    return cancel_.IsSet();
  }

  static constexpr int64_t kMaddsPerPoll = int64_t{1} << 20;

  const PairLists& lists_;
  const CancelFlag cancel_;
  const int64_t row_ranks_;
  const RowRange range_;
  int64_t until_poll_ = 0;
  std::vector<Sum> sums_;    // by rank
  std::vector<float> wide_;  // by rank
  PairCells<kWeighting, Kind> cells_;
  PairOffers offers_;
  std::array<uint8_t, kPairRowBytes> bytes_{};
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
  return DispatchPairs(weights.params.weighting, lists, [&]<Weighting kWeighting, typename Kind>() {
    return PairAdder<kWeighting, Kind>(documents, weights, lists, range, k, include_self, cancel, best).Run();
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
  std::vector<uint64_t> all;
  for (int64_t rank = 0; rank < documents; ++rank) {
    const int64_t document = order[static_cast<size_t>(rank)];
    if (document < range.begin || document >= range.end) continue;
    all.clear();
    const uint64_t bound = BestKey(best.bounds[static_cast<size_t>(rank)], -1);  // below all of this score
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const auto list = static_cast<size_t>(lane * documents + rank);
      const auto used = best.entries.subspan(list * capacity, static_cast<size_t>(best.counts[list]));
      for (const uint64_t key : used) {
        if (key >= bound) all.push_back(key);
      }
    }
    if (all.size() > width) {
      SelectKeys(all, k);
      all.resize(width);
    }
    SortKeys(all);
    const auto at = static_cast<size_t>(document - range.begin);
    counts[at] = static_cast<int32_t>(all.size());
    for (size_t j = 0; j < width; ++j) {
      indices[at * width + j] = j < all.size() ? IndexOfKey(all[j]) : -1;
      scores[at * width + j] = j < all.size() ? ScoreOfKey(all[j]) : 0.0F;
    }
  }
  return {};
}

}  // namespace couponcast
