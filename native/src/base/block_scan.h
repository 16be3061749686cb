// SIMD rejection of a block of scores by a threshold: only what passes reaches the heap.
#ifndef COUPONCAST_BASE_BLOCK_SCAN_H_
#define COUPONCAST_BASE_BLOCK_SCAN_H_

#include <cstdint>

#include "couponcast/scored_index.h"

namespace couponcast {

// Bit i of the answer: scores[i] > threshold, for 64 scores. One pass, no arithmetic: every target agrees.
uint64_t MaskAbove(const float* scores, float threshold);

// Largest sums above 0 of parts of the touched blocks: maxima[g * 64 + i] is that of entry i of the blocks b with
// b % groups = g, or 0. So the k-th largest of the maxima is reached by k sums at least.
void PartMaxima(const float* sums, const uint8_t* touched, int64_t blocks, int64_t groups, float* maxima);

// Entries that TakeAbove has room for.
inline constexpr int64_t kTakeRoom = 512;

// Looks at the blocks of 64 sums that `touched` marks, from block *next on, and clears sums and marks. Writes the entries
// above `threshold` in ascending order; returns how many. Sets *next to `blocks`, or to where the room was used up.
int64_t TakeAbove(float* sums, uint8_t* touched, int64_t blocks, float threshold, int64_t* next, int32_t* indices, float* scores);

// A score that at least k and few more of the entries reach, exactly the k-th where many are equal. 1 <= k <= count; all
// scores above 0. Cheaper than a selection of the k best.
float NearKthScore(const ScoredIndex* entries, int64_t count, int64_t k);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_BLOCK_SCAN_H_
