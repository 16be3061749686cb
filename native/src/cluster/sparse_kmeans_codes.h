// What the encoding of sparse rows knows of their values, apart from SIMD.
#ifndef COUPONCAST_CLUSTER_SPARSE_KMEANS_CODES_H_
#define COUPONCAST_CLUSTER_SPARSE_KMEANS_CODES_H_

#include "couponcast/sparse_kmeans.h"

namespace couponcast {

inline constexpr float kLargestCode = 32767;
// Of the magnitudes of a row: together with shorts of at most 32767 a sum stays within 32 bits.
inline constexpr int32_t kLargestCodeSum = 65535;

struct WholeNumbers {
  bool whole = true;  // and at most kLargestCode
  int32_t sum = 0;    // of the magnitudes; beyond kLargestCodeSum it may be less than they sum to
  SparseKmeansReach reach;
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_SPARSE_KMEANS_CODES_H_
