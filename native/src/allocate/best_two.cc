#include "allocate/best_two.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/allocate/best_two.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<double>;

// The first place of the largest value, -1 of an empty row; values are finite or -infinity.
int32_t FindLargest(const double* HWY_RESTRICT w, size_t size) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const auto lowest = hn::Set(d, -std::numeric_limits<double>::infinity());
  const size_t whole = size / lanes * lanes;
  const auto rest = hn::LoadNOr(lowest, d, w + whole, size - whole);
  auto largest = rest;
  for (size_t i = 0; i < whole; i += lanes) largest = hn::Max(largest, hn::LoadU(d, w + i));
  const auto most = hn::MaxOfLanes(d, largest);
  for (size_t i = 0; i < whole; i += lanes) {
    const intptr_t lane = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, w + i), most));
    if (lane >= 0) return static_cast<int32_t>(i + static_cast<size_t>(lane));
  }
  const intptr_t lane = hn::FindFirstTrue(d, hn::And(hn::FirstN(d, size - whole), hn::Eq(rest, most)));
  return lane < 0 ? -1 : static_cast<int32_t>(whole + static_cast<size_t>(lane));
}

void FindBestTwoImpl(double* HWY_RESTRICT w, const RowOfValues* HWY_RESTRICT rows, size_t count, BestTwo* HWY_RESTRICT out) {
  for (size_t row = 0; row < count; ++row) {
    double* values = w + rows[row].begin;
    const auto size = static_cast<size_t>(rows[row].size);
    const int32_t largest = FindLargest(values, size);
    if (largest < 0 || !(values[largest] > 0)) {
      out[row] = {-1, largest};
      continue;
    }
    const double best = values[largest];
    values[largest] = -std::numeric_limits<double>::infinity();
    const int32_t second = FindLargest(values, size);
    values[largest] = best;
    out[row] = {largest, size > 1 ? second : -1};
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(FindBestTwoImpl);

void FindBestTwo(std::span<double> w, std::span<const RowOfValues> rows, BestTwo* out) {
  HWY_DYNAMIC_DISPATCH(FindBestTwoImpl)(w.data(), rows.data(), rows.size(), out);
}

}  // namespace couponcast
#endif  // HWY_ONCE
