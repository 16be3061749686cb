// What the filtered assignment of a chunk of points shares, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_KMEANS_SEARCH_H_
#define COUPONCAST_CLUSTER_KMEANS_SEARCH_H_

#include <cmath>
#include <cstdint>
#include <limits>

namespace couponcast {

inline constexpr int64_t kKmeansPointsAtOnce = 8;
// Room for the rounding of bounds in float32, of which there are a few in a row.
inline constexpr float kKmeansRoundDown = 1 - 0x1p-20F;
inline constexpr float kKmeansRoundUp = 1 + 0x1p-20F;

struct KmeansFilter {
  const float* centroids = nullptr;
  const int8_t* panel = nullptr;
  const int32_t* starts = nullptr;
  const int32_t* order = nullptr;    // [k] centroid of each column
  const int32_t* columns = nullptr;  // [k] column of each centroid
  const float* drifts = nullptr;     // [groups] rounded up
  int64_t k = 0;
  int64_t dims = 0;
  int64_t bytes = 0;
  int64_t groups = 0;
  int64_t group_columns = 0;
  int64_t stride = 0;  // bounds of a point
  float unit = 0;      // twice that of the codes
  float error = 0;     // of a measured squared distance, relative, with room
  float tiny = 0;      // the same, absolute: squares below float32

  // The true distance to a centroid is at least this, in the units of the bounds of `group`.
  float LowerOf(float squared, int64_t group) const {
    const float bound = std::sqrt(squared * (1 - error)) * kKmeansRoundDown;
    return (bound + drifts[group]) * kKmeansRoundDown;
  }

  // Sums at least so large may belong to a centroid at most `squared` away.
  int32_t Threshold(float offset, float squared) const {
    const double farther = static_cast<double>(squared) * (1 + static_cast<double>(error)) + static_cast<double>(tiny);
    const double threshold = std::floor((static_cast<double>(offset) - farther) / static_cast<double>(unit)) - 1;
    constexpr int32_t kMin = std::numeric_limits<int32_t>::min() + 1;
    constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
    // NaN, from numbers beyond float32, measures all.
    return !(threshold > kMin) ? kMin : threshold >= kMax ? kMax : static_cast<int32_t>(threshold);
  }
};

// Points on their way through the centroids; arrays are by place in the chunk.
struct KmeansChunk {
  const float* points = nullptr;
  const uint8_t* codes = nullptr;
  const float* norms = nullptr;
  int64_t size = 0;
  int32_t* labels = nullptr;
  float* distances = nullptr;
  float* lower = nullptr;
  float* offsets = nullptr;  // |x - centre|^2 less all that rounding may add
  int32_t* thresholds = nullptr;
  int32_t* waiting = nullptr;      // [groups][capacity] places that a group may hold a nearer centroid of
  int64_t* num_waiting = nullptr;  // [groups]
  int64_t capacity = 0;
  int32_t* sums = nullptr;  // [kKmeansPointsAtOnce * group_columns]
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_SEARCH_H_
