#ifndef COUPONCAST_FACTOR_SUBTRACT_PRODUCT_H_
#define COUPONCAST_FACTOR_SUBTRACT_PRODUCT_H_

#include <cstdint>

namespace couponcast {

// Columns of a tile and rows that are worked on at once: their sums stay in registers.
inline constexpr int64_t kProductCols = 32;
inline constexpr int64_t kProductRows = 4;

// out[r * stride + c] -= sum_k left[r * depth + k] tile[k * kProductCols + c] for kProductRows rows and kProductCols columns, in
// float64 in the order of k.
void SubtractProduct(const double* left, int64_t depth, const double* tile, double* out, int64_t stride);

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_SUBTRACT_PRODUCT_H_
