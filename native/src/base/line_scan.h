// SIMD kernels of Accumulator: sums in lines of 16, of which few are touched, and the best of them.
#ifndef COUPONCAST_BASE_LINE_SCAN_H_
#define COUPONCAST_BASE_LINE_SCAN_H_

#include <cstdint>

namespace couponcast {

inline constexpr int64_t kLine = 16;       // sums that a mark stands for: one cache line
inline constexpr int64_t kTakeRoom = 512;  // entries that TakeAbove has room for
inline constexpr int64_t kParts = 64;      // maxima of a group of lines

// Writes the lines whose mark is not 0, in ascending order; returns how many. `touched` has room for reading up to a
// multiple of 64 marks.
int64_t ListTouched(const uint8_t* touched, int64_t lines, int32_t* list);

// Largest sums above 0 of parts of the listed lines: `groups` runs of lines of about the same length, kParts maxima of each,
// or 0. So the k-th largest of the maxima is reached by k sums at least.
void PartMaxima(const float* sums, const int32_t* list, int64_t count, int64_t groups, float* maxima);

// Looks at the listed lines from *next on and clears them. Writes the entries above `threshold` in ascending order; returns
// how many. Sets *next to `count`, or to where the room was used up.
int64_t TakeAbove(float* sums, const int32_t* list, int64_t count, float threshold, int64_t* next, int32_t* indices, float* scores);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_LINE_SCAN_H_
