// SIMD rejection of a block of scores by a threshold: only what passes reaches the heap.
#ifndef COUPONCAST_BASE_BLOCK_SCAN_H_
#define COUPONCAST_BASE_BLOCK_SCAN_H_

#include <cstdint>

namespace couponcast {

// Bit i of the answer: scores[i] > threshold, for 64 scores. One pass, no arithmetic: every target agrees.
uint64_t MaskAbove(const float* scores, float threshold);

// scores[i] *= factors[i] for `count` entries (any count).
void MultiplyInPlace(float* scores, const float* factors, int64_t count);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_BLOCK_SCAN_H_
