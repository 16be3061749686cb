#include "couponcast/ease.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "factor/symmetric_sweep.h"

namespace couponcast {
namespace {

constexpr int64_t kBlock = kEaseBlock;
static_assert(kEaseTile == kProductCols && kBlock % kEaseTile == 0);
constexpr int64_t kUsersPerPoll = 1024;
constexpr int64_t kWeightRows = 8;

// The square's side. Errors: kInvalidArgument.
Result<int64_t> SizeOf(std::span<const double> square) {
  const auto size = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(square.size()))));
  if (size * size == std::ssize(square) && size % kEaseTile == 0) return size;
  return InvalidArgument("expected a square of a multiple of " + std::to_string(kEaseTile) + " rows");
}

Status CheckState(const EaseState& state, int64_t block, RowRange range) {
  const Result<int64_t> size = SizeOf(state.square);
  if (!size.ok()) return size.status();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("pivot", state.pivot.size(), kBlock * kBlock));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("columns", state.columns.size(), size.value() * kBlock));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("solved", state.solved.size(), size.value() * kBlock));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, size.value()));
  if (block < 0 || block * kBlock >= size.value()) return OutOfRange("no block " + std::to_string(block));
  if (range.begin % kEaseTile == 0 && range.end % kEaseTile == 0) return {};
  return InvalidArgument("expected ranges in multiples of " + std::to_string(kEaseTile));
}

SweepStep StepOf(const EaseState& state, int64_t block) {
  const int64_t size = SizeOf(state.square).value();
  const int64_t first = block * kBlock;
  return {state.square.data(), size, first, std::min(kBlock, size - first), state.pivot.data(), state.columns.data(), state.solved.data()};
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
  if (SweepPivot(StepOf(state, block))) return {};
  return InvalidArgument("X'X + regularisation is not positive definite in float64 near item " + std::to_string(block * kBlock) +
                         ": expected a larger regularisation");
}

Status EasePanel(const EaseState& state, int64_t block, RowRange range, CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(CheckState(state, block, range));
  const SweepStep step = StepOf(state, block);
  for (int64_t row = range.begin; row < range.end; row += kEaseTile) {
    if (cancel.IsSet()) return Cancelled();
    SweepPanel(step, row);
  }
  return {};
}

Status EaseUpdate(const EaseState& state, int64_t block, RowRange range, CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(CheckState(state, block, range));
  return SweepUpdate(StepOf(state, block), range, cancel);
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
