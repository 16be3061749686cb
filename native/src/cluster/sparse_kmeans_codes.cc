#include <algorithm>
#include <cmath>
#include <limits>

#include "cluster/sparse_kmeans_check.h"
#include "couponcast/sparse_kmeans.h"

namespace couponcast {
namespace {

// Operations a cell, in lanes.
constexpr int64_t kWork = 16;
// Together with shorts of at most 32767 a sum stays within 32 bits.
constexpr int64_t kLargestSum = 65535;
constexpr float kLargestCode = 32767;

struct RowCode {
  float step = 0;
  float error = 0;
};

// Whole numbers are their own codes. False where they are none or too large; the codes then mean nothing.
bool CopyWholeNumbers(std::span<const float> values, std::span<int16_t> codes) {
  int64_t sum = 0;
  bool whole = true;
  for (size_t cell = 0; cell < values.size(); ++cell) {
    const float near = std::clamp(values[cell], -kLargestCode, kLargestCode);
    const auto code = static_cast<int32_t>(near);
    whole &= static_cast<float>(code) == values[cell];
    sum += std::abs(code);
    codes[cell] = static_cast<int16_t>(code);
  }
  return whole && sum <= kLargestSum;
}

RowCode RoundValues(std::span<const float> values, double factor, std::span<int16_t> codes) {
  double sum = 0;
  double largest = 0;
  for (const float value : values) {
    sum += std::abs(static_cast<double>(value));
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  // Rounding adds at most half a step a cell.
  const double room = static_cast<double>(kLargestSum) - static_cast<double>(values.size()) / 2;
  const double quantum = std::max(largest / static_cast<double>(kLargestCode), sum / std::max(room, 1.0));
  const double step = factor * quantum;
  if (room < 1 || step < 0x1p-100) {
    std::ranges::fill(codes, int16_t{0});
    return {0, std::numeric_limits<float>::infinity()};
  }
  double square = 0;
  for (size_t cell = 0; cell < values.size(); ++cell) {
    const double code = std::nearbyint(static_cast<double>(values[cell]) / quantum);
    codes[cell] = static_cast<int16_t>(code);
    const double missed = factor * (static_cast<double>(values[cell]) - code * quantum);
    square += missed * missed;
  }
  return {static_cast<float>(step), static_cast<float>(std::sqrt(square) * (1 + 0x1p-20))};
}

}  // namespace

Status SparseKmeansEncode(const CsrView& matrix, std::span<const float> factors, RowRange range, CancelFlag cancel,
                          std::span<int16_t> codes, std::span<float> steps, std::span<float> errors) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.size(), matrix.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("steps", steps.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("errors", errors.size(), matrix.rows));
  return ForEachSparsePoll(matrix, kWork, range, cancel, [&](RowRange part) {
    for (int64_t row = part.begin; row < part.end; ++row) {
      const auto at = static_cast<size_t>(row);
      const std::span<const float> values = matrix.row_values(row);
      const auto to = codes.subspan(static_cast<size_t>(matrix.indptr[at]), values.size());
      const RowCode code =
          CopyWholeNumbers(values, to) ? RowCode{factors[at], 0} : RoundValues(values, static_cast<double>(factors[at]), to);
      steps[at] = code.step;
      errors[at] = code.error;
    }
  });
}

Status SparseKmeansScaleCells(const CsrView& transpose, std::span<const float> factors, RowRange range, CancelFlag cancel,
                              std::span<float> scaled) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, transpose.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scaled", scaled.size(), transpose.nnz()));
  return ForEachSparsePoll(transpose, kWork, range, cancel, [&](RowRange part) {
    const auto begin = static_cast<size_t>(transpose.indptr[static_cast<size_t>(part.begin)]);
    const auto end = static_cast<size_t>(transpose.indptr[static_cast<size_t>(part.end)]);
    for (size_t cell = begin; cell < end; ++cell)
      scaled[cell] = factors[static_cast<size_t>(transpose.indices[cell])] * transpose.values[cell];
  });
}

}  // namespace couponcast
