// DBSCAN on the rows of a sparse matrix by cosine distance, as kernels over ranges of rows; merging forests and
// numbering clusters are those of dbscan.h, with positions that are rows.
//
// Rows x and y are neighbours when 1 - x.y / (|x| |y|) <= eps, all in float64, products in ascending order of the
// columns; a row is its own neighbour. A row without cells has no other. Source: Ester et al. 1996; the bound by what is
// not in the postings: Bayardo, Ma, Srikant 2007.
#ifndef COUPONCAST_COSINE_DBSCAN_H_
#define COUPONCAST_COSINE_DBSCAN_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

// Places in the order of the columns at which the rows' beginnings are measured.
inline constexpr int64_t kCosineMarks = 16;

// Columns are ordered by their number of cells, most first. The postings hold each row from its cut on: what is before it
// is too short for a neighbour, so that two neighbours share a column behind both their cuts.
struct CosineIndex {
  std::span<const double> norms;      // [rows] 0 for rows without cells
  std::span<const int32_t> ranks;     // [cols] place of each column in the order
  std::span<const int32_t> cuts;      // [rows] the least rank of a row that is in the postings
  std::span<const int32_t> marks;     // [16] ascending ranks, the last is cols
  std::span<const float> beginnings;  // [rows * 16] at least the norm of the unit row before each mark
  std::span<const int64_t> indptr;    // [cols + 1] into entries
  std::span<const int32_t> entries;   // [nnz] rows of each column, ascending; as many as indptr says
  std::span<const float> weights;     // [nnz] cell / norm
};

struct CosineIndexOut {
  std::span<double> norms;
  std::span<int32_t> ranks;
  std::span<int32_t> cuts;
  std::span<int32_t> marks;
  std::span<float> beginnings;
  std::span<int64_t> indptr;
  std::span<int32_t> entries;
  std::span<float> weights;
};

// Builds the index for neighbours within eps, 1e-6 <= eps < 1. Memory: 16 bytes a column. Errors: kInvalidArgument, kCancelled.
Status BuildCosineIndex(const CsrView& matrix, const CsrView& transpose, double eps, CancelFlag cancel, const CosineIndexOut& out);

// cores[row / 32] bit row % 32 = whether the row has min_samples neighbours. range.begin must be a multiple of 32.
// candidates: bits like those of cores, of the rows that are looked at: no other is a core row. Empty: all.
// Memory: 8 bytes a row. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status CosineCores(const CsrView& matrix, const CosineIndex& index, double eps, int64_t min_samples, std::span<const int32_t> candidates,
                   RowRange range, CancelFlag cancel, ProgressGauge progress, std::span<int32_t> cores);

// Joins the core rows of `range` with their core neighbours of smaller rows in `forest` [rows], as DbscanLinks does.
Status CosineLinks(const CsrView& matrix, const CosineIndex& index, double eps, std::span<const int32_t> cores, RowRange range,
                   CancelFlag cancel, ProgressGauge progress, std::span<int32_t> forest);

// labels[row] of the rows of `range` that are no core rows: the smallest label of a core neighbour, or -1.
// candidates: bits of the rows that may have a neighbour at all. Empty: all.
Status CosineBorders(const CsrView& matrix, const CosineIndex& index, double eps, std::span<const int32_t> cores,
                     std::span<const int32_t> candidates, RowRange range, CancelFlag cancel, ProgressGauge progress,
                     std::span<int32_t> labels);

}  // namespace couponcast

#endif  // COUPONCAST_COSINE_DBSCAN_H_
