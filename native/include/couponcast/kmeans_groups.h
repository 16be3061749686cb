// The assignment of kmeans_filter.h for many centroids: a bound for each group of near ones, in the manner of Yinyang, so
// that a point looks only at groups that its bounds leave open.
#ifndef COUPONCAST_KMEANS_GROUPS_H_
#define COUPONCAST_KMEANS_GROUPS_H_

#include <cstdint>
#include <span>

#include "couponcast/kmeans_filter.h"

namespace couponcast {

// Columns side by side in the panel of coded centroids.
inline constexpr int64_t kKmeansGroupSide = 16;
// Centroids in groups of consecutive columns, each with a bound of its own: at most 16 groups of whole vectors of 16.
constexpr int64_t KmeansGroupColumns(int64_t k) { return k <= 256 ? 16 : (k + 255) / 256 * 16; }
constexpr int64_t KmeansGroups(int64_t k) { return (k + KmeansGroupColumns(k) - 1) / KmeansGroupColumns(k); }
// Bounds kept for a point, of which the first KmeansGroups(k) are used.
constexpr int64_t KmeansBoundStride(int64_t k) { return KmeansGroups(k) > 8 ? 16 : 8; }

// An order of the centroids in which near ones follow each other, so that few groups are near a point: a chain from
// centroid 0 to the nearest that is left, of equal ones the smaller index. order [k] out. Cost: k^2 dims.
Status KmeansOrder(std::span<const float> centroids, int64_t dims, CancelFlag cancel, std::span<int32_t> order);

// As KmeansCodes, with columns in groups.
struct KmeansGroupCodes {
  std::span<const uint8_t> codes;
  std::span<const float> norms;
  std::span<const int32_t> order;
  std::span<const int8_t> panel;
  std::span<const int32_t> starts;
  std::span<const double> scale;
  // Bounds in the manner of Yinyang: `lower` [range.size() * KmeansBoundStride(k)] in/out. lower[g] - drifts[g] is a lower
  // bound of the distance to every centroid of group g but the label's; lower 0: nothing is known. A point nearer to its
  // own centroid needs no product with the group.
  std::span<float> lower;
  // [KmeansGroups(k)] sum over all moves of the centroids so far of how far the farthest of the group went.
  // All 0: the centroids are new, nothing is known of bounds or labels.
  std::span<const double> drifts;
};

// Labels and distances of KmeansAssign, bit for bit, from labels in [0, k) that are a guess; labels in/out. Where nothing is
// known it guesses by itself. `range` begins at a multiple of 16.
//
// inertia  out: weighted sum of the distances
//
// Cost: at most k dims byte multiply-adds a point, and a few distances. Memory: a few kilobytes.
// Source: Ding et al. 2015 (bounds); the filter is our own.
Status KmeansAssignGroups(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                          const KmeansGroupCodes& codes, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                          std::span<float> distances, double* inertia);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_GROUPS_H_
