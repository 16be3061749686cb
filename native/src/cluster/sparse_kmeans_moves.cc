#include "cluster/sparse_kmeans_moves.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace couponcast {
namespace {

// A cell that moves changes two sums far apart; one that is added anew changes one nearby.
constexpr int64_t kCellsPerMove = 8;
constexpr size_t kRowsPerPoll = 1024;

// The cells of a row within a range of columns, and the sums of the first column that they leave and join.
struct Moving {
  std::span<const int32_t> items;
  std::span<const float> values;
  float factor = 0;
  double* from = nullptr;
  double* to = nullptr;
};

Moving MovingOf(const SparseKmeansKeptSums& kept, std::span<const float> factors, std::span<const int32_t> labels, int64_t row,
                RowRange range) {
  const std::span<const int32_t> items = kept.matrix->row_indices(row);
  const auto first = std::ranges::lower_bound(items, range.begin);
  const auto last = std::lower_bound(first, items.end(), range.end);
  const auto begin = static_cast<size_t>(first - items.begin());
  const auto count = static_cast<size_t>(last - first);
  const auto at = static_cast<size_t>(row);
  const auto sums = [&](int32_t label) { return label < 0 ? nullptr : kept.sums.data() + label; };
  return {items.subspan(begin, count), kept.matrix->row_values(row).subspan(begin, count), factors[at], sums(kept.before[at]),
          sums(labels[at])};
}

}  // namespace

Status CheckClusterLabels(std::span<const int32_t> labels, int64_t k) {
  if (std::ranges::any_of(labels, [k](int32_t label) { return label < -1 || label >= k; }))
    return InvalidArgument("expected labels in [-1, k)");
  return {};
}

Status CheckKeptSums(const SparseKmeansKeptSums& kept, const CsrView& transpose, std::span<const float> weights, int64_t k) {
  if (!weights.empty()) return InvalidArgument("expected no weights where sums are kept");
  if (kept.matrix == nullptr || kept.matrix->rows != transpose.cols || kept.matrix->cols != transpose.rows)
    return InvalidArgument("expected the matrix of the transpose where sums are kept");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", kept.sums.size(), transpose.rows * SparseKmeansLanes(k)));
  if (kept.before.empty()) return {};
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels before", kept.before.size(), kept.matrix->rows));
  return CheckClusterLabels(kept.before, k);
}

bool FewMoves(const CsrView& matrix, std::span<const int32_t> before, std::span<const int32_t> labels) {
  int64_t cells = 0;
  for (size_t row = 0; row < labels.size(); ++row) {
    if (before[row] != labels[row]) cells += matrix.degree(static_cast<int64_t>(row));
  }
  return cells <= matrix.nnz() / kCellsPerMove;
}

Status MoveSums(const SparseKmeansKeptSums& kept, std::span<const float> factors, std::span<const int32_t> labels, int64_t lanes,
                RowRange range, CancelFlag cancel) {
  std::vector<int64_t> moved;
  for (size_t row = 0; row < labels.size(); ++row) {
    if (kept.before[row] != labels[row]) moved.push_back(static_cast<int64_t>(row));
  }
  Moving now;
  Moving next;
  for (size_t i = 0; i <= moved.size(); ++i) {
    if (i % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    std::swap(now, next);
    next = {};
    if (i < moved.size()) {
      next = MovingOf(kept, factors, labels, moved[i], range);
      for (const int32_t item : next.items) {
        if (next.from != nullptr) hwy::Prefetch(next.from + item * lanes);
        if (next.to != nullptr) hwy::Prefetch(next.to + item * lanes);
      }
    }
    for (size_t cell = 0; cell < now.items.size(); ++cell) {
      const auto value = static_cast<double>(now.factor * now.values[cell]);
      const int64_t at = now.items[cell] * lanes;
      if (now.from != nullptr) now.from[at] -= value;
      if (now.to != nullptr) now.to[at] += value;
    }
  }
  return {};
}

}  // namespace couponcast
