#include "couponcast/ease.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "factor/subtract_product.h"

namespace couponcast {
namespace {

constexpr int64_t kBlock = kEaseBlock;
constexpr int64_t kUsersPerPoll = 1024;
constexpr int64_t kWeightRows = 8;

// The square's side. Errors: kInvalidArgument.
Result<int64_t> SizeOf(std::span<const double> square) {
  const auto size = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(square.size()))));
  if (size * size == std::ssize(square) && size % kBlock == 0) return size;
  return InvalidArgument("expected a square of a multiple of " + std::to_string(kBlock) + " rows");
}

Status CheckState(const EaseState& state, int64_t block, RowRange range) {
  const Result<int64_t> size = SizeOf(state.square);
  if (!size.ok()) return size.status();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("pivot", state.pivot.size(), kBlock * kBlock));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("columns", state.columns.size(), size.value() * kBlock));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("solved", state.solved.size(), size.value() * kBlock));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, size.value()));
  if (block < 0 || block >= size.value() / kBlock) return OutOfRange("no block " + std::to_string(block));
  if (range.begin % kProductCols == 0 && range.end % kProductCols == 0) return {};
  return InvalidArgument("expected ranges in multiples of " + std::to_string(kProductCols));
}

// Symmetric sweep of one small square, all of it filled: afterwards the negative inverse.
bool SweepBlock(double* a) {
  for (int64_t p = 0; p < kBlock; ++p) {
    double* pivot_row = a + p * kBlock;
    const double pivot = pivot_row[p];
    if (!(pivot > 0) || !std::isfinite(pivot)) return false;
    for (int64_t i = 0; i < kBlock; ++i) {
      if (i == p) continue;
      double* row = a + i * kBlock;
      const double factor = row[p] / pivot;
      for (int64_t j = 0; j < kBlock; ++j) row[j] -= factor * pivot_row[j];
      row[p] = factor;
    }
    for (int64_t j = 0; j < kBlock; ++j) pivot_row[j] /= pivot;
    pivot_row[p] = -1 / pivot;
  }
  return true;
}

}  // namespace

Status EaseGram(const CsrView& users, const CsrView& items, double regularisation, RowRange range, CancelFlag cancel,
                std::span<double> square) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(users, items));
  const int64_t size = EaseSize(items.rows);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("square", square.size(), size * size));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, size));
  if (!(regularisation > 0) || !std::isfinite(regularisation)) return InvalidArgument("expected a finite regularisation above 0");
  int64_t polled = 0;
  for (int64_t item = range.begin; item < range.end; ++item) {
    double* row = square.data() + item * size;
    std::fill_n(row, size, 0.0);
    row[item] = item < items.rows ? regularisation : 1.0;
    if (item >= items.rows) continue;
    const auto holders = items.row_indices(item);
    const auto values = items.row_values(item);
    for (size_t h = 0; h < holders.size(); ++h) {
      if (++polled % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
      const auto others = users.row_indices(holders[h]);
      const auto other_values = users.row_values(holders[h]);
      const auto value = static_cast<double>(values[h]);
      for (size_t i = 0; i < others.size() && others[i] <= item; ++i) row[others[i]] += value * static_cast<double>(other_values[i]);
    }
  }
  return {};
}

Status EasePivot(const EaseState& state, int64_t block) {
  COUPONCAST_RETURN_IF_ERROR(CheckState(state, block, {0, 0}));
  const int64_t size = SizeOf(state.square).value();
  const int64_t first = block * kBlock;
  double* pivot = state.pivot.data();
  double* own = state.square.data() + first * size + first;
  for (int64_t row = 0; row < kBlock; ++row) {
    for (int64_t col = 0; col <= row; ++col) pivot[row * kBlock + col] = pivot[col * kBlock + row] = own[row * size + col];
  }
  if (!SweepBlock(pivot)) {
    return InvalidArgument("X'X + regularisation is not positive definite in float64 near item " + std::to_string(first) +
                           ": expected a larger regularisation");
  }
  for (int64_t row = 0; row < kBlock; ++row) std::copy_n(pivot + row * kBlock, row + 1, own + row * size);
  return {};
}

Status EasePanel(const EaseState& state, int64_t block, RowRange range, CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(CheckState(state, block, range));
  const int64_t size = SizeOf(state.square).value();
  const int64_t first = block * kBlock;
  const double* square = state.square.data();
  // The pivot in tiles of columns. It holds the negative inverse, which suits a product that is subtracted.
  std::vector<double> tiles(static_cast<size_t>(kBlock * kBlock));
  for (int64_t k = 0; k < kBlock; ++k) {
    for (int64_t col = 0; col < kBlock; ++col) {
      tiles[static_cast<size_t>((col / kProductCols * kBlock + k) * kProductCols + col % kProductCols)] =
          state.pivot[static_cast<size_t>(k * kBlock + col)];
    }
  }
  std::vector<double> rows(static_cast<size_t>(kProductCols * kBlock));
  for (int64_t begin = range.begin; begin < range.end; begin += kProductCols) {
    if (cancel.IsSet()) return Cancelled();
    if (begin >= first && begin < first + kBlock) continue;
    double* columns = state.columns.data() + begin * kBlock;
    for (int64_t k = 0; k < kBlock; ++k) {
      // Of rows before the block the lower triangle holds the transpose.
      const double* from = begin < first ? square + (first + k) * size + begin : square + begin * size + first + k;
      const int64_t step = begin < first ? 1 : size;
      for (int64_t r = 0; r < kProductCols; ++r) {
        columns[k * kProductCols + r] = from[r * step];
        rows[static_cast<size_t>(r * kBlock + k)] = from[r * step];
      }
    }
    double* solved = state.solved.data() + begin * kBlock;
    std::fill_n(solved, kProductCols * kBlock, 0.0);
    for (int64_t r = 0; r < kProductCols; r += kProductRows) {
      for (int64_t col = 0; col < kBlock; col += kProductCols)
        SubtractProduct(rows.data() + r * kBlock, kBlock, tiles.data() + col * kBlock, solved + r * kBlock + col, kBlock);
    }
  }
  return {};
}

Status EaseUpdate(const EaseState& state, int64_t block, RowRange range, CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(CheckState(state, block, range));
  const int64_t size = SizeOf(state.square).value();
  const int64_t first = block * kBlock;
  const auto own = [&](int64_t row) { return row >= first && row < first + kBlock; };
  for (int64_t col = 0; col < range.end; col += kProductCols) {
    if (cancel.IsSet()) return Cancelled();
    if (own(col)) continue;
    const double* tile = state.columns.data() + col * kBlock;
    for (int64_t row = std::max(range.begin, col); row < range.end; row += kProductRows) {
      if (!own(row)) SubtractProduct(state.solved.data() + row * kBlock, kBlock, tile, state.square.data() + row * size + col, size);
    }
  }
  const auto solved = [&](int64_t row, int64_t k) { return state.solved[static_cast<size_t>(row * kBlock + k)]; };
  for (int64_t k = 0; k < kBlock; ++k) {
    double* line = state.square.data() + (first + k) * size;
    for (int64_t row = range.begin; row < std::min(range.end, first); ++row) line[row] = solved(row, k);
  }
  for (int64_t row = std::max(range.begin, first + kBlock); row < range.end; ++row) {
    for (int64_t k = 0; k < kBlock; ++k) state.square[static_cast<size_t>(row * size + first + k)] = solved(row, k);
  }
  return {};
}

Status EaseWeights(std::span<const double> square, int64_t items, RowRange range, std::span<float> weights) {
  const int64_t size = EaseSize(items);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("square", square.size(), size * size));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), range.size() * items));
  std::vector<double> diagonal(static_cast<size_t>(items));
  for (int64_t col = 0; col < items; ++col) diagonal[static_cast<size_t>(col)] = square[static_cast<size_t>(col * size + col)];
  // Right of the diagonal the square is read down its columns: a line of the cache serves several rows.
  for (int64_t begin = range.begin; begin < range.end; begin += kWeightRows) {
    const int64_t end = std::min(range.end, begin + kWeightRows);
    for (int64_t col = 0; col < items; ++col) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t at = row > col ? row * size + col : col * size + row;
        const double weight = -square[static_cast<size_t>(at)] / diagonal[static_cast<size_t>(col)];
        weights[static_cast<size_t>((row - range.begin) * items + col)] = row == col ? 0.0F : static_cast<float>(weight);
      }
    }
  }
  return {};
}

}  // namespace couponcast
