// SIMD kernels of AddPairs: which sums matter.
#ifndef COUPONCAST_SIMILARITY_PAIR_SCAN_H_
#define COUPONCAST_SIMILARITY_PAIR_SCAN_H_

#include <cstdint>

namespace couponcast {

// score_c = PairScore(sums[c], scale[c], row_scale) of `count` columns, a multiple of 64. Writes those that are above 0 and
// reach either `threshold` or column_thresholds[c], in ascending order, and sets all sums to 0. Returns how many.
int64_t TakePairs(float* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale, float threshold,
                  int32_t* columns, float* scores);
int64_t TakePairs(int32_t* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale, float threshold,
                  int32_t* columns, float* scores);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_SCAN_H_
