// Walking a k-d tree: its nodes, and distances between boxes.
#ifndef COUPONCAST_DENSITY_KD_NODE_H_
#define COUPONCAST_DENSITY_KD_NODE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "couponcast/kd_tree.h"

namespace couponcast {

struct KdNode {
  int64_t id = 0;
  RowRange leaves;

  bool IsLeaf() const { return leaves.size() == 1; }
  int64_t middle() const { return leaves.begin + leaves.size() / 2; }
  KdNode Left() const { return {id + 1, {leaves.begin, middle()}}; }
  KdNode Right() const { return {id + 2 * (middle() - leaves.begin), {middle(), leaves.end}}; }
};

inline KdNode Root(const KdTree& tree) { return {0, {0, tree.leaves()}}; }

// Points of a node.
inline int64_t NumPoints(const KdTree& tree, const KdNode& node) {
  return std::min(node.leaves.end * kLeafPoints, tree.rows) - node.leaves.begin * kLeafPoints;
}

// The node that covers `leaves`, or one that covers other leaves when there is none.
inline KdNode FindNode(KdNode node, RowRange leaves) {
  while (!node.IsLeaf() && (leaves.begin != node.leaves.begin || leaves.end != node.leaves.end)) {
    if (leaves.begin < node.middle() && leaves.end > node.middle()) break;
    node = leaves.begin < node.middle() ? node.Left() : node.Right();
  }
  return node;
}

inline const float* BoxOf(const KdTree& tree, int64_t id) { return tree.boxes.data() + id * 2 * tree.dims; }
inline const float* BlockOf(const KdTree& tree, int64_t leaf) { return tree.blocks.data() + leaf * tree.dims * kLeafPoints; }

// Slots of a leaf that hold a point.
inline uint32_t SlotsOf(const KdTree& tree, int64_t leaf) {
  const int64_t points = std::min(tree.rows - leaf * kLeafPoints, kLeafPoints);
  return std::numeric_limits<uint32_t>::max() >> (kLeafPoints - points);
}

// Bounds of the squared distance between a point of one box and one of the other. Rounding keeps order and all sums run
// over the dimensions in order, so they bound the computed distances, not just the true ones.
inline double LeastSquared(const float* a, const float* b, int64_t dims) {
  double sum = 0;
  for (int64_t dim = 0; dim < dims; ++dim) {
    const double above = static_cast<double>(a[dim]) - static_cast<double>(b[dims + dim]);
    const double below = static_cast<double>(b[dim]) - static_cast<double>(a[dims + dim]);
    const double gap = std::max({0.0, above, below});
    sum += gap * gap;
  }
  return sum;
}

inline double GreatestSquared(const float* a, const float* b, int64_t dims) {
  double sum = 0;
  for (int64_t dim = 0; dim < dims; ++dim) {
    const double up = static_cast<double>(a[dims + dim]) - static_cast<double>(b[dim]);
    const double down = static_cast<double>(b[dims + dim]) - static_cast<double>(a[dim]);
    const double reach = std::max(up, down);
    sum += reach * reach;
  }
  return sum;
}

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_KD_NODE_H_
