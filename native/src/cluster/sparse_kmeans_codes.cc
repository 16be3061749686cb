#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "cluster/sparse_kmeans_check.h"
#include "cluster/sparse_kmeans_codes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/sparse_kmeans_codes.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Copies whole numbers to codes, which mean nothing where there are others.
WholeNumbers CopyWholeNumbersImpl(const float* HWY_RESTRICT values, int64_t count, int16_t* HWY_RESTRICT codes) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int16_t, decltype(d)> ds;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  auto missed = hn::Zero(d);
  auto sum = hn::Zero(di);
  auto least = infinity;
  auto largest = hn::Zero(d);
  for (int64_t cell = 0; cell < count; cell += width) {
    const auto some = static_cast<size_t>(std::min(width, count - cell));
    const auto value = hn::LoadN(d, values + cell, some);
    const auto magnitude = hn::Abs(value);
    const auto code = hn::ConvertTo(di, hn::Min(hn::Max(value, hn::Set(d, -kLargestCode)), hn::Set(d, kLargestCode)));
    missed = hn::Max(missed, hn::Abs(hn::Sub(hn::ConvertTo(d, code), value)));
    sum = hn::Min(hn::Add(sum, hn::Abs(code)), hn::Set(di, kLargestCodeSum + 1));
    least = hn::Min(least, hn::IfThenElse(hn::Eq(magnitude, hn::Zero(d)), infinity, magnitude));
    largest = hn::Max(largest, magnitude);
    hn::StoreN(hn::DemoteTo(ds, code), ds, codes + cell, some);
  }
  return {hn::ReduceMax(d, missed) == 0, hn::ReduceSum(di, sum), {hn::ReduceMin(d, least), hn::ReduceMax(d, largest)}};
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(CopyWholeNumbersImpl);

namespace {

// Operations a cell, in lanes.
constexpr int64_t kWork = 16;

struct RowCode {
  float step = 0;
  float error = 0;
};

RowCode RoundValues(std::span<const float> values, double factor, std::span<int16_t> codes) {
  double sum = 0;
  double largest = 0;
  for (const float value : values) {
    sum += std::abs(static_cast<double>(value));
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  // Rounding adds at most half a step a cell.
  const double room = static_cast<double>(kLargestCodeSum) - static_cast<double>(values.size()) / 2;
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
                          std::span<int16_t> codes, std::span<float> steps, std::span<float> errors, SparseKmeansReach* reach) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.size(), matrix.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("steps", steps.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("errors", errors.size(), matrix.rows));
  const auto copy = HWY_DYNAMIC_POINTER(CopyWholeNumbersImpl);
  *reach = {};
  return ForEachSparsePoll(matrix, kWork, range, cancel, [&](RowRange part) {
    for (int64_t row = part.begin; row < part.end; ++row) {
      const auto at = static_cast<size_t>(row);
      const std::span<const float> values = matrix.row_values(row);
      const auto to = codes.subspan(static_cast<size_t>(matrix.indptr[at]), values.size());
      const WholeNumbers found = copy(values.data(), std::ssize(values), to.data());
      const bool whole = found.whole && found.sum <= kLargestCodeSum;
      const RowCode code = whole ? RowCode{factors[at], 0} : RoundValues(values, static_cast<double>(factors[at]), to);
      steps[at] = code.step;
      errors[at] = code.error;
      // Rounding keeps the order.
      if (found.reach.largest == 0) continue;
      reach->least = std::min(reach->least, factors[at] * found.reach.least);
      reach->largest = std::max(reach->largest, factors[at] * found.reach.largest);
    }
  });
}

}  // namespace couponcast
#endif  // HWY_ONCE
