// What the assignment by groups of centroids shares, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_KMEANS_GROUPS_H_
#define COUPONCAST_CLUSTER_KMEANS_GROUPS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cluster/kmeans_search.h"

namespace couponcast {

inline constexpr int64_t kKmeansGroupPoints = 8;

struct KmeansGroupFilter {
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
  float inverse_unit = 0;
  float unit = 0;            // twice that of the codes
  float error = 0;           // of a measured squared distance, relative, with room
  float radius = 0;          // largest |c - centre|
  float centroid_error = 0;  // largest error of a coded centroid
  float tiny = 0;            // the same, absolute: squares below float32

  // The true distance to a centroid is at least this, in the units of the bounds of `group`.
  float LowerOf(float squared, int64_t group) const {
    const float bound = std::sqrt(squared * (1 - error)) * kKmeansRoundDown;
    return (bound + drifts[group]) * kKmeansRoundDown;
  }

  // Below the sum of any centroid, above that of no centroid.
  static constexpr int32_t kAll = std::numeric_limits<int32_t>::min() + 1;

  // Sums at least so large may belong to a centroid at most `squared` away.
  int32_t Threshold(float offset, float squared) const {
    const float farther = squared * (1 + error) + tiny;
    const float threshold = (offset - farther) * inverse_unit - 2;
    // NaN, from numbers beyond float32, measures all.
    return !(threshold > -0x1p30F) ? kAll : static_cast<int32_t>(std::min(threshold, 0x1p30F));
  }
};

// Points on their way through the centroids; arrays are by place in the chunk.
struct KmeansGroupChunk {
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
  int32_t* groups = nullptr;      // to whole vectors of 16
  int32_t* waiting = nullptr;     // the same; places that look into a group
  int32_t* sums = nullptr;        // [kKmeansGroupPoints * group_columns]

  const uint8_t* CodeOf(int64_t i, int64_t bytes) const { return codes + i / kKmeansTile * kKmeansTile * bytes + i % kKmeansTile * 4; }
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_GROUPS_H_
