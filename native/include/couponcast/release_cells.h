// Memory that the pages of a mapped matrix take, for who reads its rows once.
#ifndef COUPONCAST_RELEASE_CELLS_H_
#define COUPONCAST_RELEASE_CELLS_H_

#include "couponcast/kernel.h"
#include "couponcast/mapped_file.h"
#include "couponcast/matrix.h"

namespace couponcast {

// Gives back the pages of `file` in which the cells of these rows lie. The rows stay readable: who reads them again has them
// from the file. The range must be within a matrix that CheckCsr accepts, or that it has accepted so far.
void ReleaseCells(const CsrView& matrix, RowRange range, const MappedFile& file);

}  // namespace couponcast

#endif  // COUPONCAST_RELEASE_CELLS_H_
