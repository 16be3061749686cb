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

// Points whose codes lie side by side.
inline constexpr int64_t kKmeansTile = 16;
// Columns that points pass at once.
inline constexpr int64_t kKmeansColumnsAtOnce = 4;

// Bytes of a coded point: dims rounded up to whole groups of four.
constexpr int64_t KmeansCodeBytes(int64_t dims) { return (dims + 3) / 4 * 4; }
// Bytes of the codes of points: those of whole tiles.
constexpr int64_t KmeansCodesSize(int64_t rows, int64_t dims) {
  return (rows + kKmeansTile - 1) / kKmeansTile * kKmeansTile * KmeansCodeBytes(dims);
}
// Columns of coded centroids.
constexpr int64_t KmeansCodeColumns(int64_t k) { return (k + kKmeansColumnsAtOnce - 1) / kKmeansColumnsAtOnce * kKmeansColumnsAtOnce; }

// lows, highs [dims] out: smallest and largest coordinate of the points of `range`, +inf and -inf of no points.
// kInvalidArgument for a coordinate that is not finite.
Status KmeansBox(std::span<const float> points, int64_t dims, RowRange range, CancelFlag cancel, std::span<float> lows,
                 std::span<float> highs);

// Codes of the points of `range`: x = centre + step * (code - 128) + error, per dimension.
//
// centre, steps  [dims] finite, steps >= 0; the points' box is within centre +- 128 steps
// codes          [KmeansCodesSize(rows, dims)] out: by tile of 16 points, by 4 dimensions, by point
// norms          [3 * rows] out: bounds of |error| of all points, then of |code - 128|, then |x - centre|^2 rounded
Status KmeansEncode(std::span<const float> points, int64_t dims, std::span<const float> centre, std::span<const float> steps,
                    RowRange range, CancelFlag cancel, std::span<uint8_t> codes, std::span<float> norms);

// What all assignments to the same centroids share.
//
// order   [k] the centroid of each column, each once
// panel   [columns * KmeansCodeBytes(dims)] out: by `side` columns, by 4 dimensions
// starts  [columns] out: where a sum of products starts; at least k columns, a multiple of `side`
// scale   [3] out: the unit of sums; largest |c - centre|; largest |error of c|
// Returns in *usable whether all fits into 32 bits; if not (centroids far outside the box), use KmeansAssign.
Status KmeansEncodeCentroids(std::span<const float> centroids, int64_t dims, std::span<const float> centre, std::span<const float> steps,
                             std::span<const int32_t> order, int64_t side, std::span<int8_t> panel, std::span<int32_t> starts,
                             std::span<double> scale, bool* usable);

struct KmeansCodes {
  std::span<const uint8_t> codes;
  std::span<const float> norms;
  std::span<const int32_t> order;
  std::span<const int8_t> panel;
  std::span<const int32_t> starts;
  std::span<const double> scale;
  // Bounds in the manner of Hamerly: [range.size()] in/out. A lower bound of the distance to every centroid but the
  // label's, before they moved.
  std::span<float> lower;
  // [k] how far the centroid of each column moved since then, descending; all infinite: nothing is known of bounds or labels.
  std::span<const double> moves;
};

// KmeansAssign, from labels in [0, k) that are a guess, the better the faster; labels in/out. Where nothing is known it
// guesses by itself. `range` begins at a multiple of 16.
//
// Few centroids move far at a time. All points look at those; the others moved at most so far, and only points whose bound
// this leaves open look at them.
// Cost: at most k dims byte multiply-adds a point, and a few distances. Memory: a few kilobytes.
// Source: Hamerly 2010 (bounds); the filter is our own.
Status KmeansAssignFiltered(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                            const KmeansCodes& codes, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                            std::span<float> distances, KmeansPartial* partial);

}  // namespace couponcast

#endif  // COUPONCAST_KMEANS_FILTER_H_
