// The two best places of each of some rows of reduced values: all that a user who gets one coupon decides by.
#ifndef COUPONCAST_ALLOCATE_BEST_TWO_H_
#define COUPONCAST_ALLOCATE_BEST_TWO_H_

#include <cstdint>
#include <span>

namespace couponcast {

struct BestTwo {
  int32_t best = -1;    // the largest above 0 (ties: the smaller place)
  int32_t second = -1;  // the largest of the others, of any sign
};

struct RowOfValues {
  int64_t begin;
  int64_t size;
};

// out [rows.size()]. w is changed and put back. All targets give the same.
void FindBestTwo(std::span<double> w, std::span<const RowOfValues> rows, BestTwo* out);

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_BEST_TWO_H_
