#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "density/check_tree.h"
#include "density/kd_node.h"
#include "density/leaf_distances.h"
#include "density/work_poll.h"

namespace couponcast {
namespace {

// Nearest boxes first, with the k-th smallest squared distance so far as the limit.
class NearestSearch {
 public:
  NearestSearch(const KdTree& tree, int64_t k, CancelFlag cancel)
      : tree_(tree), k_(static_cast<size_t>(k)), point_(static_cast<size_t>(2 * tree.dims)), poll_(cancel, tree.dims) {
    nearest_.reserve(k_);
  }

  // False when cancelled.
  bool Search(int64_t leaf, int slot, double* squared) {
    leaf_ = leaf;
    slot_ = slot;
    const float* block = BlockOf(tree_, leaf);
    for (int64_t dim = 0; dim < tree_.dims; ++dim) {
      const float x = block[dim * kLeafPoints + slot];
      point_[static_cast<size_t>(dim)] = x;
      point_[static_cast<size_t>(tree_.dims + dim)] = x;
    }
    nearest_.clear();
    if (!Visit(Root(tree_), 0)) return false;
    *squared = nearest_.front();
    return true;
  }

 private:
  double Limit() const { return nearest_.size() < k_ ? std::numeric_limits<double>::max() : nearest_.front(); }
  double DistanceTo(const KdNode& node) const { return LeastSquared(point_.data(), BoxOf(tree_, node.id), tree_.dims); }

  bool Visit(const KdNode& node, double distance) {
    if (distance > Limit()) return true;
    if (node.IsLeaf()) return VisitLeaf(node.leaves.begin);
    KdNode first = node.Left();
    KdNode second = node.Right();
    double to_first = DistanceTo(first);
    double to_second = DistanceTo(second);
    if (to_second < to_first) {
      std::swap(first, second);
      std::swap(to_first, to_second);
    }
    return Visit(first, to_first) && Visit(second, to_second);
  }

  bool VisitLeaf(int64_t other) {
    const uint32_t own = uint32_t{1} << slot_;
    if (poll_.Cancelled(own)) return false;
    const float* block = BlockOf(tree_, leaf_);
    const float* others = BlockOf(tree_, other);
    std::array<uint32_t, kLeafPoints> masks{};
    uint32_t& mask = masks[static_cast<size_t>(slot_)];
    mask = SlotsOf(tree_, other);
    if (nearest_.size() == k_) SlotsWithin(block, own, others, tree_.dims, SquaredLimit(nearest_.front(), tree_.dims), masks.data());
    for (uint32_t left = mask; left != 0; left &= left - 1) Add(SquaredDistance(block, slot_, others, std::countr_zero(left), tree_.dims));
    return true;
  }

  void Add(double squared) {
    if (nearest_.size() == k_) {
      if (squared >= nearest_.front()) return;
      std::ranges::pop_heap(nearest_);
      nearest_.pop_back();
    }
    nearest_.push_back(squared);
    std::ranges::push_heap(nearest_);
  }

  const KdTree& tree_;
  size_t k_;
  std::vector<float> point_;  // a box of one point
  WorkPoll poll_;
  std::vector<double> nearest_;  // a heap, the greatest first
  int64_t leaf_ = 0;
  int slot_ = 0;
};

}  // namespace

Status KthDistances(const KdTree& tree, int64_t k, RowRange leaves, CancelFlag cancel, ProgressGauge progress,
                    std::span<double> distances) {
  COUPONCAST_RETURN_IF_ERROR(CheckTree(tree));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(leaves, tree.leaves()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), tree.rows));
  if (k < 1 || k > tree.rows)
    return InvalidArgument("expected 1 <= k <= " + std::to_string(tree.rows) + " but received " + std::to_string(k));
  NearestSearch search(tree, k, cancel);
  for (int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
    for (uint32_t left = SlotsOf(tree, leaf); left != 0; left &= left - 1) {
      const int slot = std::countr_zero(left);
      double squared = 0;
      if (!search.Search(leaf, slot, &squared)) return Cancelled();
      distances[static_cast<size_t>(tree.order[static_cast<size_t>(leaf * kLeafPoints + slot)])] = std::sqrt(squared);
    }
    progress.Set(leaf - leaves.begin + 1, leaves.size());
  }
  return {};
}

Status SortAscending(std::span<double> values, CancelFlag cancel) {
  constexpr size_t kSortedAtOnce = 65'536;
  const size_t size = values.size();
  for (size_t begin = 0; begin < size; begin += kSortedAtOnce) {
    if (cancel.IsSet()) return Cancelled();
    std::ranges::sort(values.subspan(begin, std::min(kSortedAtOnce, size - begin)));
  }
  for (size_t width = kSortedAtOnce; width < size; width *= 2) {
    for (size_t begin = 0; begin + width < size; begin += 2 * width) {
      if (cancel.IsSet()) return Cancelled();
      const auto first = values.begin() + static_cast<int64_t>(begin);
      std::inplace_merge(first, first + static_cast<int64_t>(width),
                         values.begin() + static_cast<int64_t>(std::min(begin + 2 * width, size)));
    }
  }
  return {};
}

}  // namespace couponcast
