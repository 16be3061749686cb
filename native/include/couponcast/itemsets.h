// Frequent itemsets of baskets, as kernels; src/mining/itemsets.ts drives them.
#ifndef COUPONCAST_ITEMSETS_H_
#define COUPONCAST_ITEMSETS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Baskets in rows: items of basket b are items[indptr[b]] ... items[indptr[b + 1] - 1], ascending, each once.
struct BasketsView {
  std::span<const int64_t> indptr;  // [baskets + 1] from 0, ascending
  std::span<const int32_t> items;   // [indptr[baskets]] below num_items
  int64_t num_items = 0;
  int64_t num_baskets() const { return static_cast<int64_t>(indptr.size()) - 1; }
};

// Adds to counts[item] the baskets of `range` that hold it, and checks what BasketsView promises for that range.
// Baskets of more than max_basket_items items are left out; their number is added to *num_too_long.
//
// counts  [num_items] in/out
//
// Cost: O(cells). Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status CountBasketItems(const BasketsView& baskets, RowRange range, int64_t max_basket_items, CancelFlag cancel, std::span<int32_t> counts,
                        int64_t* num_too_long);

// Ranks the items of at least min_count baskets by rising support, of equal ones the smaller item first; writes the baskets
// of `range` as ascending ranks, infrequent items left out, and where each rank stands.
//
// shard_counts  [shards * num_items] of CountBasketItems, for ranges that follow each other
// shard         which of them is `range`
// item_of_rank  [num_items] out: the first *num_ranks are used; or empty: not wanted again
// rank_begin    [num_items + 1] out: the first *num_ranks + 1 are used; rank_begin[r + 1] - rank_begin[r] is the support; or empty
// ranks         [items + baskets] out: basket b begins at indptr[b] + b and ends with a rank of *num_ranks
// occurrences   [items] out: positions in `ranks` just behind each occurrence of a rank, in order of ranks, then baskets
//
// Cost: O(cells + shards * items + items log items). Memory: 24 bytes an item. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status RankBaskets(const BasketsView& baskets, RowRange range, int64_t max_basket_items, std::span<const int32_t> shard_counts,
                   int64_t shard, int64_t min_count, CancelFlag cancel, std::span<int32_t> item_of_rank, std::span<int64_t> rank_begin,
                   std::span<int32_t> ranks, std::span<uint32_t> occurrences, int64_t* num_ranks);

// What RankBaskets made.
struct RankedBaskets {
  std::span<const int32_t> ranks;
  std::span<const uint32_t> occurrences;
  std::span<const int64_t> rank_begin;    // [num_ranks + 1]
  std::span<const int32_t> item_of_rank;  // [num_ranks]
  int64_t num_ranks() const { return static_cast<int64_t>(rank_begin.size()) - 1; }
};

enum class MiningAlgorithm : int32_t {
  kAuto = 0,      // kEclat where a class is dense enough for bits, else kFpGrowth
  kFpGrowth = 1,  // Han, Pei & Yin 2000; per class as in PFP, Li et al. 2008
  kEclat = 2,     // Zaki 1997, tid sets as bits
  kApriori = 3,   // Agrawal & Srikant 1994
};

// A share of the search: the sets whose item of smallest rank is in `range`; with `parts` > 1, of each such item's sets only
// the part-th of `parts` shares of the second items, the single item itself with the first.
struct MiningShare {
  RowRange range;
  int64_t part = 0;
  int64_t parts = 1;
};

// What the calls of one search on several threads have in common.
struct SharedSearch {
  int64_t* next_share = nullptr;    // [1] from 0: the first share that no call has taken
  int64_t* num_itemsets = nullptr;  // [1] found so far
};

// Itemsets, depth first: set i is the path to its last item; its other items are those of the latest sets before it
// with lengths 1, 2, ..., lengths[i] - 1.
struct ItemsetList {
  std::vector<int32_t> items;     // the last item of each set
  std::vector<uint8_t> lengths;   // items in each set
  std::vector<int32_t> supports;  // baskets that hold the set
  std::vector<int64_t> shares;    // that the sets are of, in the order they were taken
  std::vector<int64_t> ends;      // of the sets of each such share
};

struct MiningOptions {
  int64_t min_count = 1;
  int64_t max_length = 0;    // 0: no limit
  int64_t max_itemsets = 0;  // refused beyond
  MiningAlgorithm algorithm = MiningAlgorithm::kAuto;
};

// Takes shares of a search, one after the other, until none is left, and appends the sets of each to `out`: those that at
// least min_count baskets hold. Calls on several threads end at about the same time if the shares with most work come first.
//
// Order within a share: items of a set by rising rank, sets lexicographic by rank: the same for every algorithm. A set of n
// items has 2^n - 1 subsets, so sets of more than 31 items are always beyond max_itemsets (< 2^31).
// Memory: 8 bytes a rank; one class at a time: kEclat its frequent items * baskets / 8 bytes for each level of depth,
// others a few times its cells, kApriori 24 bytes a set of it as well. Errors: kInvalidArgument, kOutOfRange (more than max_itemsets),
// kCancelled.
Status MineItemsets(const RankedBaskets& baskets, std::span<const MiningShare> shares, const MiningOptions& options, CancelFlag cancel,
                    ProgressGauge progress, SharedSearch shared, ItemsetList* out);

}  // namespace couponcast

#endif  // COUPONCAST_ITEMSETS_H_
