// A point's way through the centroids in the filtered assignment, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_KMEANS_SEARCH_H_
#define COUPONCAST_CLUSTER_KMEANS_SEARCH_H_

#include <cmath>
#include <cstdint>
#include <limits>

namespace couponcast {

// One point on its way through the centroids.
struct KmeansSearch {
  const float* point = nullptr;
  const uint8_t* codes = nullptr;
  int64_t place = 0;
  double offset = 0;  // |x - centre|^2 less all that rounding may add
  int32_t guess = 0;
  int32_t best = 0;
  float best_distance = 0;
  float second_distance = 0;  // smallest of those measured but the best
  double reach = 0;           // squared: every centroid that was not measured is at least so far
  int32_t threshold = 0;
};

struct KmeansFilter {
  const float* centroids = nullptr;
  const int8_t* panel = nullptr;
  const int32_t* starts = nullptr;
  int64_t dims = 0;
  int64_t bytes = 0;
  int64_t columns = 0;
  double unit = 0;
  double margin = 0;
  double error = 0;  // of a measured squared distance, relative, with room

  double Farther(float squared) const { return static_cast<double>(squared) * (1 + error) + static_cast<double>(dims) * 1e-40; }

  // After best_distance has become smaller.
  void Narrow(KmeansSearch* search) const {
    const double reach = std::sqrt(Farther(search->best_distance)) + margin;
    search->reach = reach * reach;
    const double threshold = std::floor((search->offset - search->reach) / (2 * unit));
    constexpr int32_t kMin = std::numeric_limits<int32_t>::min() + 1;
    constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
    // NaN, from numbers beyond float32, measures all.
    search->threshold = !(threshold > kMin) ? kMin : threshold >= kMax ? kMax : static_cast<int32_t>(threshold);
  }
};

inline constexpr int64_t kKmeansPointsAtOnce = 8;

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_KMEANS_SEARCH_H_
