// A k-d tree over dense rows in flat arrays, so that it can lie in memory that threads share.
#ifndef COUPONCAST_KD_TREE_H_
#define COUPONCAST_KD_TREE_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Points of a leaf: all leaves are full but the last, so the tree's shape depends on the number of points alone.
inline constexpr int64_t kLeafPoints = 32;

constexpr int64_t KdLeaves(int64_t rows) { return (rows + kLeafPoints - 1) / kLeafPoints; }

// A node covers the leaves [begin, end) and halves them at the middle; nodes are numbered in preorder, the root is 0.
// A point's position is its place in leaf order: leaf * 32 + slot; within a leaf points ascend by row.
struct KdTree {
  int64_t rows = 0;
  int64_t dims = 0;
  std::span<const int32_t> order;  // [rows] row of each position
  std::span<const float> blocks;   // [leaves * dims * 32] coordinates of each leaf, dimension by dimension; infinity in empty slots
  std::span<const float> boxes;    // [(2 leaves - 1) * 2 * dims] least, then greatest coordinates of each node's points

  int64_t leaves() const { return KdLeaves(rows); }
};

struct KdTreeOut {
  std::span<int32_t> order;
  std::span<float> blocks;
  std::span<float> boxes;
};

// Builds `levels` levels of the node that covers `leaves`: splits it at the median of the widest dimension (ties: the
// smaller dimension; equal coordinates: the smaller row). A call for the root sets `order` itself; a call for another
// node goes on from what its parent left. Calls for different nodes of one level may run at once.
//
// points  [rows * dims] row-major; finite, which the call for the root checks
// out     all sizes as in KdTree
//
// Cost: O(levels * points * dims) and a selection a level. Memory: 8 bytes a point of the node.
// Errors: kInvalidArgument, kCancelled.
Status BuildKdTree(std::span<const float> points, int64_t dims, RowRange leaves, int64_t levels, CancelFlag cancel, const KdTreeOut& out);

// distances[row] = the k-th smallest Euclidean distance from the point to all points, itself included, for the points
// of the leaves of `leaves`; sqrt of a float64 sum of squared differences in the order of the dimensions.
//
// k          1 <= k <= rows
// distances  [rows] out, by row
//
// Memory: 8 k bytes. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status KthDistances(const KdTree& tree, int64_t k, RowRange leaves, CancelFlag cancel, ProgressGauge progress, std::span<double> distances);

// Sorts finite values in ascending order, in place. Memory: 8 bytes a value. Errors: kCancelled.
Status SortAscending(std::span<double> values, CancelFlag cancel);

}  // namespace couponcast

#endif  // COUPONCAST_KD_TREE_H_
