#include "couponcast/release_cells.h"

namespace couponcast {

void ReleaseCells(const CsrView& matrix, RowRange range, const MappedFile& file) {
  const auto begin = static_cast<size_t>(matrix.indptr[static_cast<size_t>(range.begin)]);
  const auto end = static_cast<size_t>(matrix.indptr[static_cast<size_t>(range.end)]);
  file.Release(std::as_bytes(matrix.indices.subspan(begin, end - begin)));
  file.Release(std::as_bytes(matrix.values.subspan(begin, end - begin)));
}

}  // namespace couponcast
