// Which points of two leaves of a k-d tree are within a distance of each other: decided in float32, exactly.
#ifndef COUPONCAST_DENSITY_LEAF_DISTANCES_H_
#define COUPONCAST_DENSITY_LEAF_DISTANCES_H_

#include <cstdint>

namespace couponcast {

// A limit of squared distances. A float32 sum of at most `surely` means that the float64 sum is at most `exact`; one above
// `perhaps` means that it is not; in between the float64 sum is computed. Each of the dims + 2 roundings of a float32
// sum errs by at most 2^-24 of it or, near 0, by less than the least normal number.
struct SquaredLimit {
  float surely = 0;
  float perhaps = 0;
  double exact = 0;

  SquaredLimit(double squared, int64_t dims);
};

// The slots of `slots` in `block` from which a box is within `limit` (or might be: no point of the box is within it of any
// other slot). block: [dims * 32]; box: least, then greatest coordinates.
uint32_t SlotsNearBox(const float* block, uint32_t slots, const float* box, int64_t dims, const SquaredLimit& limit);

// masks[s] = the slots of block `b` within `limit` of slot s of block `a`, for s in `slots`; others are untouched.
// Empty slots of `b` hold infinity and are within no limit.
void SlotsWithin(const float* a, uint32_t slots, const float* b, int64_t dims, const SquaredLimit& limit, uint32_t* masks);

// The squared distance of two slots, a float64 sum in the order of the dimensions.
double SquaredDistance(const float* a, int64_t slot_a, const float* b, int64_t slot_b, int64_t dims);

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_LEAF_DISTANCES_H_
