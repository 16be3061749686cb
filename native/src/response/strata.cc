#include "couponcast/strata.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"
#include "response/strata_block.h"

namespace couponcast {
namespace {

constexpr int64_t kBlocksPerPoll = 16;

Status CheckDesign(const DesignRows& x, RowRange range) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("cols", x.cols));
  if (x.dense_cols < 0 || x.dense_cols > x.cols) {
    return InvalidArgument("expected 0 <= denseCols <= cols but received " + std::to_string(x.dense_cols) + " of " +
                           std::to_string(x.cols));
  }
  const auto slots = static_cast<int64_t>(x.values.size());
  if (slots > x.cols - x.dense_cols) return InvalidArgument("expected at most as many slots as columns that are not dense");
  COUPONCAST_RETURN_IF_ERROR(CheckCount("rows", x.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", x.indices.size(), x.rows * slots));
  const int64_t blocks = (x.rows + kDesignBlockRows - 1) / kDesignBlockRows;
  const auto columns = static_cast<int64_t>(x.dense.size()) / kDesignBlockRows;
  if (static_cast<int64_t>(x.dense.size()) % kDesignBlockRows != 0 ||
      (x.dense_cols == 0 ? columns != 0 : columns % x.dense_cols != 0 || columns / x.dense_cols != blocks)) {
    return InvalidArgument("expected blocks of 64 rows with " + std::to_string(x.dense_cols) + " dense columns for " +
                           std::to_string(x.rows) + " rows but received " + std::to_string(x.dense.size()) + " elements");
  }
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, x.rows));
  if (range.begin % kDesignBlockRows != 0) {
    return InvalidArgument("expected rows from a multiple of 64 but received " + std::to_string(range.begin));
  }
  return {};
}

Status LogitsOfBeta(const DesignRows& x, std::span<const double> beta, size_t* logits) {
  *logits = beta.size() == static_cast<size_t>(x.cols) + 1 ? 1 : kMaxLogits;
  return CheckSize("beta", beta.size(), static_cast<int64_t>(*logits) * (x.cols + 1));
}

Status CheckIndices(const DesignRows& x, const DesignBlock& block, int64_t first_row) {
  const size_t slots = x.values.size();
  for (size_t r = 0; r < block.count; ++r) {
    auto previous = static_cast<int32_t>(x.dense_cols) - 1;
    for (size_t k = 0; k < slots; ++k) {
      const int32_t column = block.indices[r * slots + k];
      if (column <= previous || column >= x.cols) {
        return InvalidArgument("row " + std::to_string(first_row + static_cast<int64_t>(r)) + ": expected columns strictly ascending in [" +
                               std::to_string(x.dense_cols) + ", " + std::to_string(x.cols) + ") but received " + std::to_string(column));
      }
      previous = column;
    }
  }
  return {};
}

// Calls `work(block, first row)` with the checked blocks of the range.
template <typename Work>
Status ForEachBlock(const DesignRows& x, RowRange range, CancelFlag cancel, Work&& work) {
  const auto dense = static_cast<size_t>(x.dense_cols);
  const size_t slots = x.values.size();
  for (int64_t row = range.begin; row < range.end; row += kDesignBlockRows) {
    if ((row - range.begin) / kDesignBlockRows % kBlocksPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto first = static_cast<size_t>(row);
    const DesignBlock block = {.dense = x.dense.data() + first * dense,
                               .indices = x.indices.data() + first * slots,
                               .slot_values = x.values.data(),
                               .count = static_cast<size_t>(std::min(kDesignBlockRows, range.end - row))};
    COUPONCAST_RETURN_IF_ERROR(CheckIndices(x, block, row));
    COUPONCAST_RETURN_IF_ERROR(work(block, row));
  }
  return {};
}

double SumOf(const double* lanes) {
  double sum = 0;
  for (size_t j = 0; j < kSumLanes; ++j) sum += lanes[j];
  return sum;
}

void WriteGradient(const DesignShape& shape, const GradientSums& sums, size_t logits, std::span<double> gradient) {
  const size_t width = shape.cols - shape.dense;
  for (size_t p = 0; p < logits; ++p) {
    double* to = gradient.data() + p * shape.dims();
    const double* dense = sums.dense.data() + p * shape.padded() * kSumLanes;
    for (size_t c = 0; c < shape.dense; ++c) to[c] = SumOf(dense + c * kSumLanes);
    for (size_t c = 0; c < width; ++c) to[shape.dense + c] = sums.slots[p * width + c];
    to[shape.cols] = SumOf(dense + shape.dense * kSumLanes);
  }
}

void WriteInformation(const DesignShape& shape, const InformationSums& sums, size_t pairs, std::span<double> information) {
  const size_t padded = shape.padded();
  const auto place = [&](size_t padded_column) { return padded_column < shape.dense ? padded_column : shape.cols; };
  for (size_t q = 0; q < pairs; ++q) {
    double* to = information.data() + q * Triangle(shape.dims());
    for (size_t i = 0; i < padded; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        to[Triangle(place(i)) + place(j)] = SumOf(sums.dense.data() + ((Triangle(i) + j) * pairs + q) * kSumLanes);
      }
    }
    for (size_t c = shape.dense; c < shape.cols; ++c) {
      const size_t column = c - shape.dense;
      const double* mixed = sums.mixed.data() + (column * pairs + q) * padded;
      std::copy_n(mixed, shape.dense, to + Triangle(c));
      to[Triangle(shape.cols) + c] = mixed[shape.dense];
      for (size_t other = 0; other <= column; ++other) {
        to[Triangle(c) + shape.dense + other] = sums.slots[(Triangle(column) + other) * pairs + q];
      }
    }
  }
}

}  // namespace

Status StrataPartial(const DesignRows& x, std::span<const uint8_t> outcomes, std::span<const double> beta, RowRange range,
                     CancelFlag cancel, double* loss, std::span<double> gradient, std::span<double> information) {
  COUPONCAST_RETURN_IF_ERROR(CheckDesign(x, range));
  size_t logits = 0;
  COUPONCAST_RETURN_IF_ERROR(LogitsOfBeta(x, beta, &logits));
  const size_t pairs = Triangle(logits);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("outcomes", outcomes.size(), x.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gradient", gradient.size(), static_cast<int64_t>(beta.size())));
  const DesignShape shape = {.cols = static_cast<size_t>(x.cols), .dense = static_cast<size_t>(x.dense_cols), .slots = x.values.size()};
  const bool wants_information = !information.empty();
  if (wants_information) {
    COUPONCAST_RETURN_IF_ERROR(CheckSize("information", information.size(), static_cast<int64_t>(pairs * Triangle(shape.dims()))));
  }
  const auto last = static_cast<uint8_t>(logits == 1 ? Outcome::kControlBought : Outcome::kRedeemed);
  BlockRows rows = {};
  GradientSums gradient_sums(shape, logits);
  InformationSums information_sums(wants_information ? shape : DesignShape{.cols = 0, .dense = 0, .slots = 0}, pairs);
  COUPONCAST_RETURN_IF_ERROR(ForEachBlock(x, range, cancel, [&](const DesignBlock& block, int64_t row) -> Status {
    const uint8_t* seen = outcomes.data() + row;
    const uint8_t* unknown = std::find_if(seen, seen + block.count, [last](uint8_t outcome) { return outcome > last; });
    if (unknown != seen + block.count) {
      return InvalidArgument("row " + std::to_string(row + (unknown - seen)) + ": expected an outcome of at most " + std::to_string(last) +
                             " but received " + std::to_string(*unknown));
    }
    BlockLogits(shape, block, beta.data(), logits, &rows);
    BlockLikelihood(seen, block.count, logits, wants_information, &rows);
    AddGradient(shape, block, rows, logits, &gradient_sums);
    if (wants_information) AddInformation(shape, block, rows, pairs, &information_sums);
    return {};
  }));
  *loss = SumOf(rows.loss.data());
  if (!std::isfinite(*loss)) {
    return InvalidArgument("rows " + std::to_string(range.begin) + " to " + std::to_string(range.end) +
                           ": expected finite features and coefficients");
  }
  WriteGradient(shape, gradient_sums, logits, gradient);
  if (wants_information) WriteInformation(shape, information_sums, pairs, information);
  return {};
}

Status StrataScores(const DesignRows& x, std::span<const double> beta, RowRange range, CancelFlag cancel, std::span<double> scores) {
  COUPONCAST_RETURN_IF_ERROR(CheckDesign(x, range));
  size_t logits = 0;
  COUPONCAST_RETURN_IF_ERROR(LogitsOfBeta(x, beta, &logits));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * static_cast<int64_t>(logits)));
  const DesignShape shape = {.cols = static_cast<size_t>(x.cols), .dense = static_cast<size_t>(x.dense_cols), .slots = x.values.size()};
  BlockRows rows = {};
  return ForEachBlock(x, range, cancel, [&](const DesignBlock& block, int64_t row) -> Status {
    BlockLogits(shape, block, beta.data(), logits, &rows);
    double* to = scores.data() + static_cast<size_t>(row - range.begin) * logits;
    for (size_t r = 0; r < block.count; ++r) {
      for (size_t p = 0; p < logits; ++p) to[r * logits + p] = rows.logits[p][r];
    }
    return {};
  });
}

}  // namespace couponcast
