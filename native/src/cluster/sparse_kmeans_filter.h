// What the filtered labels of sparse rows share, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_SPARSE_KMEANS_FILTER_H_
#define COUPONCAST_CLUSTER_SPARSE_KMEANS_FILTER_H_

#include <cstddef>
#include <cstdint>

namespace couponcast {

// Rows between two looks at those that are left open.
inline constexpr int64_t kSparseBatchRows = 64;
// Errors beyond this say nothing.
inline constexpr float kSparseLargestError = 1e30F;

struct SparseFilter {
  const int16_t* codes = nullptr;   // of the cells
  const float* steps = nullptr;     // of the rows
  const float* errors = nullptr;    // of the rows
  const int16_t* shorts = nullptr;  // of the centroids
  const float* centroids = nullptr;
  const double* norms = nullptr;      // [k]
  const float* half_norms = nullptr;  // [lanes] half of the norms, infinite beyond k
  int64_t k = 0;
  int64_t lanes = 0;
  float unit = 0;          // of the shorts
  float largest_norm = 0;  // squared
  float radius = 0;        // its root, rounded up
};

struct SparseCandidates {
  size_t count = 0;      // at most two a lane are counted
  int32_t nearest = -1;  // if it is one
  float least = 0;       // what a candidate scores at least
};

struct SparseScratch {
  float* products = nullptr;  // [kSparseBatchRows * lanes] in whole numbers
  float* exact = nullptr;     // [lanes]
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_SPARSE_KMEANS_FILTER_H_
