// What the assignment by groups of centroids shares, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_KMEANS_GROUPS_H_
#define COUPONCAST_CLUSTER_KMEANS_GROUPS_H_

#include <cmath>
#include <cstdint>

#include "cluster/kmeans_search.h"

namespace couponcast {

inline constexpr int64_t kKmeansGroupPoints = 8;

struct KmeansGroupFilter : KmeansByteFilter {
  const float* drifts = nullptr;  // [groups] rounded up
  int64_t groups = 0;
  int64_t group_columns = 0;
  int64_t stride = 0;  // bounds of a point

  // The true distance to a centroid is at least this, in the units of the bounds of `group`.
  float LowerOf(float squared, int64_t group) const {
    const float bound = std::sqrt(squared * (1 - error)) * kKmeansRoundDown;
    return (bound + drifts[group]) * kKmeansRoundDown;
  }
};

struct KmeansGroupChunk : KmeansByteChunk {
  int32_t* groups = nullptr;   // to whole vectors of 16
  int32_t* waiting = nullptr;  // the same; places that look into a group
  int32_t* sums = nullptr;     // [kKmeansGroupPoints * group_columns]

  const uint8_t* CodeOf(int64_t i, int64_t bytes) const { return codes + i / kKmeansTile * kKmeansTile * bytes + i % kKmeansTile * 4; }
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_GROUPS_H_
