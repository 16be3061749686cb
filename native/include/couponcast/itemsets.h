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

// Ranks the items of at least min_count baskets by rising support, of equal ones the smaller item first, and lays out
// where each shard of baskets writes the occurrences of each rank.
//
// shard_counts  [shards * num_items] of CountBasketItems
// rank_of_item  [num_items] out: rank, or -1
// item_of_rank  [num_items] out: the first *num_ranks are used
// rank_begin    [num_items + 1] out: the first *num_ranks + 1 are used; rank_begin[r + 1] - rank_begin[r] is the support
// cursors       [shards * num_items] out: row s holds, for each rank, where the occurrences of shard s begin
//
// Cost: O(shards * items + items log items). Errors: kInvalidArgument.
Status RankItems(std::span<const int32_t> shard_counts, int64_t num_items, int64_t min_count, std::span<int32_t> rank_of_item,
                 std::span<int32_t> item_of_rank, std::span<int64_t> rank_begin, std::span<int64_t> cursors, int64_t* num_ranks);

// Writes the baskets of `range` as ascending ranks, infrequent items left out, and where each rank stands.
//
// cursors      [num_items] in/out: the row of RankItems that belongs to this range
// rank_begin   [num_ranks + 1]
// ranks        [items + baskets] out: basket b begins at indptr[b] + b and ends with a rank of num_ranks
// occurrences  [rank_begin[num_ranks]] out: positions in `ranks` just behind each occurrence of a rank, in order of baskets
//
// Cost: O(cells + ranks). Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status RecodeBaskets(const BasketsView& baskets, RowRange range, int64_t max_basket_items, std::span<const int32_t> rank_of_item,
                     std::span<const int64_t> rank_begin, std::span<int64_t> cursors, CancelFlag cancel, std::span<int32_t> ranks,
                     std::span<uint32_t> occurrences);

// What RankItems and RecodeBaskets made.
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

// Itemsets, depth first: set i is the path to its last item; its other items are those of the latest sets before it
// with lengths 1, 2, ..., lengths[i] - 1.
struct ItemsetList {
  std::vector<int32_t> items;     // the last item of each set
  std::vector<uint8_t> lengths;   // items in each set
  std::vector<int32_t> supports;  // baskets that hold the set
};

struct MiningOptions {
  int64_t min_count = 1;
  int64_t max_length = 0;    // 0: no limit
  int64_t max_itemsets = 0;  // refused beyond
  MiningAlgorithm algorithm = MiningAlgorithm::kAuto;
};

// All sets of items that at least min_count baskets hold and whose item of smallest rank is in `range`; with `parts` > 1,
// of each such class only the part-th of `parts` shares of its second items, the single item itself with the first.
//
// shared_count  [1] itemsets that all calls of one run found so far; calls on several threads add to it
//
// Order: items of a set by rising rank, sets lexicographic by rank: the same for every algorithm. A set of n items
// has 2^n - 1 subsets, so sets of more than 31 items are always beyond max_itemsets (< 2^31).
// Memory: 8 bytes a rank; one class at a time: kEclat its frequent items * baskets / 8 bytes for each level of depth,
// others a few times its cells. Errors: kInvalidArgument, kOutOfRange (more than max_itemsets), kCancelled.
Status MineItemsets(const RankedBaskets& baskets, RowRange range, int64_t part, int64_t parts, const MiningOptions& options,
                    CancelFlag cancel, ProgressGauge progress, int64_t* shared_count, ItemsetList* out);

}  // namespace couponcast

#endif  // COUPONCAST_ITEMSETS_H_
