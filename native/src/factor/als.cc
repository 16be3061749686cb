#include "couponcast/als.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "factor/als_params.h"
#include "factor/dense_rows.h"
#include "factor/padded_rows.h"
#include "factor/row_system.h"

namespace couponcast {
namespace {

constexpr int64_t kGramRows = 256;
constexpr int64_t kCellsOfARow = 40;  // that take as long as what a row costs by itself

}  // namespace

void AlsStart(uint64_t seed, int64_t begin, float scale, std::span<float> factors) {
  for (size_t i = 0; i < factors.size(); ++i) {
    uint64_t z = (seed * 0xD1342543DE82EF95ULL) + (static_cast<uint64_t>(begin) + i + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    factors[i] = scale * (static_cast<float>(z >> 40U) * 0x1.0p-23F - 1.0F);
  }
}

Status AlsGram(std::span<const float> rows, int64_t factors, RowRange range, CancelFlag cancel, std::span<double> gram) {
  COUPONCAST_RETURN_IF_ERROR(CheckRows(rows, factors));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(rows.size()) / factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gram", gram.size(), factors * factors));
  const int64_t width = PaddedWidth(factors);
  const std::vector<float> ones(static_cast<size_t>(kGramRows), 1.0F);
  std::vector<float> padded(static_cast<size_t>(width == factors ? 0 : kGramRows * width), 0.0F);
  std::vector<float> squares(static_cast<size_t>(width * width));
  std::ranges::fill(gram, 0.0);
  for (int64_t begin = range.begin; begin < range.end; begin += kGramRows) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t count = std::min(kGramRows, range.end - begin);
    const float* block = rows.data() + begin * factors;
    if (width != factors) {
      for (int64_t r = 0; r < count; ++r) std::copy_n(block + r * factors, factors, padded.data() + r * width);
      block = padded.data();
    }
    std::ranges::fill(squares, 0.0F);
    AddWeightedSquares({block, count, width}, ones.data(), squares.data());
    for (int64_t row = 0; row < factors; ++row) {
      for (int64_t col = row; col < factors; ++col)
        gram[static_cast<size_t>(row * factors + col)] += static_cast<double>(squares[static_cast<size_t>(row * width + col)]);
    }
  }
  for (int64_t row = 0; row < factors; ++row) {
    for (int64_t col = 0; col < row; ++col) gram[static_cast<size_t>(row * factors + col)] = gram[static_cast<size_t>(col * factors + row)];
  }
  return {};
}

Status AlsSolve(const CsrView& cells, std::span<const float> turned, std::span<const float> root, std::span<const float> inverse,
                const AlsParams& params, RowRange range, CancelFlag cancel, std::span<float> solved) {
  COUPONCAST_RETURN_IF_ERROR(CheckParams(params));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, cells.rows));
  const int64_t factors = params.factors;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("turned", turned.size(), cells.cols * PaddedWidth(factors)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("root", root.size(), factors * factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("inverse", inverse.size(), factors * factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("solved", solved.size(), range.size() * factors));
  RowSystem system(turned, params);
  const PaddedSquare into(root, factors, false);
  const PaddedSquare back(inverse, factors, false);
  PaddedRows x(factors);
  PaddedRows w(factors);
  const int64_t end = cells.indptr[static_cast<size_t>(range.end)];
  for (int64_t begin = range.begin; begin < range.end; begin += kPaddedRows) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t count = std::min(kPaddedRows, range.end - begin);
    float* block = solved.data() + (begin - range.begin) * factors;
    x.Read(block, count);
    into.Multiply(x.view(count), w.row(0));
    for (int64_t row = begin; row < begin + count; ++row) {
      const int64_t first = cells.indptr[static_cast<size_t>(row)];
      const auto following = cells.indices.subspan(static_cast<size_t>(first), static_cast<size_t>(end - first));
      COUPONCAST_RETURN_IF_ERROR(system.Solve(cells.row_indices(row), cells.row_values(row), following, cancel, w.row(row - begin)));
    }
    back.Multiply(w.view(count), x.row(0));
    x.Write(count, block);
  }
  return {};
}

Status AlsWork(const CsrView& cells, RowRange range, std::span<double> work) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, cells.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("work", work.size(), range.size()));
  for (int64_t row = range.begin; row < range.end; ++row) {
    work[static_cast<size_t>(row - range.begin)] = static_cast<double>(cells.degree(row) + kCellsOfARow);
  }
  return {};
}

Status AlsLoss(const CsrView& cells, std::span<const float> rows, std::span<const float> others, const AlsParams& params, RowRange range,
               CancelFlag cancel, double* sum) {
  COUPONCAST_RETURN_IF_ERROR(CheckParams(params));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, cells.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("rows", rows.size(), cells.rows * params.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("others", others.size(), cells.cols * params.factors));
  const int64_t factors = params.factors;
  PaddedRows x(factors);
  PaddedRows y(factors);
  std::array<float, kPaddedRows> dots;
  const auto row_of = [&](int32_t item) { return others.data() + static_cast<int64_t>(item) * factors; };
  *sum = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (cancel.IsSet()) return Cancelled();
    x.Read(rows.data() + row * factors, 1);
    const auto items = cells.row_indices(row);
    const auto values = cells.row_values(row);
    const auto following = cells.indices.subspan(static_cast<size_t>(cells.indptr[static_cast<size_t>(row)]));
    for (size_t begin = 0; begin < items.size(); begin += kPaddedRows) {
      const size_t count = std::min(items.size() - begin, static_cast<size_t>(kPaddedRows));
      for (size_t i = 0; i < count; ++i) {
        const size_t ahead = begin + i + kPaddedRows;
        for (int64_t at = 0; at < factors && ahead < following.size(); at += kLane) __builtin_prefetch(row_of(following[ahead]) + at);
        std::copy_n(row_of(items[begin + i]), factors, y.row(static_cast<int64_t>(i)));
      }
      RowDots(y.view(static_cast<int64_t>(count)), x.row(0), dots.data());
      for (size_t i = 0; i < count; ++i) {
        const double score = dots[i];
        const double value = values[begin + i];
        const double confidence = 1 + params.alpha * std::fabs(value);
        const double miss = (value > 0 ? 1.0 : 0.0) - score;
        *sum += confidence * miss * miss - score * score;
      }
    }
  }
  return {};
}

}  // namespace couponcast
