#ifndef COUPONCAST_FACTOR_SUBTRACT_PRODUCT_H_
#define COUPONCAST_FACTOR_SUBTRACT_PRODUCT_H_

#include <cstdint>

namespace couponcast {

// Both sides come in tiles: for each k, kProductCols numbers side by side. Of the left one kProductRows are taken at once: their
// sums stay in registers.
inline constexpr int64_t kProductCols = 24;
inline constexpr int64_t kProductRows = 8;

// out[r * stride + c] -= sum_k left[k * kProductCols + r] right[k * kProductCols + c] for kProductRows rows and kProductCols
// columns, in float64 in the order of k, each product added by one rounding as by std::fma; targets without an instruction for it
// emulate it, some twenty times more slowly. depth: a multiple of kProductRows.
void SubtractProduct(const double* left, const double* right, int64_t depth, double* out, int64_t stride);

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_SUBTRACT_PRODUCT_H_
