// SIMD kernels of AddPairs: which sums matter.
#ifndef COUPONCAST_SIMILARITY_PAIR_SCAN_H_
#define COUPONCAST_SIMILARITY_PAIR_SCAN_H_

#include <cstdint>

namespace couponcast {

inline constexpr int64_t kPairBlock = 64;    // sums that are looked at together
inline constexpr int64_t kPairScan = 64;     // blocks of a call, at most
inline constexpr int64_t kPairWindow = 512;  // sums of which the largest are found together
inline constexpr int64_t kPairGroups = 32;   // groups of a window

// What sums must reach, before they are divided by the scale of the row, by block of kPairBlock. kPairScan blocks can be read
// from any first one of a scan on.
struct PairNeeds {
  const float* columns;        // for the least of the block's columns
  const float* inverse_scale;  // 1 / the largest scale of the block
  float row;                   // the row's threshold
  float inverse_row_scale;
};

// Of `blocks` blocks, kPairScan at most: writes place and value of each sum above 0 that reaches what the row or the block's columns need,
// in ascending order, and sets all sums to 0. Returns how many. Rounding lets a few more through, never fewer.
int64_t TakeSums(float* sums, const PairNeeds& needs, int64_t blocks, int32_t* places, float* values);
int64_t TakeSums(uint16_t* sums, const PairNeeds& needs, int64_t blocks, int32_t* places, float* values);

// best[(w % cycle) * kPairGroups + g] = the largest scale * sum over the sums g, kPairGroups + g, ... of all windows w with the
// same w % cycle: of disjoint groups of sums the best score, but for the row's scale. In the first kExactWindows, where they differ
// most, the scale is each sum's; behind them smallest_scale[w], so that the score is one from below.
inline constexpr int64_t kExactWindows = 4;
void GroupBests(const float* sums, const float* scale, const float* smallest_scale, int64_t windows, int64_t cycle, float* best);
void GroupBests(const uint16_t* sums, const float* scale, const float* smallest_scale, int64_t windows, int64_t cycle, float* best);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_SCAN_H_
