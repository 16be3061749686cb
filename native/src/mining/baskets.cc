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

Status RankItems(std::span<const int32_t> shard_counts, int64_t num_items, int64_t min_count, std::span<int32_t> rank_of_item,
                 std::span<int32_t> item_of_rank, std::span<int64_t> rank_begin, std::span<int64_t> cursors, int64_t* num_ranks) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("items", num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("minCount", min_count));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("rankOfItem", rank_of_item.size(), num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("itemOfRank", item_of_rank.size(), num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("rankBegin", rank_begin.size(), num_items + 1));
  const int64_t shards = static_cast<int64_t>(shard_counts.size()) / num_items;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shardCounts", shard_counts.size(), shards * num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cursors", cursors.size(), shards * num_items));
  const auto n = static_cast<size_t>(num_items);
  std::vector<int64_t> supports(n, 0);
  for (size_t i = 0; i < shard_counts.size(); ++i) supports[i % n] += shard_counts[i];
  std::vector<int32_t> order;
  for (size_t item = 0; item < n; ++item) {
    rank_of_item[item] = -1;
    if (supports[item] >= min_count) order.push_back(static_cast<int32_t>(item));
  }
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    const int64_t support_a = supports[static_cast<size_t>(a)];
    const int64_t support_b = supports[static_cast<size_t>(b)];
    return support_a != support_b ? support_a < support_b : a < b;
  });
  rank_begin[0] = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const auto item = static_cast<size_t>(order[rank]);
    rank_of_item[item] = static_cast<int32_t>(rank);
    item_of_rank[rank] = order[rank];
    int64_t next = rank_begin[rank];
    for (int64_t shard = 0; shard < shards; ++shard) {
      const size_t row = static_cast<size_t>(shard) * n;
      cursors[row + rank] = next;
      next += shard_counts[row + item];
    }
    rank_begin[rank + 1] = next;
  }
  *num_ranks = static_cast<int64_t>(order.size());
  return {};
}

Status RecodeBaskets(const BasketsView& baskets, RowRange range, int64_t max_basket_items, std::span<const int32_t> rank_of_item,
                     std::span<const int64_t> rank_begin, std::span<int64_t> cursors, CancelFlag cancel, std::span<int32_t> ranks,
                     std::span<uint32_t> occurrences) {
  COUPONCAST_RETURN_IF_ERROR(CheckBaskets(baskets, range));
  if (rank_begin.empty()) return InvalidArgument("expected at least one element in rankBegin but received none");
  const auto num_ranks = static_cast<int64_t>(rank_begin.size()) - 1;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("rankOfItem", rank_of_item.size(), baskets.num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cursors", cursors.size(), baskets.num_items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("ranks", ranks.size(), static_cast<int64_t>(baskets.items.size()) + baskets.num_baskets()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("occurrences", occurrences.size(), rank_begin.back()));
  // The baskets of each rank in ascending order, then from rank to rank the places in the baskets: twice transposed is sorted.
  const std::vector<int64_t> first(cursors.begin(), cursors.begin() + num_ranks);
  for (int64_t basket = range.begin; basket < range.end; ++basket) {
    if (basket % kBasketsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    for (const int32_t item : ItemsOf(baskets, basket, max_basket_items)) {
      const int32_t rank = rank_of_item[static_cast<size_t>(item)];
      if (rank >= 0) occurrences[static_cast<size_t>(cursors[static_cast<size_t>(rank)]++)] = static_cast<uint32_t>(basket - range.begin);
    }
  }
  std::vector<uint32_t> place(static_cast<size_t>(range.size()));
  for (int64_t i = 0; i < range.size(); ++i) {
    const int64_t basket = range.begin + i;
    place[static_cast<size_t>(i)] = static_cast<uint32_t>(baskets.indptr[static_cast<size_t>(basket)] + basket);
  }
  for (int64_t rank = 0; rank < num_ranks; ++rank) {
    if (rank % kBasketsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    for (int64_t k = first[static_cast<size_t>(rank)]; k < cursors[static_cast<size_t>(rank)]; ++k) {
      uint32_t& occurrence = occurrences[static_cast<size_t>(k)];
      uint32_t& at = place[occurrence];
      ranks[at++] = static_cast<int32_t>(rank);
      occurrence = at;
    }
  }
  for (const uint32_t at : place) ranks[at] = static_cast<int32_t>(num_ranks);
  return {};
}

}  // namespace couponcast
