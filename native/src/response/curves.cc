#include "couponcast/curves.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "base/check.h"
#include "couponcast/strata.h"

namespace couponcast {
namespace {

constexpr int64_t kBlocksPerPoll = 64;
constexpr auto kBlock = static_cast<size_t>(kDesignBlockRows);

Status CheckCurves(const Curves& curves, std::span<const int32_t> places, int64_t dense_cols) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("dims", curves.dims));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("denseCols", dense_cols));
  const auto columns = static_cast<int64_t>(curves.knots.size());
  if (columns == 0 || columns % curves.dims != 0) {
    return InvalidArgument("expected as many knots for each of " + std::to_string(curves.dims) + " features but received " +
                           std::to_string(columns));
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("mean", curves.mean.size(), columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("deviation", curves.deviation.size(), columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("places", places.size(), columns));
  if (!(curves.farthest > 0)) return InvalidArgument("expected farthest > 0 but received " + std::to_string(curves.farthest));
  for (const int32_t place : places) {
    if (place < -1 || place >= dense_cols) {
      return InvalidArgument("expected places of at most " + std::to_string(dense_cols) + " columns but received " + std::to_string(place));
    }
  }
  return {};
}

// Of a comparison with what is not a number the value itself is kept, so that it shows.
void PutColumn(std::span<const double> x, const Curves& curves, size_t column, float* to) {
  const double knot = curves.knots[column];
  const double mean = curves.mean[column];
  const double deviation = curves.deviation[column];
  const double farthest = curves.farthest;
  for (size_t r = 0; r < x.size(); ++r) {
    const double above = x[r] - knot;
    double z = ((above < 0 ? 0.0 : above) - mean) / deviation;
    z = z > farthest ? farthest : z;
    z = z < -farthest ? -farthest : z;
    to[r] = static_cast<float>(z);
  }
}

}  // namespace

Status CurveColumns(std::span<const float> features, std::span<const int32_t> rows, const Curves& curves, std::span<const int32_t> places,
                    int64_t dense_cols, RowRange range, CancelFlag cancel, std::span<float> dense) {
  COUPONCAST_RETURN_IF_ERROR(CheckCurves(curves, places, dense_cols));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(rows.size())));
  if (range.begin % kDesignBlockRows != 0) {
    return InvalidArgument("expected rows from a multiple of 64 but received " + std::to_string(range.begin));
  }
  const int64_t blocks = (range.size() + kDesignBlockRows - 1) / kDesignBlockRows;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("dense", dense.size(), blocks * kDesignBlockRows * dense_cols));
  const auto dims = static_cast<size_t>(curves.dims);
  const size_t each = curves.knots.size() / dims;
  const size_t num_features = features.size() / dims;
  std::array<size_t, kBlock> from = {};
  std::array<double, kBlock> x = {};
  for (int64_t block = 0; block < blocks; ++block) {
    if (block % kBlocksPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto first = static_cast<size_t>(range.begin + block * kDesignBlockRows);
    const size_t count = std::min(kBlock, static_cast<size_t>(range.end) - first);
    for (size_t r = 0; r < count; ++r) {
      const int32_t row = rows[first + r];
      if (row < 0 || static_cast<size_t>(row) >= num_features) {
        return OutOfRange("expected rows within [0, " + std::to_string(num_features) + ") but received " + std::to_string(row));
      }
      from[r] = static_cast<size_t>(row) * dims;
    }
    float* to = dense.data() + static_cast<size_t>(block) * kBlock * static_cast<size_t>(dense_cols);
    for (size_t d = 0; d < dims; ++d) {
      for (size_t r = 0; r < count; ++r) x[r] = static_cast<double>(features[from[r] + d]);
      for (size_t column = d * each; column < (d + 1) * each; ++column) {
        if (places[column] >= 0) PutColumn(std::span(x).first(count), curves, column, to + static_cast<size_t>(places[column]) * kBlock);
      }
    }
  }
  return {};
}

}  // namespace couponcast
