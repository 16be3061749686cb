// Numbers as curves of straight pieces: the dense columns of a design.
#ifndef COUPONCAST_CURVES_H_
#define COUPONCAST_CURVES_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Column c of a row with features x is (max(0, x[c / (columns / dims)] - knot[c]) - mean[c]) / deviation[c], at most
// `farthest` either way.
struct Curves {
  int64_t dims = 0;                   // features of a row; a divisor of the columns
  std::span<const double> knots;      // [columns]
  std::span<const double> mean;       // [columns]
  std::span<const double> deviation;  // [columns] > 0
  double farthest = 0;                // > 0, may be infinite
};

// Columns of some rows of the features, in float64, as float32 in blocks of 64 rows (DesignRows::dense in strata.h).
//   features [.., dims] float32
//   rows [n] int32: of the features
//   places [columns] int32: which of the dense columns a column is, or -1: none
//   range of `rows`, from a multiple of 64
//   dense [ceil(range.size() / 64), dense_cols, 64] out; what is no place, and rows beyond the last, are left as they are
// Same bits on every target. Cost: rows * columns. Allocates nothing.
// Errors: kInvalidArgument (sizes, a place that is no dense column), kOutOfRange (range, rows), kCancelled.
Status CurveColumns(std::span<const float> features, std::span<const int32_t> rows, const Curves& curves, std::span<const int32_t> places,
                    int64_t dense_cols, RowRange range, CancelFlag cancel, std::span<float> dense);

}  // namespace couponcast

#endif  // COUPONCAST_CURVES_H_
