// K-means assignment by a fast filter with exact answers: points and centroids as bytes. The integer product of bytes,
// with a proven bound of its error, decides which centroids may be the nearest; those are measured in float32 as
// KmeansAssign does it. So labels, distances and sums are those of KmeansAssign, bit for bit.
#ifndef COUPONCAST_KMEANS_FILTER_H_
#define COUPONCAST_KMEANS_FILTER_H_

#include <cstdint>
#include <span>

#include "couponcast/kmeans.h"

namespace couponcast {

inline constexpr int64_t kKmeansCodeDims = 16384;  // at most: sums of byte products stay below 2^31

// Bytes of a coded point: dims rounded up to whole groups of four.
constexpr int64_t KmeansCodeBytes(int64_t dims) { return (dims + 3) / 4 * 4; }
// Centroids in groups of consecutive columns, each with a bound of its own: at most 16 groups of whole vectors of 16.
constexpr int64_t KmeansGroupColumns(int64_t k) { return k <= 256 ? 16 : (k + 255) / 256 * 16; }
constexpr int64_t KmeansGroups(int64_t k) { return (k + KmeansGroupColumns(k) - 1) / KmeansGroupColumns(k); }
// Columns of coded centroids: whole groups.
constexpr int64_t KmeansCodeColumns(int64_t k) { return KmeansGroups(k) * KmeansGroupColumns(k); }
// Bounds kept for a point, of which the first KmeansGroups(k) are used.
constexpr int64_t KmeansBoundStride(int64_t k) { return KmeansGroups(k) > 8 ? 16 : 8; }

// lows, highs [dims] out: smallest and largest coordinate of the points of `range`, +inf and -inf of no points.
// kInvalidArgument for a coordinate that is not finite.
Status KmeansBox(std::span<const float> points, int64_t dims, RowRange range, CancelFlag cancel, std::span<float> lows,
                 std::span<float> highs);

// Codes of the points of `range`: x = centre + step * (code - 128) + error, per dimension.
//
// centre, steps  [dims] finite, steps >= 0; the points' box is within centre +- 128 steps
// codes          [rows * KmeansCodeBytes(dims)] out
// norms          [rows * 3] out: bounds of |error|, |code - 128|, and |x - centre|^2 rounded
Status KmeansEncode(std::span<const float> points, int64_t dims, std::span<const float> centre, std::span<const float> steps,
                    RowRange range, CancelFlag cancel, std::span<uint8_t> codes, std::span<float> norms);

// An order of the centroids in which near ones follow each other, so that few groups are near a point: a chain from
// centroid 0 to the nearest that is left, of equal ones the smaller index. order [k] out. Cost: k^2 dims.
Status KmeansOrder(std::span<const float> centroids, int64_t dims, CancelFlag cancel, std::span<int32_t> order);

// What all assignments to the same centroids share.
//
// order   [k] the centroid of each column, each once
// panel   [KmeansCodeColumns(k) * KmeansCodeBytes(dims)] out: by 16 centroids, by 4 dimensions
// starts  [KmeansCodeColumns(k)] out: where a sum of products starts
// scale   [3] out: the unit of sums; largest |c - centre|; largest |error of c|
// Returns in *usable whether all fits into 32 bits; if not (centroids far outside the box), use KmeansAssign.
Status KmeansEncodeCentroids(std::span<const float> centroids, int64_t dims, std::span<const float> centre, std::span<const float> steps,
                             std::span<const int32_t> order, std::span<int8_t> panel, std::span<int32_t> starts, std::span<double> scale,
                             bool* usable);

struct KmeansCodes {
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

// KmeansAssign, from labels in [0, k) that are a guess, the better the faster; labels in/out. The first assignment after
// a start guesses by itself.
// Cost: k dims byte multiply-adds a point, and a few distances. Memory: a few kilobytes.
// Source: Ding et al. 2015 (bounds); the filter is our own.
Status KmeansAssignFiltered(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                            const KmeansCodes& codes, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                            std::span<float> distances, KmeansPartial* partial);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_FILTER_H_
