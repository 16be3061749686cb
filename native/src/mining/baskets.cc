#include <algorithm>
#include <limits>
#include <string>

#include "base/check.h"
#include "couponcast/itemsets.h"

namespace couponcast {
namespace {

constexpr int64_t kBasketsPerPoll = 4096;

Status CheckBaskets(const BasketsView& baskets, RowRange range) {
  if (baskets.indptr.empty()) return InvalidArgument("expected at least one element in indptr but received none");
  COUPONCAST_RETURN_IF_ERROR(CheckCount("items", baskets.num_items));
  // Counts are int32, positions uint32.
  if (baskets.num_baskets() > std::numeric_limits<int32_t>::max()) {
    return InvalidArgument("expected fewer than 2^31 baskets but received " + std::to_string(baskets.num_baskets()));
  }
  if (baskets.items.size() + baskets.indptr.size() > std::numeric_limits<uint32_t>::max()) {
    return InvalidArgument("expected fewer than 2^32 items in all baskets but received " + std::to_string(baskets.items.size()));
  }
  return CheckRange(range, baskets.num_baskets());
}

Status CheckBasket(const BasketsView& baskets, int64_t basket) {
  const int64_t begin = baskets.indptr[static_cast<size_t>(basket)];
  const int64_t end = baskets.indptr[static_cast<size_t>(basket) + 1];
  if (begin < 0 || begin > end || end > static_cast<int64_t>(baskets.items.size())) {
    return InvalidArgument("expected indptr to ascend from 0 to " + std::to_string(baskets.items.size()) + " but basket " +
                           std::to_string(basket) + " is [" + std::to_string(begin) + ", " + std::to_string(end) + ")");
  }
  int64_t before = -1;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t item = baskets.items[static_cast<size_t>(i)];
    if (item <= before || item >= baskets.num_items) {
      return InvalidArgument("expected ascending items below " + std::to_string(baskets.num_items) + " but basket " +
                             std::to_string(basket) + " holds " + std::to_string(item) + " behind " + std::to_string(before));
    }
    before = item;
  }
  return {};
}

std::span<const int32_t> ItemsOf(const BasketsView& baskets, int64_t basket, int64_t max_basket_items) {
  const int64_t begin = baskets.indptr[static_cast<size_t>(basket)];
  const int64_t size = baskets.indptr[static_cast<size_t>(basket) + 1] - begin;
  if (size > max_basket_items) return {};
  return baskets.items.subspan(static_cast<size_t>(begin), static_cast<size_t>(size));
}

struct Ranking {
  std::vector<int32_t> rank_of_item;  // -1: too seldom
  std::vector<int32_t> item_of_rank;
  std::vector<int64_t> rank_begin;
  std::vector<int64_t> cursors;  // by rank, where the next occurrence within the shard goes
};

Ranking RankItems(std::span<const int32_t> shard_counts, size_t num_items, int64_t min_count, size_t shard) {
  std::vector<int64_t> supports(num_items, 0);
  std::vector<int64_t> before(num_items, 0);
  for (size_t s = 0; s * num_items < shard_counts.size(); ++s) {
    if (s == shard) before = supports;
    const std::span<const int32_t> counts = shard_counts.subspan(s * num_items, num_items);
    for (size_t item = 0; item < num_items; ++item) supports[item] += counts[item];
  }
  Ranking ranking;
  ranking.rank_of_item.assign(num_items, -1);
  std::vector<int32_t>& order = ranking.item_of_rank;
  for (size_t item = 0; item < num_items; ++item) {
    if (supports[item] >= min_count) order.push_back(static_cast<int32_t>(item));
  }
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    const int64_t support_a = supports[static_cast<size_t>(a)];
    const int64_t support_b = supports[static_cast<size_t>(b)];
    return support_a != support_b ? support_a < support_b : a < b;
  });
  ranking.rank_begin.push_back(0);
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const auto item = static_cast<size_t>(order[rank]);
    ranking.rank_of_item[item] = static_cast<int32_t>(rank);
    ranking.cursors.push_back(ranking.rank_begin[rank] + before[item]);
    ranking.rank_begin.push_back(ranking.rank_begin[rank] + supports[item]);
  }
  return ranking;
}

// Blocks whose rows stay in the cache, but of many cells for each rank.
int64_t EndOfBlock(const BasketsView& baskets, int64_t begin, int64_t limit) {
  constexpr int64_t kCellsPerBlock = 1 << 16;
  const int64_t first = baskets.indptr[static_cast<size_t>(begin)];
  int64_t end = begin + 1;
  while (end < limit && baskets.indptr[static_cast<size_t>(end)] - first < kCellsPerBlock) ++end;
  return end;
}

}  // namespace

Status CountBasketItems(const BasketsView& baskets, RowRange range, int64_t max_basket_items, CancelFlag cancel, std::span<int32_t> counts,
                        int64_t* num_too_long) {
  COUPONCAST_RETURN_IF_ERROR(CheckBaskets(baskets, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), baskets.num_items));
  for (int64_t basket = range.begin; basket < range.end; ++basket) {
    if (basket % kBasketsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    COUPONCAST_RETURN_IF_ERROR(CheckBasket(baskets, basket));
    const std::span<const int32_t> items = ItemsOf(baskets, basket, max_basket_items);
    for (const int32_t item : items) ++counts[static_cast<size_t>(item)];
    const bool is_empty = baskets.indptr[static_cast<size_t>(basket)] == baskets.indptr[static_cast<size_t>(basket) + 1];
    if (items.empty() && !is_empty) ++*num_too_long;
  }
  return {};
}

Status RankBaskets(const BasketsView& baskets, RowRange range, int64_t max_basket_items, std::span<const int32_t> shard_counts,
                   int64_t shard, int64_t min_count, CancelFlag cancel, std::span<int32_t> item_of_rank, std::span<int64_t> rank_begin,
                   std::span<int32_t> ranks, std::span<uint32_t> occurrences, int64_t* num_ranks) {
  COUPONCAST_RETURN_IF_ERROR(CheckBaskets(baskets, range));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("minCount", min_count));
  const int64_t shards = static_cast<int64_t>(shard_counts.size()) / baskets.num_items;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shardCounts", shard_counts.size(), shards * baskets.num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckRange({shard, shard + 1}, shards));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("ranks", ranks.size(), static_cast<int64_t>(baskets.items.size()) + baskets.num_baskets()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("occurrences", occurrences.size(), static_cast<int64_t>(baskets.items.size())));
  if (!item_of_rank.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("itemOfRank", item_of_rank.size(), baskets.num_items));
  if (!rank_begin.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("rankBegin", rank_begin.size(), baskets.num_items + 1));
  Ranking ranking = RankItems(shard_counts, static_cast<size_t>(baskets.num_items), min_count, static_cast<size_t>(shard));
  if (!item_of_rank.empty()) std::ranges::copy(ranking.item_of_rank, item_of_rank.begin());
  if (!rank_begin.empty()) std::ranges::copy(ranking.rank_begin, rank_begin.begin());
  const auto end_rank = static_cast<int32_t>(ranking.item_of_rank.size());
  *num_ranks = end_rank;
  std::vector<int64_t>& cursors = ranking.cursors;
  std::vector<int64_t> first;
  std::vector<uint32_t> place;
  for (int64_t begin = range.begin; begin < range.end;) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t end = EndOfBlock(baskets, begin, range.end);
    // The baskets of each rank in ascending order, then from rank to rank the places in the baskets: twice transposed is sorted.
    first = cursors;
    place.clear();
    for (int64_t basket = begin; basket < end; ++basket) {
      for (const int32_t item : ItemsOf(baskets, basket, max_basket_items)) {
        const int32_t rank = ranking.rank_of_item[static_cast<size_t>(item)];
        if (rank >= 0) occurrences[static_cast<size_t>(cursors[static_cast<size_t>(rank)]++)] = static_cast<uint32_t>(basket - begin);
      }
      place.push_back(static_cast<uint32_t>(baskets.indptr[static_cast<size_t>(basket)] + basket));
    }
    for (int32_t rank = 0; rank < end_rank; ++rank) {
      for (int64_t k = first[static_cast<size_t>(rank)]; k < cursors[static_cast<size_t>(rank)]; ++k) {
        uint32_t& occurrence = occurrences[static_cast<size_t>(k)];
        uint32_t& at = place[occurrence];
        ranks[at++] = rank;
        occurrence = at;
      }
    }
    for (const uint32_t at : place) ranks[at] = end_rank;
    begin = end;
  }
  return {};
}

}  // namespace couponcast
