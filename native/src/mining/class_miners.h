// Three ways to the same sets of a class, in the same order.
#ifndef COUPONCAST_MINING_CLASS_MINERS_H_
#define COUPONCAST_MINING_CLASS_MINERS_H_

#include <memory>

#include "mining/item_class.h"
#include "mining/itemset_sink.h"

namespace couponcast {

struct BitLevels;

// Each adds the sets of two items and more whose second item is one of the local items of `seconds`. False when the
// search must end.

// Eclat: a column of bits for each item; the baskets of a longer set are the AND of two shorter ones'. Keeps its memory
// from one class to the next.
class BitMiner {
 public:
  BitMiner();
  ~BitMiner();
  BitMiner(const BitMiner&) = delete;
  BitMiner& operator=(const BitMiner&) = delete;
  bool Mine(const ItemClass& item_class, RowRange seconds, ClassProjector* projector, ItemsetSink* sink);

 private:
  std::unique_ptr<BitLevels> levels_;
};

// FP-Growth: baskets with a common beginning share a path of a tree; for each item the tree of what stands before it.
bool MineByTrees(const ItemClass& item_class, RowRange seconds, ClassProjector* projector, ItemsetSink* sink);

// Apriori: sets of one more item are counted in one pass, if all their subsets within the class are frequent.
bool MineByLevels(const ItemClass& item_class, RowRange seconds, ClassProjector* projector, ItemsetSink* sink);

}  // namespace couponcast

#endif  // COUPONCAST_MINING_CLASS_MINERS_H_
