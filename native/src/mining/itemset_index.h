// Sets by their items: a set is its parent and one more item.
#ifndef COUPONCAST_MINING_ITEMSET_INDEX_H_
#define COUPONCAST_MINING_ITEMSET_INDEX_H_

#include <cstddef>

#include "couponcast/rules.h"

namespace couponcast {

// Where the search for a set begins in a table of `mask` + 1 places. (SplitMix64's finaliser.)
inline size_t FirstPlace(int32_t parent, int32_t item, size_t mask) {
  uint64_t z = (static_cast<uint64_t>(static_cast<uint32_t>(parent)) << 32) | static_cast<uint32_t>(item);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<size_t>(z ^ (z >> 31)) & mask;
}

// The position of the set `parent` and `item`, or -1.
inline int32_t FindSet(const ItemsetsView& sets, int32_t parent, int32_t item) {
  const size_t mask = sets.table.size() - 1;
  for (size_t place = FirstPlace(parent, item, mask);; place = (place + 1) & mask) {
    const int32_t position = sets.table[place];
    if (position < 0) return -1;
    const auto p = static_cast<size_t>(position);
    if (sets.parents[p] == parent && sets.items[p] == item) return position;
  }
}

Status CheckItemsets(const ItemsetsView& sets);

}  // namespace couponcast

#endif  // COUPONCAST_MINING_ITEMSET_INDEX_H_
