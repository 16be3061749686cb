#include <algorithm>
#include <cmath>
#include <limits>
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

}  // namespace

Status MineItemsets(const RankedBaskets& baskets, RowRange range, int64_t part, int64_t parts, const MiningOptions& options,
                    CancelFlag cancel, ProgressGauge progress, int64_t* shared_count, ItemsetList* out) {
  COUPONCAST_RETURN_IF_ERROR(CheckRanked(baskets));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, baskets.num_ranks()));
  COUPONCAST_RETURN_IF_ERROR(CheckOptions(options));
  if (parts < 1 || part < 0 || part >= parts) {
    return InvalidArgument("expected 0 <= part < parts but received " + std::to_string(part) + " and " + std::to_string(parts));
  }
  ItemsetSink sink(options, baskets.item_of_rank, cancel, shared_count, out);
  ClassProjector projector(baskets, cancel);
  BitMiner bits;
  ItemClass item_class;
  for (int64_t rank = range.begin; rank < range.end; ++rank) {
    progress.Set(rank - range.begin, range.size());
    const int64_t support = baskets.rank_begin[static_cast<size_t>(rank) + 1] - baskets.rank_begin[static_cast<size_t>(rank)];
    if (part == 0 && !sink.Add(1, static_cast<int32_t>(rank), support)) return sink.status();
    if (!sink.GoesBeyond(1)) continue;
    if (!projector.Open(static_cast<int32_t>(rank), options.min_count, &item_class)) return Cancelled();
    const RowRange seconds = ShareOf(part, parts, item_class.num_items());
    const bool only_pairs = item_class.num_items() < 2 || !sink.GoesBeyond(2);
    const bool completed =
        only_pairs ? MinePairs(item_class, seconds, &sink) : Mine(options.algorithm, item_class, seconds, &projector, &bits, &sink);
    if (!completed) return sink.status().ok() ? Cancelled() : sink.status();
  }
  sink.Flush();
  return sink.status();
}

}  // namespace couponcast
