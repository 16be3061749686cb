#include <algorithm>
#include <vector>

#include "base/check.h"
#include "cluster/kmeans_rows.h"
#include "couponcast/kmeans_batch.h"

namespace couponcast {
namespace {

constexpr size_t kRowsPerPoll = 1024;

}  // namespace

Status SparseKmeansAssignRows(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                              std::span<const float> centroids, std::span<const double> norms, std::span<const int32_t> rows,
                              CancelFlag cancel, std::span<int32_t> labels, std::span<float> distances, std::span<int64_t> counts,
                              double* inertia) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("squares", squares.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckRows(rows, matrix.rows));
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<float> values;
  std::vector<float> row_factors;
  std::vector<double> row_squares;
  for (const int32_t row : rows) {
    if (row_factors.size() % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    indices.insert(indices.end(), matrix.row_indices(row).begin(), matrix.row_indices(row).end());
    values.insert(values.end(), matrix.row_values(row).begin(), matrix.row_values(row).end());
    indptr.push_back(static_cast<int64_t>(indices.size()));
    row_factors.push_back(factors[static_cast<size_t>(row)]);
    row_squares.push_back(squares[static_cast<size_t>(row)]);
  }
  const auto count = static_cast<int64_t>(rows.size());
  const CsrView gathered{.rows = count, .cols = matrix.cols, .indptr = indptr, .indices = indices, .values = values};
  return SparseKmeansAssign(gathered, row_factors, row_squares, centroids, norms, {0, count}, cancel, labels, distances, counts, inertia);
}

Status SparseKmeansAddRows(const CsrView& matrix, std::span<const float> factors, std::span<const float> weights,
                           std::span<const int32_t> rows, std::span<const int32_t> labels, int64_t k, RowRange range, CancelFlag cancel,
                           std::span<double> sums) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  const int64_t lanes = SparseKmeansLanes(k);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  if (!weights.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), static_cast<int64_t>(rows.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", sums.size(), matrix.cols * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckRows(rows, matrix.rows));
  if (std::ranges::any_of(labels, [k](int32_t label) { return label < -1 || label >= k; }))
    return InvalidArgument("expected labels in [-1, k)");
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    if (labels[i] < 0) continue;
    const auto row = static_cast<size_t>(rows[i]);
    const double times = (weights.empty() ? 1.0 : static_cast<double>(weights[row])) * static_cast<double>(factors[row]);
    const std::span<const int32_t> indices = matrix.row_indices(rows[i]);
    const std::span<const float> values = matrix.row_values(rows[i]);
    auto cell = static_cast<size_t>(std::ranges::lower_bound(indices, range.begin) - indices.begin());
    for (; cell < indices.size() && indices[cell] < range.end; ++cell)
      sums[static_cast<size_t>(indices[cell] * lanes + labels[i])] += times * static_cast<double>(values[cell]);
  }
  return {};
}

Status SparseKmeansScale(std::span<const double> sums, std::span<const double> scale, int64_t cols, RowRange range, CancelFlag cancel,
                         std::span<float> centroids, std::span<double> norms, std::span<double> shifts) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, cols));
  const auto k = static_cast<int64_t>(scale.size());
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  const int64_t lanes = SparseKmeansLanes(k);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", sums.size(), cols * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", centroids.size(), cols * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", norms.size(), k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shifts", shifts.size(), k));
  std::ranges::fill(norms, 0.0);
  std::ranges::fill(shifts, 0.0);
  for (int64_t col = range.begin; col < range.end; ++col) {
    if (col % 256 == 0 && cancel.IsSet()) return Cancelled();
    const double* from = sums.data() + col * lanes;
    float* to = centroids.data() + col * lanes;
    for (size_t c = 0; c < scale.size(); ++c) {
      const auto before = static_cast<double>(to[c]);
      to[c] = scale[c] == 0 ? to[c] : static_cast<float>(from[c] * scale[c]);
      const auto now = static_cast<double>(to[c]);
      const double move = now - before;
      norms[c] += now * now;
      shifts[c] += move * move;
    }
  }
  return {};
}

}  // namespace couponcast
