#include <array>
#include <bit>
#include <vector>

#include "couponcast/dbscan.h"
#include "density/check_tree.h"
#include "density/dbscan_options.h"
#include "density/disjoint_sets.h"
#include "density/kd_node.h"
#include "density/leaf_distances.h"
#include "density/work_poll.h"

namespace couponcast {
namespace {

constexpr int32_t kNoise = -1;

// The smallest label of a core neighbour, for the points of a leaf that are no core points.
class BorderSearch {
 public:
  BorderSearch(const KdTree& tree, double eps, std::span<const int32_t> cores, CancelFlag cancel, std::span<int32_t> labels)
      : tree_(tree), limit_(eps * eps, tree.dims), cores_(cores), poll_(cancel, tree.dims), labels_(labels) {}

  // False when cancelled.
  bool Search(int64_t leaf) {
    leaf_ = leaf;
    slots_ = SlotsOf(tree_, leaf) & ~static_cast<uint32_t>(cores_[static_cast<size_t>(leaf)]);
    if (slots_ == 0) return true;
    box_ = BoxOf(tree_, FindNode(Root(tree_), {leaf, leaf + 1}).id);
    best_.fill(kNoise);
    if (!Visit(Root(tree_))) return false;
    for (uint32_t left = slots_; left != 0; left &= left - 1) {
      const int slot = std::countr_zero(left);
      Label(leaf, slot) = best_[static_cast<size_t>(slot)];
    }
    return true;
  }

 private:
  int32_t& Label(int64_t leaf, int slot) {
    return labels_[static_cast<size_t>(tree_.order[static_cast<size_t>(leaf * kLeafPoints + slot)])];
  }

  bool Visit(const KdNode& node) {
    const float* box = BoxOf(tree_, node.id);
    if (LeastSquared(box_, box, tree_.dims) > limit_.exact) return true;
    if (!node.IsLeaf()) return Visit(node.Left()) && Visit(node.Right());
    const int64_t other = node.leaves.begin;
    const auto cores = static_cast<uint32_t>(cores_[static_cast<size_t>(other)]);
    if (cores == 0) return true;
    const float* block = BlockOf(tree_, leaf_);
    const uint32_t near = SlotsNearBox(block, slots_, box, tree_.dims, limit_);
    if (poll_.Cancelled(near)) return false;
    SlotsWithin(block, near, BlockOf(tree_, other), tree_.dims, limit_, masks_.data());
    for (uint32_t left = near; left != 0; left &= left - 1) {
      const auto slot = static_cast<size_t>(std::countr_zero(left));
      for (uint32_t hits = masks_[slot] & cores; hits != 0; hits &= hits - 1) {
        const int32_t label = Label(other, std::countr_zero(hits));
        if (best_[slot] == kNoise || label < best_[slot]) best_[slot] = label;
      }
    }
    return true;
  }

  const KdTree& tree_;
  SquaredLimit limit_;
  std::span<const int32_t> cores_;
  WorkPoll poll_;
  std::span<int32_t> labels_;
  int64_t leaf_ = 0;
  uint32_t slots_ = 0;
  const float* box_ = nullptr;
  std::array<int32_t, kLeafPoints> best_{};
  std::array<uint32_t, kLeafPoints> masks_{};
};

}  // namespace

Status NumberClusters(std::span<const int32_t> order, std::span<const int32_t> cores, std::span<int32_t> forest, std::span<int32_t> labels,
                      int64_t* clusters) {
  const auto rows = static_cast<int64_t>(labels.size());
  COUPONCAST_RETURN_IF_ERROR(CheckCount("points", rows));
  if (!order.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cores", cores.size(), KdLeaves(rows)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("forest", forest.size(), rows));
  for (int64_t position = 0; position < rows; ++position) {
    const bool is_core = (static_cast<uint32_t>(cores[static_cast<size_t>(position / kLeafPoints)]) >> (position % kLeafPoints) & 1U) != 0;
    const auto row = static_cast<size_t>(order.empty() ? position : order[static_cast<size_t>(position)]);
    labels[row] = is_core ? FindRoot(forest, static_cast<int32_t>(position)) : kNoise;
  }
  std::vector<int32_t> number(labels.size(), kNoise);
  int32_t next = 0;
  for (int32_t& label : labels) {
    if (label == kNoise) continue;
    int32_t& cluster = number[static_cast<size_t>(label)];
    if (cluster == kNoise) cluster = next++;
    label = cluster;
  }
  *clusters = next;
  return {};
}

Status DbscanBorders(const KdTree& tree, double eps, std::span<const int32_t> cores, RowRange leaves, CancelFlag cancel,
                     ProgressGauge progress, std::span<int32_t> labels) {
  COUPONCAST_RETURN_IF_ERROR(CheckTree(tree));
  COUPONCAST_RETURN_IF_ERROR(CheckEps(eps));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(leaves, tree.leaves()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cores", cores.size(), tree.leaves()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), tree.rows));
  BorderSearch search(tree, eps, cores, cancel, labels);
  for (int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
    if (!search.Search(leaf)) return Cancelled();
    progress.Set(leaf - leaves.begin + 1, leaves.size());
  }
  return {};
}

}  // namespace couponcast
