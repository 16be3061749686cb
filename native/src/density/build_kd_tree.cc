#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/check.h"
#include "couponcast/kd_tree.h"
#include "density/kd_node.h"

namespace couponcast {
namespace {

struct Keyed {
  float key;
  int32_t row;
};

bool Before(const Keyed& a, const Keyed& b) { return a.key < b.key || (a.key == b.key && a.row < b.row); }

class Builder {
 public:
  Builder(std::span<const float> points, int64_t dims, CancelFlag cancel, const KdTreeOut& out)
      : points_(points), dims_(dims), rows_(static_cast<int64_t>(points.size()) / dims), cancel_(cancel), out_(out) {}

  Status Build(const KdNode& node, int64_t levels) {
    if (levels == 0) return {};
    if (cancel_.IsSet()) return Cancelled();
    const std::span<int32_t> rows = RowsOf(node);
    const std::span<float> box = out_.boxes.subspan(static_cast<size_t>(node.id * 2 * dims_), static_cast<size_t>(2 * dims_));
    SetBox(rows, box);
    if (node.IsLeaf()) {
      std::ranges::sort(rows);
      FillBlock(rows, node.leaves.begin);
      return {};
    }
    Split(rows, box, (node.middle() - node.leaves.begin) * kLeafPoints);
    COUPONCAST_RETURN_IF_ERROR(Build(node.Left(), levels - 1));
    return Build(node.Right(), levels - 1);
  }

 private:
  const float* Point(int32_t row) const { return points_.data() + static_cast<int64_t>(row) * dims_; }

  std::span<int32_t> RowsOf(const KdNode& node) const {
    const int64_t begin = node.leaves.begin * kLeafPoints;
    const int64_t end = std::min(node.leaves.end * kLeafPoints, rows_);
    return out_.order.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }

  void SetBox(std::span<const int32_t> rows, std::span<float> box) const {
    float* least = box.data();
    float* greatest = box.data() + dims_;
    std::copy_n(Point(rows.front()), dims_, least);
    std::copy_n(Point(rows.front()), dims_, greatest);
    for (const int32_t row : rows) {
      const float* point = Point(row);
      for (int64_t dim = 0; dim < dims_; ++dim) {
        least[dim] = std::min(least[dim], point[dim]);
        greatest[dim] = std::max(greatest[dim], point[dim]);
      }
    }
  }

  // The first `count` rows become those with the least coordinates in the widest dimension.
  void Split(std::span<int32_t> rows, std::span<const float> box, int64_t count) {
    int64_t widest = 0;
    double width = -1;
    for (int64_t dim = 0; dim < dims_; ++dim) {
      const double extent = static_cast<double>(box[static_cast<size_t>(dims_ + dim)]) - static_cast<double>(box[static_cast<size_t>(dim)]);
      if (extent > width) {
        widest = dim;
        width = extent;
      }
    }
    keyed_.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) keyed_[i] = {Point(rows[i])[widest], rows[i]};
    std::ranges::nth_element(keyed_, keyed_.begin() + count, Before);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = keyed_[i].row;
  }

  void FillBlock(std::span<const int32_t> rows, int64_t leaf) {
    float* block = out_.blocks.data() + leaf * dims_ * kLeafPoints;
    std::fill_n(block, dims_ * kLeafPoints, std::numeric_limits<float>::infinity());
    for (size_t slot = 0; slot < rows.size(); ++slot) {
      const float* point = Point(rows[slot]);
      for (int64_t dim = 0; dim < dims_; ++dim) block[dim * kLeafPoints + static_cast<int64_t>(slot)] = point[dim];
    }
  }

  std::span<const float> points_;
  int64_t dims_;
  int64_t rows_;
  CancelFlag cancel_;
  KdTreeOut out_;
  std::vector<Keyed> keyed_;
};

Status CheckFinite(std::span<const float> points, int64_t dims) {
  const auto wrong = std::ranges::find_if_not(points, [](float value) { return std::isfinite(value); });
  if (wrong == points.end()) return {};
  return InvalidArgument("expected finite points but received " + std::to_string(*wrong) + " in point " +
                         std::to_string((wrong - points.begin()) / dims));
}

}  // namespace

Status BuildKdTree(std::span<const float> points, int64_t dims, RowRange leaves, int64_t levels, CancelFlag cancel, const KdTreeOut& out) {
  if (dims < 1 || points.empty() || points.size() % static_cast<size_t>(dims) != 0)
    return InvalidArgument("expected one or more points of dims >= 1 numbers each");
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  COUPONCAST_RETURN_IF_ERROR(CheckCount("points", rows + kLeafPoints));
  const int64_t num_leaves = KdLeaves(rows);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", out.order.size(), rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("blocks", out.blocks.size(), num_leaves * dims * kLeafPoints));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("boxes", out.boxes.size(), (2 * num_leaves - 1) * 2 * dims));
  if (levels < 0) return InvalidArgument("expected levels >= 0 but received " + std::to_string(levels));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(leaves, num_leaves));
  const KdNode node = FindNode({0, {0, num_leaves}}, leaves);
  if (node.leaves.begin != leaves.begin || node.leaves.end != leaves.end)
    return InvalidArgument("no node covers the leaves [" + std::to_string(leaves.begin) + ", " + std::to_string(leaves.end) + ")");
  if (node.id == 0) {
    COUPONCAST_RETURN_IF_ERROR(CheckFinite(points, dims));
    std::iota(out.order.begin(), out.order.end(), 0);
  }
  return Builder(points, dims, cancel, out).Build(node, levels);
}

}  // namespace couponcast
