#include "factor/symmetric_sweep.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace couponcast {
namespace {

constexpr int64_t kTile = kProductCols;
// Their tiles of `solved` stay in the cache while all columns pass by.
constexpr int64_t kUpdateTiles = 6;

// Element by element; one small square, all of it filled.
bool SweepTile(double* a) {
  for (int64_t p = 0; p < kTile; ++p) {
    double* pivot_row = a + p * kTile;
    const double pivot = pivot_row[p];
    if (!(pivot > 0) || !std::isfinite(pivot)) return false;
    for (int64_t i = 0; i < kTile; ++i) {
      if (i == p) continue;
      double* row = a + i * kTile;
      const double factor = row[p] / pivot;
      for (int64_t j = 0; j < kTile; ++j) row[j] -= factor * pivot_row[j];
      row[p] = factor;
    }
    for (int64_t j = 0; j < kTile; ++j) pivot_row[j] /= pivot;
    pivot_row[p] = -1 / pivot;
  }
  return true;
}

// Block by block of one tile.
bool SweepSquare(double* square, int64_t size) {
  std::vector<double> pivot(static_cast<size_t>(kTile * kTile));
  std::vector<double> columns(static_cast<size_t>(size * kTile));
  std::vector<double> solved(columns.size());
  for (int64_t first = 0; first < size; first += kTile) {
    const SweepStep step{square, size, first, kTile, pivot.data(), columns.data(), solved.data()};
    if (!SweepPivot(step)) return false;
    for (int64_t row = 0; row < size; row += kTile) SweepPanel(step, row);
    if (!SweepUpdate(step, {0, size}, {}).ok()) return false;
  }
  return true;
}

// What the sweep leaves where the block's columns were.
void WriteSolved(const SweepStep& step, int64_t row) {
  const double* solved = step.solved + row * step.depth;
  for (int64_t k = 0; k < step.depth; ++k) {
    if (row < step.first) {
      std::copy_n(solved + k * kTile, kTile, step.square + (step.first + k) * step.size + row);
    } else {
      for (int64_t r = 0; r < kTile; ++r) step.square[(row + r) * step.size + step.first + k] = solved[k * kTile + r];
    }
  }
}

}  // namespace

bool SweepPivot(const SweepStep& step) {
  const int64_t depth = step.depth;
  double* own = step.square + step.first * step.size + step.first;
  std::vector<double> square(static_cast<size_t>(depth * depth));
  const auto at = [&](int64_t row, int64_t col) -> double& { return square[static_cast<size_t>(row * depth + col)]; };
  for (int64_t row = 0; row < depth; ++row) {
    for (int64_t col = 0; col <= row; ++col) at(row, col) = at(col, row) = own[row * step.size + col];
  }
  if (!(depth == kTile ? SweepTile(square.data()) : SweepSquare(square.data(), depth))) return false;
  for (int64_t row = 0; row < depth; ++row) {
    std::copy_n(&at(row, 0), row + 1, own + row * step.size);
    for (int64_t k = 0; k < depth; ++k)
      step.pivot[(row / kTile * depth + k) * kTile + row % kTile] = at(std::max(row, k), std::min(row, k));
  }
  return true;
}

void SweepPanel(const SweepStep& step, int64_t row) {
  if (step.owns(row)) return;
  const int64_t depth = step.depth;
  double* columns = step.columns + row * depth;
  for (int64_t k = 0; k < depth; ++k) {
    // Of rows before the block the lower triangle holds the transpose.
    if (row < step.first) {
      std::copy_n(step.square + (step.first + k) * step.size + row, kTile, columns + k * kTile);
    } else {
      for (int64_t r = 0; r < kTile; ++r) columns[k * kTile + r] = step.square[(row + r) * step.size + step.first + k];
    }
  }
  double* solved = step.solved + row * depth;
  std::fill_n(solved, depth * kTile, 0.0);
  // The pivot holds the negative inverse, which suits a product that is subtracted.
  for (int64_t k = 0; k < depth; k += kProductRows)
    SubtractProduct(step.pivot + k / kTile * kTile * depth + k % kTile, columns, depth, solved + k * kTile, kTile);
}

Status SweepUpdate(const SweepStep& step, RowRange range, CancelFlag cancel) {
  const int64_t tiles = range.size() / kTile;
  const int64_t parts = (tiles + kUpdateTiles - 1) / kUpdateTiles;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = range.begin + tiles * part / parts * kTile;
    const int64_t end = range.begin + tiles * (part + 1) / parts * kTile;
    for (int64_t col = 0; col < end; col += kTile) {
      if (cancel.IsSet()) return Cancelled();
      if (step.owns(col)) continue;
      for (int64_t row = std::max(begin, col); row < end; row += kProductRows) {
        if (step.owns(row)) continue;
        const double* solved = step.solved + row / kTile * kTile * step.depth + row % kTile;
        SubtractProduct(solved, step.columns + col * step.depth, step.depth, step.square + row * step.size + col, step.size);
      }
    }
    for (int64_t row = begin; row < end; row += kTile) {
      if (!step.owns(row)) WriteSolved(step, row);
    }
  }
  return {};
}

}  // namespace couponcast
