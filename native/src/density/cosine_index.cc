#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "couponcast/cosine_dbscan.h"
#include "density/cosine_options.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 1024;

constexpr double kSlack = 1e-6;  // far above all rounding

// The columns by number of cells, most first, of equal ones the smaller; and marks that part the cells evenly.
void RankColumns(const CsrView& transpose, std::span<int32_t> ranks, std::span<int32_t> marks) {
  std::vector<int32_t> order(ranks.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    return transpose.degree(a) != transpose.degree(b) ? transpose.degree(a) > transpose.degree(b) : a < b;
  });
  int64_t cells = 0;
  size_t mark = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    ranks[static_cast<size_t>(order[rank])] = static_cast<int32_t>(rank);
    cells += transpose.degree(order[rank]);
    while (mark + 1 < marks.size() && cells * kCosineMarks >= static_cast<int64_t>(mark + 1) * transpose.nnz())
      marks[mark++] = static_cast<int32_t>(rank + 1);
  }
  while (mark < marks.size()) marks[mark++] = static_cast<int32_t>(order.size());
}

// Where a row is cut, and how long its beginnings are.
class RowCutter {
 public:
  RowCutter(const CsrView& matrix, const CosineIndexOut& out, double eps) : matrix_(matrix), out_(out), most_((1 - eps) - kSlack) {}

  void Cut(int64_t row, double norm) {
    const std::span<const int32_t> columns = matrix_.row_indices(row);
    const std::span<const float> values = matrix_.row_values(row);
    cells_.clear();
    for (size_t i = 0; i < columns.size(); ++i)
      cells_.push_back({out_.ranks[static_cast<size_t>(columns[i])], static_cast<double>(values[i]) / norm});
    std::ranges::sort(cells_, {}, &Cell::rank);
    float* beginnings = out_.beginnings.data() + row * kCosineMarks;
    int32_t& cut = out_.cuts[static_cast<size_t>(row)];
    cut = static_cast<int32_t>(out_.ranks.size());
    bool is_cut = false;
    double squares = 0;
    size_t mark = 0;
    for (const Cell& cell : cells_) {
      for (; mark < kCosineMarks && out_.marks[mark] <= cell.rank; ++mark) beginnings[mark] = NormAbove(squares);
      squares += cell.weight * cell.weight;
      if (!is_cut && !(std::sqrt(squares) <= most_)) {
        cut = cell.rank;
        is_cut = true;
      }
    }
    for (; mark < kCosineMarks; ++mark) beginnings[mark] = NormAbove(squares);
  }

 private:
  struct Cell {
    int32_t rank;
    double weight;
  };

  static float NormAbove(double squares) { return static_cast<float>(std::sqrt(squares) * (1 + kSlack)); }

  const CsrView& matrix_;
  const CosineIndexOut& out_;
  double most_;
  std::vector<Cell> cells_;
};

double NormOf(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

}  // namespace

Status BuildCosineIndex(const CsrView& matrix, const CsrView& transpose, double eps, CancelFlag cancel, const CosineIndexOut& out) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(matrix, transpose));
  COUPONCAST_RETURN_IF_ERROR(CheckCosineEps(eps));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", out.norms.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("ranks", out.ranks.size(), matrix.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cuts", out.cuts.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("marks", out.marks.size(), kCosineMarks));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("beginnings", out.beginnings.size(), matrix.rows * kCosineMarks));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indptr", out.indptr.size(), matrix.cols + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", out.entries.size(), matrix.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", out.weights.size(), matrix.nnz()));
  RankColumns(transpose, out.ranks, out.marks);
  RowCutter cutter(matrix, out, eps);
  std::ranges::fill(out.indptr, 0);
  const auto in_postings = [&](int64_t row, size_t cell) {
    return out.ranks[static_cast<size_t>(matrix.indices[cell])] >= out.cuts[static_cast<size_t>(row)];
  };
  for (int64_t row = 0; row < matrix.rows; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto at = static_cast<size_t>(row);
    out.norms[at] = NormOf(matrix.row_values(row));
    if (out.norms[at] == 0) {
      out.cuts[at] = static_cast<int32_t>(matrix.cols);
      std::ranges::fill(out.beginnings.subspan(at * kCosineMarks, kCosineMarks), 0.0F);
      continue;
    }
    cutter.Cut(row, out.norms[at]);
    for (auto cell = static_cast<size_t>(matrix.indptr[at]); cell < static_cast<size_t>(matrix.indptr[at + 1]); ++cell)
      out.indptr[static_cast<size_t>(matrix.indices[cell]) + 1] += in_postings(row, cell) ? 1 : 0;
  }
  for (int64_t col = 0; col < matrix.cols; ++col) out.indptr[static_cast<size_t>(col) + 1] += out.indptr[static_cast<size_t>(col)];
  std::vector<int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto at = static_cast<size_t>(row);
    for (auto cell = static_cast<size_t>(matrix.indptr[at]); cell < static_cast<size_t>(matrix.indptr[at + 1]); ++cell) {
      if (!in_postings(row, cell)) continue;
      const auto place = static_cast<size_t>(next[static_cast<size_t>(matrix.indices[cell])]++);
      out.entries[place] = static_cast<int32_t>(row);
      out.weights[place] = static_cast<float>(static_cast<double>(matrix.values[cell]) / out.norms[at]);
    }
  }
  return {};
}

}  // namespace couponcast
