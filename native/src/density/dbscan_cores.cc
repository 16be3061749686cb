#include <array>
#include <bit>
#include <cmath>

#include "couponcast/dbscan.h"
#include "density/check_tree.h"
#include "density/dbscan_options.h"
#include "density/kd_node.h"
#include "density/leaf_distances.h"
#include "density/work_poll.h"

namespace couponcast {
namespace {

// Searches for all points of a leaf at once, nearest boxes first; a point that is known to be a core point drops out.
class CoreSearch {
 public:
  CoreSearch(const KdTree& tree, std::span<const double> weights, const DbscanOptions& options, CancelFlag cancel)
      : tree_(tree),
        weights_(weights),
        options_(options),
        limit_(options.eps * options.eps, tree.dims),
        may_stop_(std::ranges::none_of(weights, [](double weight) { return weight < 0; })),
        poll_(cancel, tree.dims) {}

  // False when cancelled.
  bool Search(int64_t leaf, uint32_t* cores) {
    leaf_ = leaf;
    block_ = BlockOf(tree_, leaf);
    const KdNode own = FindNode(Root(tree_), {leaf, leaf + 1});
    box_ = BoxOf(tree_, own.id);
    pending_ = SlotsOf(tree_, leaf);
    found_.fill(0);
    cores_ = 0;
    const bool finished = Visit(own) && (pending_ == 0 || own.id == 0 || VisitOthers(Root(tree_)));
    if (!may_stop_) {
      for (uint32_t left = pending_; left != 0; left &= left - 1) Settle(std::countr_zero(left));
    }
    *cores = cores_;
    return finished;
  }

 private:
  // All but the own leaf.
  bool VisitOthers(const KdNode& node) {
    if (pending_ == 0 || LeastSquared(box_, BoxOf(tree_, node.id), tree_.dims) > limit_.exact) return true;
    const bool has_own = leaf_ >= node.leaves.begin && leaf_ < node.leaves.end;
    if (node.IsLeaf()) return has_own || Visit(node);
    if (!has_own && AddAll(node)) return true;
    KdNode first = node.Left();
    KdNode second = node.Right();
    if (LeastSquared(box_, BoxOf(tree_, second.id), tree_.dims) < LeastSquared(box_, BoxOf(tree_, first.id), tree_.dims))
      std::swap(first, second);
    return VisitOthers(first) && VisitOthers(second);
  }

  bool Visit(const KdNode& node) {
    const float* box = BoxOf(tree_, node.id);
    if (AddAll(node)) return true;
    const uint32_t near = SlotsNearBox(block_, pending_, box, tree_.dims, limit_);
    if (poll_.Cancelled(near)) return false;
    if (near == 0) return true;
    SlotsWithin(block_, near, BlockOf(tree_, node.leaves.begin), tree_.dims, limit_, masks_.data());
    for (uint32_t left = near; left != 0; left &= left - 1) {
      const int slot = std::countr_zero(left);
      Add(slot, WeightOf(node.leaves.begin, masks_[static_cast<size_t>(slot)]));
    }
    return true;
  }

  // Whether all points of the node are within the limit of all of the leaf, without weights; they are counted then.
  bool AddAll(const KdNode& node) {
    if (!weights_.empty() || GreatestSquared(box_, BoxOf(tree_, node.id), tree_.dims) > limit_.exact) return false;
    const auto points = static_cast<double>(NumPoints(tree_, node));
    for (uint32_t left = pending_; left != 0; left &= left - 1) Add(std::countr_zero(left), points);
    return true;
  }

  double WeightOf(int64_t leaf, uint32_t slots) const {
    if (weights_.empty()) return static_cast<double>(std::popcount(slots));
    double sum = 0;
    for (; slots != 0; slots &= slots - 1) {
      const int32_t row = tree_.order[static_cast<size_t>(leaf * kLeafPoints + std::countr_zero(slots))];
      sum += weights_[static_cast<size_t>(row)];
    }
    return sum;
  }

  void Add(int slot, double weight) {
    found_[static_cast<size_t>(slot)] += weight;
    if (may_stop_) Settle(slot);
  }

  void Settle(int slot) {
    if (found_[static_cast<size_t>(slot)] < options_.min_samples) return;
    cores_ |= uint32_t{1} << slot;
    pending_ &= ~(uint32_t{1} << slot);
  }

  const KdTree& tree_;
  std::span<const double> weights_;
  DbscanOptions options_;
  SquaredLimit limit_;
  bool may_stop_;
  WorkPoll poll_;
  int64_t leaf_ = 0;
  const float* block_ = nullptr;
  const float* box_ = nullptr;
  uint32_t pending_ = 0;
  uint32_t cores_ = 0;
  std::array<double, kLeafPoints> found_{};
  std::array<uint32_t, kLeafPoints> masks_{};
};

}  // namespace

Status DbscanCores(const KdTree& tree, std::span<const double> weights, const DbscanOptions& options, RowRange leaves, CancelFlag cancel,
                   ProgressGauge progress, std::span<int32_t> cores) {
  COUPONCAST_RETURN_IF_ERROR(CheckTree(tree));
  COUPONCAST_RETURN_IF_ERROR(CheckEps(options.eps));
  if (!(options.min_samples > 0) || !std::isfinite(options.min_samples)) return InvalidArgument("expected finite min_samples > 0");
  COUPONCAST_RETURN_IF_ERROR(CheckRange(leaves, tree.leaves()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cores", cores.size(), tree.leaves()));
  if (!weights.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), tree.rows));
  if (!std::ranges::all_of(weights, [](double weight) { return std::isfinite(weight); })) return InvalidArgument("expected finite weights");
  CoreSearch search(tree, weights, options, cancel);
  for (int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
    uint32_t mask = 0;
    if (!search.Search(leaf, &mask)) return Cancelled();
    cores[static_cast<size_t>(leaf)] = static_cast<int32_t>(mask);
    progress.Set(leaf - leaves.begin + 1, leaves.size());
  }
  return {};
}

}  // namespace couponcast
