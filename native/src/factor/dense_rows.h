// Sums over rows of factors: what solving for one row of a factorisation spends its time on. Widths are multiples of kLane.
// Every sum runs in a fixed order, multiply then add, so that all SIMD targets give the same bits.
#ifndef COUPONCAST_FACTOR_DENSE_ROWS_H_
#define COUPONCAST_FACTOR_DENSE_ROWS_H_

#include <cstdint>
#include <span>

namespace couponcast {

inline constexpr int64_t kLane = 16;
// Rows that are worked on while they are in the nearest cache; the sums of one block are added to the total at once.
inline constexpr int64_t kBlockRows = 64;

constexpr int64_t PaddedWidth(int64_t factors) { return (factors + kLane - 1) / kLane * kLane; }

// Rows of `width` numbers, one behind the other.
struct DenseRows {
  const float* data;
  int64_t count;
  int64_t width;
};

// dots[r] = row r . p, as 16 sums of every 16th product, added in pairs.
void RowDots(const DenseRows& rows, const float* p, float* dots);

// Rows of a table, by their numbers; `ahead` are those that are needed next, to be fetched meanwhile.
struct PickedRows {
  const float* table;
  std::span<const int32_t> numbers;
  std::span<const int32_t> ahead;
  int64_t width;
};

// The same of picked rows, which are copied to copy [numbers * width] on the way.
void PickRowDots(const PickedRows& rows, const float* p, float* copy, float* dots);

// out[width] += sum_r weights[r] row r.
void AddWeightedRows(const DenseRows& rows, const float* weights, float* out);

// out [rows.count * cols] = rows times matrix [rows.width * cols], each sum in the order of the matrix's rows; cols a multiple
// of kLane.
void MultiplyRows(const DenseRows& rows, const float* matrix, int64_t cols, float* out);

// out [width * width] += sum_r weights[r] row r (row r)', for columns at or above the row's kLane-block; the rest of out is
// left as it is.
void AddWeightedSquares(const DenseRows& rows, const float* weights, float* out);

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_DENSE_ROWS_H_
