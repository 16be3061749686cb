#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "couponcast/cosine_dbscan.h"
#include "density/cosine_options.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 1024;

// Chooses the cells that go into the postings: the most frequent columns stay out as long as what is out is too short
// for a neighbour.
class CellChooser {
 public:
  CellChooser(const CsrView& matrix, const CsrView& transpose, double eps)
      : matrix_(matrix), transpose_(transpose), most_((1 - eps) - kSlack) {}

  // chosen[i] = 1 for the cells of the row that go in. Returns an upper bound of the norm of the others, of the unit row.
  float Choose(int64_t row, double norm, std::span<uint8_t> chosen) {
    const std::span<const int32_t> columns = matrix_.row_indices(row);
    const std::span<const float> values = matrix_.row_values(row);
    order_.resize(columns.size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::ranges::sort(order_, [&](size_t a, size_t b) {
      const int64_t of_a = transpose_.degree(columns[a]);
      const int64_t of_b = transpose_.degree(columns[b]);
      return of_a != of_b ? of_a > of_b : a < b;
    });
    std::ranges::fill(chosen, 1);
    double squares = 0;
    double out = 0;
    for (const size_t i : order_) {
      const double weight = static_cast<double>(values[i]) / norm;
      squares += weight * weight;
      if (!(std::sqrt(squares) <= most_)) break;
      out = std::sqrt(squares);
      chosen[i] = 0;
    }
    return static_cast<float>(out * (1 + kSlack));
  }

 private:
  static constexpr double kSlack = 1e-6;  // far above all rounding

  const CsrView& matrix_;
  const CsrView& transpose_;
  double most_;
  std::vector<size_t> order_;
};

double NormOf(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

}  // namespace

Status BuildCosineIndex(const CsrView& matrix, const CsrView& transpose, double eps, CancelFlag cancel, const CosineIndexOut& out,
                        bool* non_negative) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(matrix, transpose));
  COUPONCAST_RETURN_IF_ERROR(CheckCosineEps(eps));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", out.norms.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("rest", out.rest.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indptr", out.indptr.size(), matrix.cols + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", out.entries.size(), matrix.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", out.weights.size(), matrix.nnz()));
  CellChooser chooser(matrix, transpose, eps);
  std::vector<uint8_t> chosen(static_cast<size_t>(matrix.nnz()));
  std::ranges::fill(out.indptr, 0);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto at = static_cast<size_t>(row);
    const auto begin = static_cast<size_t>(matrix.indptr[at]);
    const auto cells = static_cast<size_t>(matrix.degree(row));
    out.norms[at] = NormOf(matrix.row_values(row));
    out.rest[at] = out.norms[at] > 0 ? chooser.Choose(row, out.norms[at], std::span(chosen).subspan(begin, cells)) : 0;
    for (size_t i = begin; i < begin + cells; ++i) out.indptr[static_cast<size_t>(matrix.indices[i]) + 1] += chosen[i];
  }
  for (int64_t col = 0; col < matrix.cols; ++col) out.indptr[static_cast<size_t>(col) + 1] += out.indptr[static_cast<size_t>(col)];
  std::vector<int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const double norm = out.norms[static_cast<size_t>(row)];
    for (int64_t i = matrix.indptr[static_cast<size_t>(row)]; i < matrix.indptr[static_cast<size_t>(row) + 1]; ++i) {
      if (chosen[static_cast<size_t>(i)] == 0) continue;
      const auto place = static_cast<size_t>(next[static_cast<size_t>(matrix.indices[static_cast<size_t>(i)])]++);
      out.entries[place] = static_cast<int32_t>(row);
      out.weights[place] = static_cast<float>(static_cast<double>(matrix.values[static_cast<size_t>(i)]) / norm);
    }
  }
  *non_negative = std::ranges::all_of(matrix.values, [](float value) { return value >= 0; });
  return {};
}

}  // namespace couponcast
