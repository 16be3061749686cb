#include "base/add_rows.h"

#include <algorithm>
#include <array>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/base/add_rows.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kAhead = 8;        // rows
constexpr size_t kLineFloats = 16;  // of the cache
constexpr size_t kMostVectors = 4;  // sums held in registers

// Adds kVectors - 1 whole vectors of each row and `last` numbers of one more.
template <size_t kVectors>
void AddPart(std::span<const int32_t> ids, std::span<const float> factors, const float* HWY_RESTRICT rows, size_t columns, size_t fetched,
             size_t last, float* HWY_RESTRICT y) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  constexpr size_t kWhole = kVectors - 1;
  V last_sum = hn::LoadN(d, y + kWhole * lanes, last);
  std::array<V, kVectors> sums;
  for (size_t v = 0; v < kWhole; ++v) sums[v] = hn::LoadU(d, y + v * lanes);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i + kAhead < ids.size()) {
      const float* next = rows + static_cast<size_t>(ids[i + kAhead]) * columns;
      for (size_t f = 0; f < fetched; f += kLineFloats) __builtin_prefetch(next + f);
      if (fetched > 0) __builtin_prefetch(next + fetched - 1);
    }
    const float* row = rows + static_cast<size_t>(ids[i]) * columns;
    const V factor = hn::Set(d, factors[i]);
    for (size_t v = 0; v < kWhole; ++v) sums[v] = hn::Add(sums[v], hn::Mul(factor, hn::LoadU(d, row + v * lanes)));
    last_sum = hn::Add(last_sum, hn::Mul(factor, hn::LoadN(d, row + kWhole * lanes, last)));
  }
  for (size_t v = 0; v < kWhole; ++v) hn::StoreU(sums[v], d, y + v * lanes);
  hn::StoreN(last_sum, d, y + kWhole * lanes, last);
}

void AddRowsImpl(std::span<const int32_t> ids, std::span<const float> factors, const float* rows, int64_t columns, float* y) {
  constexpr size_t kMostFetched = 8 * kLineFloats;  // of a longer row the processor sees where reading goes
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto width = static_cast<size_t>(columns);
  for (size_t c = 0; c < width; c += kMostVectors * lanes) {
    const size_t size = std::min(width - c, kMostVectors * lanes);
    const size_t vectors = (size + lanes - 1) / lanes;
    const size_t last = size - (vectors - 1) * lanes;
    const size_t fetched = c == 0 ? std::min(width, kMostFetched) : 0;
    switch (vectors) {
      case 1:
        AddPart<1>(ids, factors, rows + c, width, fetched, last, y + c);
        break;
      case 2:
        AddPart<2>(ids, factors, rows + c, width, fetched, last, y + c);
        break;
      case 3:
        AddPart<3>(ids, factors, rows + c, width, fetched, last, y + c);
        break;
      default:
        AddPart<kMostVectors>(ids, factors, rows + c, width, fetched, last, y + c);
    }
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AddRowsImpl);

void AddRows(std::span<const int32_t> ids, std::span<const float> factors, const float* rows, int64_t columns, float* y) {
  HWY_DYNAMIC_DISPATCH(AddRowsImpl)(ids, factors, rows, columns, y);
}

}  // namespace couponcast
#endif  // HWY_ONCE
