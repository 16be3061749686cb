#include <array>
#include <bit>

#include "couponcast/dbscan.h"
#include "density/check_tree.h"
#include "density/dbscan_options.h"
#include "density/disjoint_sets.h"
#include "density/kd_node.h"
#include "density/leaf_distances.h"
#include "density/work_poll.h"

namespace couponcast {
namespace {

constexpr int32_t kUnknown = -1;
constexpr int32_t kNoCores = -2;

// Joins the core points of a leaf with those of all leaves behind it. Nodes whose core points are one tree already are
// skipped whole when that tree is the leaf's own.
class Linker {
 public:
  Linker(const KdTree& tree, double eps, std::span<const int32_t> cores, CancelFlag cancel, std::span<int32_t> forest,
         std::span<int32_t> joined)
      : tree_(tree), limit_(eps * eps, tree.dims), cores_(cores), poll_(cancel, tree.dims), forest_(forest), joined_(joined) {}

  // False when cancelled.
  bool Link(int64_t leaf) {
    if (poll_.Cancelled(0)) return false;
    own_ = FindNode(Root(tree_), {leaf, leaf + 1});
    box_ = BoxOf(tree_, own_.id);
    return CoresOf(leaf) == 0 || (LinkPair(own_) && Visit(Root(tree_)));
  }

 private:
  uint32_t CoresOf(int64_t leaf) const { return static_cast<uint32_t>(cores_[static_cast<size_t>(leaf)]); }
  int32_t& Joined(const KdNode& node) { return joined_[static_cast<size_t>(node.id)]; }
  int32_t Position(int64_t leaf, uint32_t slots) const { return static_cast<int32_t>(leaf * kLeafPoints + std::countr_zero(slots)); }

  bool Visit(const KdNode& node) {
    if (node.leaves.end <= own_.leaves.begin + 1 || Joined(node) == kNoCores || OneTree(node)) return true;
    if (LeastSquared(box_, BoxOf(tree_, node.id), tree_.dims) > limit_.exact) return true;
    if (node.IsLeaf()) return LinkPair(node);
    if (!Visit(node.Left()) || !Visit(node.Right())) return false;
    if (Joined(node) == kUnknown) Join(node);
    return true;
  }

  // Whether all core points of the own leaf and of the node are known to be in one tree.
  bool OneTree(const KdNode& node) {
    return Joined(node) >= 0 && Joined(own_) >= 0 && FindRoot(forest_, Joined(node)) == FindRoot(forest_, Joined(own_));
  }

  void Join(const KdNode& node) {
    const int32_t left = Joined(node.Left());
    const int32_t right = Joined(node.Right());
    if (left == kUnknown || right == kUnknown) return;
    if (left == kNoCores || right == kNoCores) {
      Joined(node) = std::max(left, right);
    } else if (FindRoot(forest_, left) == FindRoot(forest_, right)) {
      Joined(node) = left;
    }
  }

  void JoinLeaf(const KdNode& node) {
    if (Joined(node) != kUnknown) return;
    uint32_t left = CoresOf(node.leaves.begin);
    if (left == 0) {
      Joined(node) = kNoCores;
      return;
    }
    const int32_t first = Position(node.leaves.begin, left);
    const int32_t root = FindRoot(forest_, first);
    for (left &= left - 1; left != 0; left &= left - 1) {
      if (FindRoot(forest_, Position(node.leaves.begin, left)) != root) return;
    }
    Joined(node) = first;
  }

  bool LinkPair(const KdNode& other) {
    const int64_t a = own_.leaves.begin;
    const int64_t b = other.leaves.begin;
    JoinLeaf(other);
    if (Joined(other) == kNoCores || OneTree(other)) return true;
    const float* box = BoxOf(tree_, other.id);
    if (GreatestSquared(box_, box, tree_.dims) <= limit_.exact) {
      UniteAll(Position(a, CoresOf(a)), a, CoresOf(a));
      UniteAll(Position(a, CoresOf(a)), b, CoresOf(b));
    } else if (!UniteNear(other, SlotsNearBox(BlockOf(tree_, a), CoresOf(a), box, tree_.dims, limit_))) {
      return false;
    }
    JoinLeaf(own_);
    JoinLeaf(other);
    return true;
  }

  bool UniteNear(const KdNode& other, uint32_t slots) {
    const int64_t a = own_.leaves.begin;
    const int64_t b = other.leaves.begin;
    while (slots != 0) {
      // A few at a time: the first hit may be all that is needed.
      uint32_t some = slots;
      for (int i = 0; i < kSlotsAtOnce && some != 0; ++i) some &= some - 1;
      some ^= slots;
      slots ^= some;
      if (poll_.Cancelled(some)) return false;
      SlotsWithin(BlockOf(tree_, a), some, BlockOf(tree_, b), tree_.dims, limit_, masks_.data());
      for (; some != 0; some &= some - 1) UniteAll(Position(a, some), b, masks_[static_cast<size_t>(std::countr_zero(some))] & CoresOf(b));
      if (OneTree(other)) return true;
    }
    return true;
  }

  void UniteAll(int32_t position, int64_t leaf, uint32_t slots) {
    for (; slots != 0; slots &= slots - 1) Unite(forest_, position, Position(leaf, slots));
  }

  static constexpr int kSlotsAtOnce = 4;

  const KdTree& tree_;
  SquaredLimit limit_;
  std::span<const int32_t> cores_;
  WorkPoll poll_;
  std::span<int32_t> forest_;
  std::span<int32_t> joined_;
  KdNode own_;
  const float* box_ = nullptr;
  std::array<uint32_t, kLeafPoints> masks_{};
};

}  // namespace

Status DbscanLinks(const KdTree& tree, double eps, std::span<const int32_t> cores, RowRange leaves, CancelFlag cancel,
                   ProgressGauge progress, std::span<int32_t> forest, std::span<int32_t> joined) {
  COUPONCAST_RETURN_IF_ERROR(CheckTree(tree));
  COUPONCAST_RETURN_IF_ERROR(CheckEps(eps));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(leaves, tree.leaves()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cores", cores.size(), tree.leaves()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("forest", forest.size(), tree.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("joined", joined.size(), 2 * tree.leaves() - 1));
  Linker linker(tree, eps, cores, cancel, forest, joined);
  for (int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
    if (!linker.Link(leaf)) return Cancelled();
    progress.Set(leaf - leaves.begin + 1, leaves.size());
  }
  return {};
}

Status MergeForests(std::span<const int32_t> from, CancelFlag cancel, std::span<int32_t> into) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("from", from.size(), static_cast<int64_t>(into.size())));
  constexpr size_t kElementsPerPoll = 65'536;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i % kElementsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    if (from[i] != static_cast<int32_t>(i)) Unite(into, static_cast<int32_t>(i), from[i]);
  }
  return {};
}

}  // namespace couponcast
