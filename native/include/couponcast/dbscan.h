// DBSCAN over a k-d tree, as kernels over ranges of leaves; src/profile/dbscan.ts drives them: cores, links of each
// lane, merged forests, numbers of the clusters, borders.
//
// Two points are neighbours when their squared Euclidean distance, a float64 sum in the order of the dimensions, is at
// most eps * eps; a point is its own neighbour. A core point has min_samples neighbours (or neighbours of that weight).
// A cluster is the core points connected through neighbours; a border point goes to the cluster with the smallest
// number among those of its core neighbours; others are noise. Clusters are numbered by their smallest core row: the
// labels of scikit-learn. No list of neighbours is ever kept. Source: Ester et al. 1996; formulas.md, "DBSCAN".
#ifndef COUPONCAST_DBSCAN_H_
#define COUPONCAST_DBSCAN_H_

#include <cstdint>
#include <span>

#include "couponcast/kd_tree.h"
#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

struct DbscanOptions {
  double eps = 0;          // > 0, <= 1e100
  double min_samples = 1;  // > 0
};

// cores[leaf] bit s = whether the point in slot s of the leaf is a core point, for the leaves of `leaves`.
//
// weights  [rows] by row, finite; empty: 1 each. Their sums run in the order of the tree's search, which depends on the
//          points alone. Without negative ones the search for a point ends once it is a core point.
// cores    [leaves of the tree] out
//
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status DbscanCores(const KdTree& tree, std::span<const double> weights, const DbscanOptions& options, RowRange leaves, CancelFlag cancel,
                   ProgressGauge progress, std::span<int32_t> cores);

// Joins the core points of `leaves` with their core neighbours in the same or later leaves.
//
// forest  [rows] in/out, by position: a disjoint-set forest, at first forest[p] = p; a tree's root is its smallest position
// joined  [2 leaves - 1] in/out, by node: at first -1; later a core position of the node when all its core points are
//         known to be one tree, -2 when it has none
//
// Forest and joined belong to one thread and are kept between its calls.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status DbscanLinks(const KdTree& tree, double eps, std::span<const int32_t> cores, RowRange leaves, CancelFlag cancel,
                   ProgressGauge progress, std::span<int32_t> forest, std::span<int32_t> joined);

// Joins in `into` what is joined in `from`. Errors: kInvalidArgument, kCancelled.
Status MergeForests(std::span<const int32_t> from, CancelFlag cancel, std::span<int32_t> into);

// labels[row] = cluster of each core point, numbered by the smallest row; -1 for others. *clusters is their number.
// order is the row of each position; empty: positions are rows. cores: 32 positions an element; forest is only
// compressed. Errors: kInvalidArgument.
Status NumberClusters(std::span<const int32_t> order, std::span<const int32_t> cores, std::span<int32_t> forest, std::span<int32_t> labels,
                      int64_t* clusters);

// labels[row] of the points of `leaves` that are no core points: the smallest label of a core neighbour, or -1. Reads the
// labels of core points only. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status DbscanBorders(const KdTree& tree, double eps, std::span<const int32_t> cores, RowRange leaves, CancelFlag cancel,
                     ProgressGauge progress, std::span<int32_t> labels);

}  // namespace couponcast

#endif  // COUPONCAST_DBSCAN_H_
