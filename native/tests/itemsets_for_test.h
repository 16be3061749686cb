// Mining in tests: baskets as lists, all kernels in their order, sets as a map.
#ifndef COUPONCAST_TESTS_ITEMSETS_FOR_TEST_H_
#define COUPONCAST_TESTS_ITEMSETS_FOR_TEST_H_

#include <map>
#include <set>

#include "couponcast/itemsets.h"
#include "test_util.h"

namespace couponcast::testing {

using Baskets = std::vector<std::vector<int32_t>>;
using Sets = std::map<std::vector<int32_t>, int64_t>;

struct Csr {
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> items;
  int64_t num_items = 1;
  explicit Csr(const Baskets& baskets, int64_t at_least = 1) : num_items(at_least) {
    for (const auto& basket : baskets) {
      for (const int32_t item : basket) {
        items.push_back(item);
        num_items = std::max<int64_t>(num_items, item + 1);
      }
      indptr.push_back(static_cast<int64_t>(items.size()));
    }
  }
  BasketsView View() const { return {indptr, items, num_items}; }
};

struct Plan {
  int64_t shard_baskets = 1'000'000;
  int64_t ranks_per_share = 1'000'000;
  int64_t parts = 1;
  int64_t max_basket_items = 1'000'000;
};

// What a search reads, owned.
struct Ranked {
  Status status;
  std::vector<int32_t> item_of_rank;
  std::vector<int64_t> rank_begin;
  std::vector<int32_t> ranks;
  std::vector<uint32_t> occurrences;
  std::vector<MiningShare> shares;
  int64_t num_too_long = 0;
  RankedBaskets View() const { return {ranks, occurrences, rank_begin, item_of_rank}; }
};

// The kernels before the search in their order, as the library calls them.
inline Ranked RankAll(const Csr& csr, const MiningOptions& options, const Plan& plan = {}, CancelFlag cancel = {}) {
  Ranked ranked;
  const BasketsView view = csr.View();
  std::vector<RowRange> shards;
  for (int64_t begin = 0; begin < view.num_baskets(); begin += plan.shard_baskets) {
    shards.push_back({begin, std::min(begin + plan.shard_baskets, view.num_baskets())});
  }
  const auto n = static_cast<size_t>(csr.num_items);
  std::vector<int32_t> counts(shards.size() * n);
  for (size_t s = 0; s < shards.size(); ++s) {
    ranked.status =
        CountBasketItems(view, shards[s], plan.max_basket_items, cancel, std::span(counts).subspan(s * n, n), &ranked.num_too_long);
    if (!ranked.status.ok()) return ranked;
  }
  ranked.item_of_rank.resize(n);
  ranked.rank_begin.resize(n + 1);
  ranked.ranks.resize(csr.items.size() + csr.indptr.size() - 1);
  ranked.occurrences.resize(csr.items.size());
  int64_t num_ranks = 0;
  for (size_t s = 0; s < shards.size(); ++s) {
    const bool wanted = s == 0;
    ranked.status = RankBaskets(view, shards[s], plan.max_basket_items, counts, static_cast<int64_t>(s), options.min_count, cancel,
                                wanted ? std::span(ranked.item_of_rank) : std::span<int32_t>(),
                                wanted ? std::span(ranked.rank_begin) : std::span<int64_t>(), ranked.ranks, ranked.occurrences, &num_ranks);
    if (!ranked.status.ok()) return ranked;
  }
  ranked.rank_begin.resize(static_cast<size_t>(num_ranks) + 1);
  ranked.item_of_rank.resize(static_cast<size_t>(num_ranks));
  ranked.occurrences.resize(static_cast<size_t>(ranked.rank_begin.back()));
  for (int64_t begin = 0; begin < num_ranks; begin += plan.ranks_per_share) {
    for (int64_t part = 0; part < plan.parts; ++part) {
      ranked.shares.push_back({{begin, std::min(begin + plan.ranks_per_share, num_ranks)}, part, plan.parts});
    }
  }
  return ranked;
}

struct Mined {
  Status status;
  ItemsetList list;
  int64_t num_too_long = 0;
};

inline Mined MineAll(const Csr& csr, const MiningOptions& options, const Plan& plan = {}, CancelFlag cancel = {}) {
  const Ranked ranked = RankAll(csr, options, plan, cancel);
  Mined mined{.status = ranked.status, .list = {}, .num_too_long = ranked.num_too_long};
  if (!mined.status.ok()) return mined;
  int64_t next_share = 0;
  int64_t num_itemsets = 0;
  mined.status = MineItemsets(ranked.View(), ranked.shares, options, cancel, {}, {&next_share, &num_itemsets}, &mined.list);
  if (mined.status.ok()) {
    EXPECT_EQ(num_itemsets, static_cast<int64_t>(mined.list.items.size()));
    EXPECT_EQ(mined.list.shares.size(), ranked.shares.size());
    EXPECT_EQ(mined.list.ends.empty() ? 0 : mined.list.ends.back(), num_itemsets);
  }
  return mined;
}

// The sets of a list with their supports; items ascending.
inline Sets SetsOf(const ItemsetList& list) {
  Sets sets;
  std::vector<int32_t> path;
  for (size_t i = 0; i < list.items.size(); ++i) {
    path.resize(list.lengths[i]);
    path.back() = list.items[i];
    std::vector<int32_t> sorted = path;
    std::ranges::sort(sorted);
    EXPECT_TRUE(sets.emplace(sorted, list.supports[i]).second) << "a set came twice";
  }
  return sets;
}

// Every subset of every basket, counted.
inline Sets BruteForce(const Baskets& baskets, int64_t min_count, int64_t max_length) {
  Sets counts;
  for (const auto& basket : baskets) {
    for (uint32_t mask = 1; mask < (uint32_t{1} << basket.size()); ++mask) {
      std::vector<int32_t> subset;
      for (size_t i = 0; i < basket.size(); ++i) {
        if ((mask >> i & 1) != 0) subset.push_back(basket[i]);
      }
      if (max_length == 0 || static_cast<int64_t>(subset.size()) <= max_length) ++counts[subset];
    }
  }
  std::erase_if(counts, [&](const auto& entry) { return entry.second < min_count; });
  return counts;
}

inline Baskets RandomBaskets(Random* random, int64_t baskets, int64_t items, int64_t max_size) {
  Baskets out(static_cast<size_t>(baskets));
  for (auto& basket : out) {
    std::set<int32_t> chosen;
    const int64_t size = random->Below(max_size + 1);
    // The square prefers small items: some are in most baskets.
    for (int64_t i = 0; i < size; ++i) chosen.insert(static_cast<int32_t>(random->Below(items) * random->Below(items) / items));
    basket.assign(chosen.begin(), chosen.end());
  }
  return out;
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_ITEMSETS_FOR_TEST_H_
