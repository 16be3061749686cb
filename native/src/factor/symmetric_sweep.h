// A symmetric matrix is swept in place, block of rows by block of rows: afterwards it is its negative inverse. Of the square the
// lower triangle counts.
#ifndef COUPONCAST_FACTOR_SYMMETRIC_SWEEP_H_
#define COUPONCAST_FACTOR_SYMMETRIC_SWEEP_H_

#include <cstdint>

#include "couponcast/kernel.h"
#include "couponcast/status.h"
#include "factor/subtract_product.h"

namespace couponcast {

// The step for the rows from `first` to `first + depth`; all of them multiples of kProductCols. Tiles as in subtract_product.h.
struct SweepStep {
  double* square;  // [size * size] row-major
  int64_t size;
  int64_t first;
  int64_t depth;
  double* pivot;    // [depth * depth] negative inverse of the block's own square, in tiles of columns
  double* columns;  // [size * depth] the block's columns, in tiles of rows
  double* solved;   // [size * depth] the columns times the inverse, in tiles of rows

  bool owns(int64_t row) const { return row >= first && row < first + depth; }
};

// Inverts the block's own square. False: it is not positive definite in float64.
bool SweepPivot(const SweepStep& step);

// Reads the block's columns, and solves them, for the tile of rows that begins at `row`. After the pivot.
void SweepPanel(const SweepStep& step, int64_t row);

// Updates rows `range` of the square. After the panels of all rows up to range.end. Errors: kCancelled.
Status SweepUpdate(const SweepStep& step, RowRange range, CancelFlag cancel);

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_SYMMETRIC_SWEEP_H_
