#ifndef COUPONCAST_BASE_PREFETCH_ROW_H_
#define COUPONCAST_BASE_PREFETCH_ROW_H_

#include <cstdint>

#include "couponcast/matrix.h"

namespace couponcast {

// Fetches the first cells of a row, as many as fit `lines` cache lines of each array; what is behind the row does no harm.
inline void PrefetchRow(const CsrView& matrix, int64_t row, size_t lines) {
  const auto at = static_cast<size_t>(matrix.indptr[static_cast<size_t>(row)]);
  constexpr size_t kLineCells = 16;
  for (size_t line = 0; line < lines; ++line) {
    __builtin_prefetch(matrix.indices.data() + at + line * kLineCells);
    __builtin_prefetch(matrix.values.data() + at + line * kLineCells);
  }
}

}  // namespace couponcast

#endif  // COUPONCAST_BASE_PREFETCH_ROW_H_
