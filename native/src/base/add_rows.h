#ifndef COUPONCAST_BASE_ADD_ROWS_H_
#define COUPONCAST_BASE_ADD_ROWS_H_

#include <cstdint>
#include <span>

namespace couponcast {

// y[c] += sum over i of factors[i] * rows[ids[i] * columns + c]: the rows of a large table that ids name, in their order. Multiply,
// then add (no fused form), a sum a column: every SIMD target gives the same bits. Rows are fetched ahead of their turn.
void AddRows(std::span<const int32_t> ids, std::span<const float> factors, const float* rows, int64_t columns, float* y);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_ADD_ROWS_H_
