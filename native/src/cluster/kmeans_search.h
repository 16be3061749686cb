// What the filtered assignment of a chunk of points shares, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_KMEANS_SEARCH_H_
#define COUPONCAST_CLUSTER_KMEANS_SEARCH_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "couponcast/kmeans_filter.h"

namespace couponcast {

// Points that pass the centroids side by side: two tiles.
inline constexpr int64_t kKmeansPointsAtOnce = 2 * kKmeansTile;
// Room for the rounding of bounds in float32, of which there are a few in a row.
inline constexpr float kKmeansRoundDown = 1 - 0x1p-20F;
inline constexpr float kKmeansRoundUp = 1 + 0x1p-20F;

inline float KmeansRoundedUp(double value) { return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity()); }

// Centroids as bytes, and what is known of how far their products with points can be off.
struct KmeansByteFilter {
  const float* centroids = nullptr;
  const int8_t* panel = nullptr;
  const int32_t* starts = nullptr;
  const int32_t* order = nullptr;    // [k] centroid of each column
  const int32_t* columns = nullptr;  // [k] column of each centroid
  int64_t k = 0;
  int64_t dims = 0;
  int64_t bytes = 0;
  float inverse_unit = 0;
  float unit = 0;            // twice that of the codes
  float error = 0;           // of a measured squared distance, relative, with room
  float radius = 0;          // largest |c - centre|
  float centroid_error = 0;  // largest error of a coded centroid
  float tiny = 0;            // the same as `error`, absolute: squares below float32

  // Below the sum of any centroid, above that of no centroid.
  static constexpr int32_t kAll = std::numeric_limits<int32_t>::min() + 1;

  // All but k and columns.
  template <typename Codes>
  void Read(const Codes& codes, std::span<const float> all_centroids, int64_t all_dims) {
    centroids = all_centroids.data();
    panel = codes.panel.data();
    starts = codes.starts.data();
    order = codes.order.data();
    dims = all_dims;
    bytes = KmeansCodeBytes(dims);
    unit = static_cast<float>(2 * codes.scale[0]);
    inverse_unit = 1 / unit;
    radius = KmeansRoundedUp(codes.scale[1]);
    centroid_error = KmeansRoundedUp(codes.scale[2]);
    error = KmeansRoundedUp(2 * KmeansDistanceError(dims));
    tiny = static_cast<float>(dims) * 1e-40F;
  }

  // Sums at least so large may belong to a centroid at most `squared` away.
  int32_t Threshold(float offset, float squared) const {
    const float farther = squared * (1 + error) + tiny;
    const float threshold = (offset - farther) * inverse_unit - 2;
    // NaN, from numbers beyond float32, measures all.
    return !(threshold > -0x1p30F) ? kAll : static_cast<int32_t>(std::min(threshold, 0x1p30F));
  }
};

struct KmeansFilter : KmeansByteFilter {
  const float* moves = nullptr;  // [num_columns] descending, rounded up; 0 of columns without a centroid
  int64_t num_columns = 0;

  static constexpr int32_t kNone = std::numeric_limits<int32_t>::max();
};

// Points on their way through the centroids; arrays are by place in the chunk.
struct KmeansByteChunk {
  const float* points = nullptr;
  const uint8_t* codes = nullptr;          // of whole tiles
  std::array<const float*, 3> norms = {};  // as KmeansCodes has them
  int64_t size = 0;
  int32_t* labels = nullptr;
  float* distances = nullptr;
  float* lower = nullptr;
  float* reaches = nullptr;       // the label's centroid is at most so far
  float* offsets = nullptr;       // |x - centre|^2 less all that rounding may add
  int32_t* thresholds = nullptr;  // of sums of centroids that may be nearer

  // The points from `row` on, of `rows`.
  template <typename Codes>
  void Read(const Codes& all_codes, const float* all_points, const KmeansByteFilter& filter, int64_t rows, int64_t row) {
    points = all_points + row * filter.dims;
    codes = all_codes.codes.data() + row * filter.bytes;
    for (size_t kind = 0; kind < 3; ++kind) norms[kind] = all_codes.norms.data() + static_cast<int64_t>(kind) * rows + row;
  }
};

// Arrays of its own are padded to whole kKmeansPointsAtOnce.
struct KmeansChunk : KmeansByteChunk {
  int32_t* open = nullptr;      // places that look at all columns
  uint8_t* gathered = nullptr;  // codes of kKmeansPointsAtOnce points
};

// Points side by side, from anywhere in the chunk.
struct KmeansTiles {
  alignas(64) std::array<int32_t, kKmeansPointsAtOnce> thresholds = {};
  alignas(64) std::array<int32_t, kKmeansPointsAtOnce> own = {};      // columns of the labels, which are no candidates
  alignas(64) std::array<int32_t, kKmeansPointsAtOnce> largest = {};  // sum of what was not measured
  alignas(64) std::array<float, kKmeansPointsAtOnce> seconds = {};    // smallest squared distance measured, the best aside
  alignas(64) std::array<float, kKmeansPointsAtOnce> offsets = {};
  std::array<int32_t, kKmeansPointsAtOnce> places = {};
  std::array<const uint8_t*, 2> codes = {};  // of each tile
  int64_t size = 0;
};

// Columns that all points look at: the centroids that went farthest. The others went at most moves[hot], so only points
// whose bound this leaves open look at them, too. From a sample of how much `slack` bounds have; sorts it.
inline int64_t HotColumns(const KmeansFilter& filter, std::span<float> slack) {
  // What a point costs that is gathered anew, in columns.
  constexpr double kGatherColumns = 4;
  std::ranges::sort(slack);
  const auto columns = static_cast<double>(filter.num_columns);
  double least = columns;
  int64_t hot = filter.num_columns;
  size_t open = slack.size();
  for (int64_t column = 0; column < filter.num_columns; column += kKmeansColumnsAtOnce) {
    while (open > 0 && slack[open - 1] > filter.moves[column]) --open;
    const double share = static_cast<double>(open) / static_cast<double>(slack.size());
    const double cost = static_cast<double>(column) + share * (columns - static_cast<double>(column) + kGatherColumns);
    if (cost < least) {
      least = cost;
      hot = column;
    }
  }
  return hot;
}

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_SEARCH_H_
