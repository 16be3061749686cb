#include "couponcast/als.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "factor/dense_rows.h"
#include "factor/row_system.h"

namespace couponcast {
namespace {

constexpr int64_t kGramRows = 256;
constexpr int64_t kRowsPerPoll = 64;
constexpr int64_t kCellsOfARow = 40;  // that take as long as what a row costs by itself

Status CheckFactors(int64_t factors) {
  if (factors >= 1 && factors <= kMaxFactors) return {};
  return InvalidArgument("expected factors between 1 and " + std::to_string(kMaxFactors) + " but received " + std::to_string(factors));
}

Status CheckParams(const AlsParams& params) {
  COUPONCAST_RETURN_IF_ERROR(CheckFactors(params.factors));
  if (!(params.regularisation >= 0) || !std::isfinite(params.regularisation) || !(params.alpha >= 0) || !std::isfinite(params.alpha))
    return InvalidArgument("expected finite regularisation >= 0 and alpha >= 0");
  return CheckCount("steps", params.steps);
}

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
  COUPONCAST_RETURN_IF_ERROR(CheckFactors(factors));
  if (rows.size() % static_cast<size_t>(factors) != 0) return InvalidArgument("expected rows of " + std::to_string(factors) + " numbers");
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

Status AlsSolve(const CsrView& cells, std::span<const float> others, std::span<const double> gram, const AlsParams& params, RowRange range,
                CancelFlag cancel, std::span<float> solved) {
  COUPONCAST_RETURN_IF_ERROR(CheckParams(params));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, cells.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("others", others.size(), cells.cols * params.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gram", gram.size(), params.factors * params.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("solved", solved.size(), range.size() * params.factors));
  RowSystem system(others, gram, params);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if ((row - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* x = solved.data() + (row - range.begin) * params.factors;
    const auto next = row + 1 < range.end ? cells.row_indices(row + 1) : std::span<const int32_t>();
    COUPONCAST_RETURN_IF_ERROR(system.Solve(cells.row_indices(row), cells.row_values(row), next, cancel, x));
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
  const int64_t width = PaddedWidth(params.factors);
  std::vector<float> x(static_cast<size_t>(width), 0.0F);
  std::vector<float> y(static_cast<size_t>(width), 0.0F);
  *sum = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (cancel.IsSet()) return Cancelled();
    std::copy_n(rows.data() + row * params.factors, params.factors, x.data());
    const auto items = cells.row_indices(row);
    const auto values = cells.row_values(row);
    for (size_t i = 0; i < items.size(); ++i) {
      std::copy_n(others.data() + items[i] * params.factors, params.factors, y.data());
      float dot = 0;
      RowDots({y.data(), 1, width}, x.data(), &dot);
      const double score = dot;
      const double confidence = 1 + params.alpha * std::fabs(static_cast<double>(values[i]));
      const double miss = (values[i] > 0 ? 1.0 : 0.0) - score;
      *sum += confidence * miss * miss - score * score;
    }
  }
  return {};
}

}  // namespace couponcast
