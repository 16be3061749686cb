#include <atomic>
#include <cmath>
#include <string>

#include "base/check.h"
#include "couponcast/itemsets.h"
#include "mining/class_miners.h"

namespace couponcast {
namespace {

// Bits for each cell beyond which most words of an AND would be empty.
constexpr int64_t kMaxBitsPerCell = 512;

bool Mine(MiningAlgorithm algorithm, const ItemClass& item_class, RowRange seconds, ClassProjector* projector, BitMiner* bits,
          ItemsetSink* sink) {
  if (algorithm == MiningAlgorithm::kAuto) {
    const bool dense = item_class.num_items() * item_class.num_baskets / kMaxBitsPerCell <= item_class.num_cells;
    algorithm = dense ? MiningAlgorithm::kEclat : MiningAlgorithm::kFpGrowth;
  }
  if (algorithm == MiningAlgorithm::kFpGrowth) return MineByTrees(item_class, seconds, projector, sink);
  if (algorithm == MiningAlgorithm::kApriori) return MineByLevels(item_class, seconds, projector, sink);
  return bits->Mine(item_class, seconds, projector, sink);
}

bool MinePairs(const ItemClass& item_class, RowRange seconds, ItemsetSink* sink) {
  for (int64_t e = seconds.begin; e < seconds.end; ++e) {
    if (!sink->Add(2, item_class.ranks[static_cast<size_t>(e)], item_class.supports[static_cast<size_t>(e)])) return false;
  }
  return true;
}

// Items of the part-th of `parts` shares: of about equally many pairs of items, as each pairs with those behind it.
RowRange ShareOf(int64_t part, int64_t parts, int64_t items) {
  const auto bound = [&](int64_t p) {
    const double left = std::sqrt(1.0 - static_cast<double>(p) / static_cast<double>(parts));
    return p == parts ? items : static_cast<int64_t>(static_cast<double>(items) * (1.0 - left));
  };
  return {bound(part), bound(part + 1)};
}

Status CheckOptions(const MiningOptions& options) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("minCount", options.min_count));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("maxItemsets", options.max_itemsets));
  const auto algorithm = static_cast<int32_t>(options.algorithm);
  if (options.max_length < 0 || algorithm < 0 || algorithm > static_cast<int32_t>(MiningAlgorithm::kApriori)) {
    return InvalidArgument("expected maxLength >= 0 and an algorithm from 0 to 3 but received " + std::to_string(options.max_length) +
                           " and " + std::to_string(algorithm));
  }
  return {};
}

Status CheckRanked(const RankedBaskets& baskets) {
  if (baskets.rank_begin.empty()) return InvalidArgument("expected at least one element in rankBegin but received none");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("itemOfRank", baskets.item_of_rank.size(), baskets.num_ranks()));
  return CheckSize("occurrences", baskets.occurrences.size(), baskets.rank_begin.back());
}

Status CheckShares(std::span<const MiningShare> shares, int64_t num_ranks) {
  for (const MiningShare& share : shares) {
    COUPONCAST_RETURN_IF_ERROR(CheckRange(share.range, num_ranks));
    if (share.parts < 1 || share.part < 0 || share.part >= share.parts) {
      return InvalidArgument("expected 0 <= part < parts but received " + std::to_string(share.part) + " and " +
                             std::to_string(share.parts));
    }
  }
  return {};
}

class Search {
 public:
  Search(const RankedBaskets& baskets, const MiningOptions& options, CancelFlag cancel, int64_t* num_itemsets, ItemsetList* out)
      : baskets_(baskets),
        options_(options),
        sink_(options, baskets.item_of_rank, cancel, num_itemsets, out),
        projector_(baskets, cancel) {}

  Status Mine(const MiningShare& share) {
    for (int64_t rank = share.range.begin; rank < share.range.end; ++rank) {
      if (!MineClass(rank, share)) return sink_.status().ok() ? Cancelled() : sink_.status();
    }
    return {};
  }

  int64_t num_sets() const { return sink_.num_sets(); }
  Status Finish() { return sink_.Finish(); }

 private:
  bool MineClass(int64_t rank, const MiningShare& share) {
    const int64_t support = baskets_.rank_begin[static_cast<size_t>(rank) + 1] - baskets_.rank_begin[static_cast<size_t>(rank)];
    if (share.part == 0 && !sink_.Add(1, static_cast<int32_t>(rank), support)) return false;
    if (!sink_.GoesBeyond(1)) return true;
    if (!projector_.Open(static_cast<int32_t>(rank), options_.min_count, &class_)) return false;
    const RowRange seconds = ShareOf(share.part, share.parts, class_.num_items());
    const bool only_pairs = class_.num_items() < 2 || !sink_.GoesBeyond(2);
    if (only_pairs) return MinePairs(class_, seconds, &sink_);
    return couponcast::Mine(options_.algorithm, class_, seconds, &projector_, &bits_, &sink_);
  }

  const RankedBaskets& baskets_;
  const MiningOptions& options_;
  ItemsetSink sink_;
  ClassProjector projector_;
  BitMiner bits_;
  ItemClass class_;
};

}  // namespace

Status MineItemsets(const RankedBaskets& baskets, std::span<const MiningShare> shares, const MiningOptions& options, CancelFlag cancel,
                    ProgressGauge progress, SharedSearch shared, ItemsetList* out) {
  COUPONCAST_RETURN_IF_ERROR(CheckRanked(baskets));
  COUPONCAST_RETURN_IF_ERROR(CheckShares(shares, baskets.num_ranks()));
  COUPONCAST_RETURN_IF_ERROR(CheckOptions(options));
  const auto size = static_cast<int64_t>(shares.size());
  Search search(baskets, options, cancel, shared.num_itemsets, out);
  for (;;) {
    const int64_t share = std::atomic_ref(*shared.next_share).fetch_add(1, std::memory_order_relaxed);
    if (share >= size) return search.Finish();
    progress.Set(share, size);
    COUPONCAST_RETURN_IF_ERROR(search.Mine(shares[static_cast<size_t>(share)]));
    out->shares.push_back(share);
    out->ends.push_back(search.num_sets());
  }
}

}  // namespace couponcast
