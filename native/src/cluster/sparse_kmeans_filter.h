// What the filtered labels of sparse rows share, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_SPARSE_KMEANS_FILTER_H_
#define COUPONCAST_CLUSTER_SPARSE_KMEANS_FILTER_H_

#include <hwy/base.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace couponcast {

// Rows between two looks at those that are left open.
inline constexpr int64_t kSparseBatchRows = 64;
// Errors beyond this say nothing.
inline constexpr float kSparseLargestError = 1e30F;

struct SparseFilter {
  const hwy::float16_t* halves = nullptr;
  const float* centroids = nullptr;
  const double* norms = nullptr;      // [k]
  const float* half_norms = nullptr;  // [lanes] half of the norms, infinite beyond k
  int64_t k = 0;
  int64_t lanes = 0;
  float unit = 0;          // of the halves
  float largest_norm = 0;  // squared
  float radius = 0;        // its root, rounded up

  // How far a score may be off. Halves: half a bit in eleven of each coordinate, or, of the smallest, half a step
  // (Cauchy-Schwarz both); what float32 does to these and to the exact products; and the rounding of norms and scores.
  float ErrorOf(float cells, float square) const {
    const float length = std::sqrt(square) * (1 + 0x1p-20F);
    const float relative = 0x1.02p-11F + (cells + 8) * 0x1p-22F;
    return length * (radius * relative + std::sqrt(cells) * unit * 0x1.02p-25F) + largest_norm * 0x1p-21F;
  }
};

struct SparseCandidates {
  size_t count = 0;
  int64_t nearest = 0;  // one of them
};

struct SparseScratch {
  float* scores = nullptr;    // [kSparseBatchRows * lanes]
  float* products = nullptr;  // [lanes]
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_SPARSE_KMEANS_FILTER_H_
