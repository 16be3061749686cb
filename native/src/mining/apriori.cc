#include <algorithm>

#include "mining/class_miners.h"

namespace couponcast {
namespace {

// Candidates that are counted in one pass over the class: bounds their memory.
constexpr int64_t kCandidatesPerPass = 1 << 20;

// A set of the class: the path of local items from level 2 down to this one.
struct Node {
  int32_t item;
  int32_t parent;  // position in the level above
  int32_t child_begin = 0;
  int32_t child_end = 0;
  int64_t support = 0;
};

class Apriori {
 public:
  Apriori(const ItemClass& item_class, RowRange seconds, ItemsetSink* sink) : item_class_(item_class), seconds_(seconds), sink_(sink) {}

  bool Run(ClassProjector* projector) {
    if (!projector->ReadRows(item_class_, &rows_)) return false;
    levels_.resize(3);
    for (int64_t item = 0; item < item_class_.num_items(); ++item) {
      levels_[2].push_back({.item = static_cast<int32_t>(item), .parent = 0, .support = item_class_.supports[static_cast<size_t>(item)]});
    }
    for (size_t length = 2; sink_->GoesBeyond(static_cast<int>(length)); ++length) {
      levels_.emplace_back();
      if (!FindLongerThan(length)) return false;
      num_sets_ += std::ssize(levels_.back());
      if (levels_.back().empty()) break;
    }
    return Emit(2, static_cast<int32_t>(seconds_.begin), static_cast<int32_t>(seconds_.end));
  }

 private:
  std::vector<Node>& Level(size_t length) { return levels_[length]; }

  // Fills the level of sets of length + 1 items.
  bool FindLongerThan(size_t length) {
    std::vector<Node>& parents = Level(length);
    const std::vector<Node>& children = Level(length + 1);
    const auto begin = length == 2 ? static_cast<size_t>(seconds_.begin) : 0;
    const auto end = length == 2 ? static_cast<size_t>(seconds_.end) : parents.size();
    size_t counted_parents = begin;
    size_t counted_children = 0;
    for (size_t a = begin; a < end; ++a) {
      AddCandidates(length, a);
      if (!sink_->Worked(static_cast<int64_t>(length * (children.size() - static_cast<size_t>(parents[a].child_begin))))) return false;
      if (a + 1 < end && static_cast<int64_t>(children.size() - counted_children) < kCandidatesPerPass) continue;
      BeginPass(length, {static_cast<int64_t>(counted_parents), static_cast<int64_t>(a) + 1},
                {static_cast<int64_t>(counted_children), std::ssize(children)});
      if (!CountCandidates(length + 1)) return false;
      KeepFrequent(length, counted_parents, a + 1, counted_children);
      // A level alone may hold far more than is wanted.
      if (!sink_->Fits(num_sets_ + std::ssize(children))) return false;
      counted_parents = a + 1;
      counted_children = children.size();
    }
    return true;
  }

  // The children of a set: with each sibling behind it, unless a subset is known to be infrequent.
  void AddCandidates(size_t length, size_t a) {
    std::vector<Node>& parents = Level(length);
    std::vector<Node>& children = Level(length + 1);
    Node& parent = parents[a];
    parent.child_begin = static_cast<int32_t>(children.size());
    ReadPath(length, a);
    const auto end = length == 2 ? parents.size() : static_cast<size_t>(Level(length - 1)[static_cast<size_t>(parent.parent)].child_end);
    for (size_t b = a + 1; b < end; ++b) {
      if (SubsetsAreFrequent(parents[b].item)) children.push_back({.item = parents[b].item, .parent = static_cast<int32_t>(a)});
    }
    parent.child_end = static_cast<int32_t>(children.size());
  }

  void ReadPath(size_t length, size_t at) {
    path_.clear();
    for (size_t level = length; level >= 2; --level) {
      path_.push_back(Level(level)[at].item);
      at = static_cast<size_t>(Level(level)[at].parent);
    }
    std::ranges::reverse(path_);
  }

  // Without the last item or the one before it, the set of path_ and `last` is one of the two that were joined.
  bool SubsetsAreFrequent(int32_t last) {
    for (size_t without = 0; without + 1 < path_.size(); ++without) {
      if (!IsFrequentWithout(without, last)) return false;
    }
    return true;
  }

  bool IsFrequentWithout(size_t without, int32_t last) {
    int32_t at = path_[without == 0 ? 1 : 0];
    // Another call knows the sets that begin with it.
    if (at < seconds_.begin || at >= seconds_.end) return true;
    size_t level = 2;
    for (size_t i = without == 0 ? 2 : 1; i <= path_.size(); ++i) {
      if (i == without) continue;
      const Node& node = Level(level)[static_cast<size_t>(at)];
      ++level;
      const auto children =
          std::span(Level(level)).subspan(static_cast<size_t>(node.child_begin), static_cast<size_t>(node.child_end - node.child_begin));
      const int32_t wanted = i == path_.size() ? last : path_[i];
      const auto found = std::ranges::lower_bound(children, wanted, {}, &Node::item);
      if (found == children.end() || found->item != wanted) return false;
      at = node.child_begin + static_cast<int32_t>(found - children.begin());
    }
    return true;
  }

  // Only what is above the candidates is walked: the nodes of a level from the first to the last that leads to them.
  void BeginPass(size_t length, RowRange parents, RowRange candidates) {
    pass_.resize(length + 2);
    pass_[length + 1] = candidates;
    for (size_t level = length; level >= 2; --level) {
      pass_[level] = parents;
      const auto parent_of = [&](int64_t at) { return int64_t{Level(level)[static_cast<size_t>(at)].parent}; };
      parents = {parent_of(parents.begin), parent_of(parents.end - 1) + 1};
    }
  }

  bool CountCandidates(size_t length) {
    const auto items = static_cast<int64_t>(length) - 1;
    for (int64_t r = 0; r < rows_.size(); ++r) {
      const std::span<const int32_t> row = rows_.Row(r);
      if (static_cast<int64_t>(row.size()) < items) continue;
      auto steps = static_cast<int64_t>(row.size());
      for (size_t i = 0; i < row.size(); ++i) {
        if (row[i] < pass_[2].begin || row[i] >= pass_[2].end) continue;
        const Node& node = Level(2)[static_cast<size_t>(row[i])];
        steps += CountRow(3, node, row.subspan(i + 1), length);
      }
      if (!sink_->Worked(4 * steps)) return false;
    }
    return true;
  }

  // Counts the candidates below a node that a row holds. Returns the steps that this took.
  int64_t CountRow(size_t level, const Node& above, std::span<const int32_t> row, size_t target) {
    std::vector<Node>& nodes = Level(level);
    auto i = static_cast<size_t>(std::max<int64_t>(above.child_begin, pass_[level].begin));
    const auto end = static_cast<size_t>(std::min<int64_t>(above.child_end, pass_[level].end));
    int64_t steps = 1;
    for (size_t j = 0; i < end && j < row.size();) {
      ++steps;
      Node& node = nodes[i];
      if (node.item != row[j]) {
        node.item < row[j] ? ++i : ++j;
        continue;
      }
      ++j;
      ++i;
      if (level == target) {
        ++node.support;
      } else {
        steps += CountRow(level + 1, node, row.subspan(j), target);
      }
    }
    return steps;
  }

  // Drops the candidates from `from` on that are infrequent, and corrects where the children of their parents are.
  void KeepFrequent(size_t length, size_t parents_begin, size_t parents_end, size_t from) {
    std::vector<Node>& children = Level(length + 1);
    size_t kept = from;
    for (size_t a = parents_begin; a < parents_end; ++a) {
      Node& parent = Level(length)[a];
      const auto begin = static_cast<size_t>(parent.child_begin);
      const auto end = static_cast<size_t>(parent.child_end);
      parent.child_begin = static_cast<int32_t>(kept);
      for (size_t c = begin; c < end; ++c) {
        if (children[c].support >= sink_->min_count()) children[kept++] = children[c];
      }
      parent.child_end = static_cast<int32_t>(kept);
    }
    children.resize(kept);
  }

  bool Emit(size_t length, int32_t begin, int32_t end) {
    for (int32_t i = begin; i < end; ++i) {
      const Node& node = Level(length)[static_cast<size_t>(i)];
      if (!sink_->Add(static_cast<int>(length), item_class_.ranks[static_cast<size_t>(node.item)], node.support)) return false;
      if (node.child_begin < node.child_end && !Emit(length + 1, node.child_begin, node.child_end)) return false;
    }
    return true;
  }

  const ItemClass& item_class_;
  RowRange seconds_;
  ItemsetSink* sink_;
  ClassRows rows_;
  std::vector<std::vector<Node>> levels_;  // by length; the first is that of two items
  std::vector<RowRange> pass_;             // by length: what a pass walks
  std::vector<int32_t> path_;
  int64_t num_sets_ = 0;  // of the levels before the one that is being found
};

}  // namespace

bool MineByLevels(const ItemClass& item_class, RowRange seconds, ClassProjector* projector, ItemsetSink* sink) {
  return Apriori(item_class, seconds, sink).Run(projector);
}

}  // namespace couponcast
