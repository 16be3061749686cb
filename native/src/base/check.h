// Argument checks that kernels share.
#ifndef COUPONCAST_BASE_CHECK_H_
#define COUPONCAST_BASE_CHECK_H_

#include <cstddef>
#include <limits>
#include <string>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

inline Status CheckRange(RowRange range, int64_t rows) {
  if (range.begin >= 0 && range.begin <= range.end && range.end <= rows) return {};
  return OutOfRange("expected rows within [0, " + std::to_string(rows) + ") but received [" + std::to_string(range.begin) + ", " +
                    std::to_string(range.end) + ")");
}

inline Status CheckSize(const char* name, size_t size, int64_t expected) {
  if (expected >= 0 && size == static_cast<size_t>(expected)) return {};
  return InvalidArgument(std::string("expected ") + std::to_string(expected) + " elements in " + name + " but received " +
                         std::to_string(size));
}

// A count that multiplies a number of rows: bounded, so that the product cannot overflow.
inline Status CheckCount(const char* name, int64_t count) {
  if (count >= 1 && count <= std::numeric_limits<int32_t>::max()) return {};
  return InvalidArgument(std::string("expected 1 <= ") + name + " < 2^31 but received " + std::to_string(count));
}

// Whether the shapes are those of a matrix and its transpose. O(1): their content was checked when they were opened.
inline Status CheckTransposed(const CsrView& matrix, const CsrView& transpose) {
  if (matrix.rows == transpose.cols && matrix.cols == transpose.rows && matrix.nnz() == transpose.nnz()) return {};
  return InvalidArgument("expected a matrix and its transpose but received " + std::to_string(matrix.rows) + " x " +
                         std::to_string(matrix.cols) + " with " + std::to_string(matrix.nnz()) + " cells and " +
                         std::to_string(transpose.rows) + " x " + std::to_string(transpose.cols) + " with " +
                         std::to_string(transpose.nnz()));
}

}  // namespace couponcast

#endif  // COUPONCAST_BASE_CHECK_H_
