// The class of an item: the sets in which it has the smallest rank, as baskets over the items that may follow it.
#ifndef COUPONCAST_MINING_ITEM_CLASS_H_
#define COUPONCAST_MINING_ITEM_CLASS_H_

#include <vector>

#include "couponcast/itemsets.h"

namespace couponcast {

// Local items are numbered by rising rank; each is in at least min_count of the class's baskets.
struct ItemClass {
  int32_t rank = 0;
  int64_t num_baskets = 0;
  std::vector<int32_t> ranks;     // of the local items
  std::vector<int64_t> supports;  // within the class
  int64_t num_cells = 0;
  int64_t num_items() const { return static_cast<int64_t>(ranks.size()); }
};

// Baskets of a class as ascending local items; those of fewer than two are left out.
struct ClassRows {
  std::vector<int64_t> indptr;
  std::vector<int32_t> items;
  int64_t size() const { return static_cast<int64_t>(indptr.size()) - 1; }
  std::span<const int32_t> Row(int64_t row) const {
    const auto begin = static_cast<size_t>(indptr[static_cast<size_t>(row)]);
    return std::span(items).subspan(begin, static_cast<size_t>(indptr[static_cast<size_t>(row) + 1]) - begin);
  }
};

class ClassProjector {
 public:
  ClassProjector(const RankedBaskets& baskets, CancelFlag cancel);

  // The items that may follow `rank`. False when cancelled.
  bool Open(int32_t rank, int64_t min_count, ItemClass* out);

  // Calls visit(basket, local item) for each cell of the class, baskets from 0. False when cancelled.
  template <typename Visit>
  bool ForEachCell(const ItemClass& item_class, Visit&& visit) {
    for (size_t i = 0; i < item_class.ranks.size(); ++i) local_of_rank_[static_cast<size_t>(item_class.ranks[i])] = static_cast<int32_t>(i);
    const auto end = static_cast<int32_t>(baskets_.num_ranks());
    int64_t basket = 0;
    const std::span<const uint32_t> occurrences = OccurrencesOf(item_class.rank);
    for (const uint32_t from : occurrences) {
      if (basket % kBasketsPerPoll == 0 && cancel_.IsSet()) return false;
      PrefetchAhead(occurrences, basket);
      for (const int32_t* at = baskets_.ranks.data() + from; *at != end; ++at) {
        const int32_t local = local_of_rank_[static_cast<size_t>(*at)];
        if (local >= 0) visit(basket, local);
      }
      ++basket;
    }
    for (const int32_t rank : item_class.ranks) local_of_rank_[static_cast<size_t>(rank)] = -1;
    return true;
  }

  bool ReadRows(const ItemClass& item_class, ClassRows* out);

 private:
  static constexpr int64_t kBasketsPerPoll = 4096;
  static constexpr size_t kBasketsAhead = 12;

  // The baskets of an item lie anywhere.
  void PrefetchAhead(std::span<const uint32_t> occurrences, int64_t basket) const {
    const size_t ahead = static_cast<size_t>(basket) + kBasketsAhead;
    if (ahead < occurrences.size()) __builtin_prefetch(baskets_.ranks.data() + occurrences[ahead]);
  }

  std::span<const uint32_t> OccurrencesOf(int32_t rank) const {
    const auto begin = static_cast<size_t>(baskets_.rank_begin[static_cast<size_t>(rank)]);
    return baskets_.occurrences.subspan(begin, static_cast<size_t>(baskets_.rank_begin[static_cast<size_t>(rank) + 1]) - begin);
  }

  const RankedBaskets& baskets_;
  CancelFlag cancel_;
  std::vector<int32_t> counts_;         // [num_ranks + 1] zero between calls
  std::vector<int32_t> local_of_rank_;  // [num_ranks] -1 between calls
};

}  // namespace couponcast

#endif  // COUPONCAST_MINING_ITEM_CLASS_H_
