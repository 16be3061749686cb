#include <algorithm>
#include <array>

#include "mining/class_miners.h"

namespace couponcast {
namespace {

constexpr int32_t kNone = -1;

// A tree of paths from the most to the least frequent item. Node 0 is the root.
class FpTree {
 public:
  // For items below `items`.
  void Clear(int64_t items) {
    nodes_.assign(1, {kNone, kNone, kNone, kNone, kNone, 0});
    heads_.assign(static_cast<size_t>(items), kNone);
  }

  // Adds a path of `count` baskets; its items descend.
  void Insert(std::span<const int32_t> path, int64_t count) {
    int32_t at = 0;
    for (const int32_t item : path) {
      int32_t child = nodes_[static_cast<size_t>(at)].first_child;
      while (child != kNone && nodes_[static_cast<size_t>(child)].item != item) child = nodes_[static_cast<size_t>(child)].next_sibling;
      if (child == kNone) {
        child = static_cast<int32_t>(nodes_.size());
        int32_t& first = nodes_[static_cast<size_t>(at)].first_child;
        int32_t& head = heads_[static_cast<size_t>(item)];
        const Node node{item, at, kNone, first, head, 0};
        first = child;
        head = child;
        nodes_.push_back(node);
      }
      nodes_[static_cast<size_t>(child)].count += count;
      at = child;
    }
  }

  // Calls visit(node's parent, count) for each node of an item.
  template <typename Visit>
  void ForEachNode(int32_t item, Visit&& visit) const {
    for (int32_t at = heads_[static_cast<size_t>(item)]; at != kNone; at = nodes_[static_cast<size_t>(at)].next_of_item) {
      visit(nodes_[static_cast<size_t>(at)].parent, nodes_[static_cast<size_t>(at)].count);
    }
  }

  // Calls visit(item) for a node and those above it: ascending items.
  template <typename Visit>
  void ForEachAbove(int32_t node, Visit&& visit) const {
    for (; node > 0; node = nodes_[static_cast<size_t>(node)].parent) visit(nodes_[static_cast<size_t>(node)].item);
  }

  int64_t size() const { return static_cast<int64_t>(nodes_.size()); }

 private:
  struct Node {
    int32_t item;
    int32_t parent;
    int32_t first_child;
    int32_t next_sibling;
    int32_t next_of_item;
    int64_t count;
  };
  std::vector<Node> nodes_;
  std::vector<int32_t> heads_;
};

// The tree of what stands before a set, and its items with their support.
struct Conditional {
  FpTree tree;
  std::vector<int32_t> items;
  std::vector<int64_t> supports;
};

class FpGrowth {
 public:
  FpGrowth(const ItemClass& item_class, ItemsetSink* sink) : item_class_(item_class), sink_(sink), counts_(item_class.ranks.size(), 0) {}

  bool Run(RowRange seconds, ClassProjector* projector) {
    ClassRows rows;
    if (!projector->ReadRows(item_class_, &rows)) return false;
    Conditional& first = levels_[2];
    first.tree.Clear(item_class_.num_items());
    for (int64_t row = 0; row < rows.size(); ++row) {
      const std::span<const int32_t> items = rows.Row(row);
      path_.assign(items.rbegin(), items.rend());
      first.tree.Insert(path_, 1);
      if (!sink_->Worked(8 * static_cast<int64_t>(path_.size()))) return false;
    }
    for (int64_t e = seconds.begin; e < seconds.end; ++e) {
      first.items.push_back(static_cast<int32_t>(e));
      first.supports.push_back(item_class_.supports[static_cast<size_t>(e)]);
    }
    return Grow(2);
  }

 private:
  // Adds the sets of `length` items that end with an item of levels_[length], and all that grow from them.
  bool Grow(int length) {
    const Conditional& here = levels_[static_cast<size_t>(length)];
    for (size_t e = 0; e < here.items.size(); ++e) {
      const int32_t item = here.items[e];
      if (!sink_->Add(length, item_class_.ranks[static_cast<size_t>(item)], here.supports[e])) return false;
      if (!sink_->GoesBeyond(length)) continue;
      Conditional& next = levels_[static_cast<size_t>(length) + 1];
      if (!Project(here.tree, item, &next)) return false;
      if (!next.items.empty() && !Grow(length + 1)) return false;
    }
    return true;
  }

  // The conditional tree of an item: the frequent ones among what stands above its nodes.
  bool Project(const FpTree& tree, int32_t item, Conditional* next) {
    next->items.clear();
    next->supports.clear();
    int64_t steps = 0;
    tree.ForEachNode(item, [&](int32_t parent, int64_t count) {
      tree.ForEachAbove(parent, [&](int32_t above) {
        int64_t& total = counts_[static_cast<size_t>(above)];
        if (total == 0) next->items.push_back(above);
        total += count;
        ++steps;
      });
    });
    std::erase_if(next->items, [&](int32_t other) {
      int64_t& total = counts_[static_cast<size_t>(other)];
      if (total >= sink_->min_count()) return false;
      total = 0;
      return true;
    });
    std::ranges::sort(next->items);
    for (const int32_t other : next->items) next->supports.push_back(counts_[static_cast<size_t>(other)]);
    if (next->items.size() > 1) {
      next->tree.Clear(item_class_.num_items());
      tree.ForEachNode(item, [&](int32_t parent, int64_t count) {
        path_.clear();
        tree.ForEachAbove(parent, [&](int32_t above) {
          if (counts_[static_cast<size_t>(above)] > 0) path_.push_back(above);
        });
        std::ranges::reverse(path_);
        next->tree.Insert(path_, count);
      });
    } else {
      // One item: nothing stands before it.
      next->tree.Clear(item_class_.num_items());
    }
    for (const int32_t other : next->items) counts_[static_cast<size_t>(other)] = 0;
    return sink_->Worked(16 * steps);
  }

  const ItemClass& item_class_;
  ItemsetSink* sink_;
  std::array<Conditional, ItemsetSink::kMaxLength + 2> levels_;
  std::vector<int64_t> counts_;
  std::vector<int32_t> path_;
};

}  // namespace

bool MineByTrees(const ItemClass& item_class, RowRange seconds, ClassProjector* projector, ItemsetSink* sink) {
  return FpGrowth(item_class, sink).Run(seconds, projector);
}

}  // namespace couponcast
