#include "couponcast/kmeans_sums.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "cluster/kmeans_check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans_sums.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Adding it to less than 2^51 rounds to a whole number, which is then the difference of the bits.
constexpr double kRounder = 0x1.8p52;

// Takes `point` times `weight` from the parts of one cluster and adds it to those of another. Null: none.
void MovePointImpl(const float* HWY_RESTRICT point, int64_t dims, double weight, const double* HWY_RESTRICT scales, double low_scale,
                   int64_t* HWY_RESTRICT from, int64_t* HWY_RESTRICT to) {
  const hn::CappedTag<double, 8> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto rounder = hn::Set(d, kRounder);
  const auto whole = [&](auto value) HWY_ATTR { return hn::Sub(hn::BitCast(di, value), hn::BitCast(di, rounder)); };
  for (int64_t dim = 0; dim < dims; dim += lanes) {
    const auto left = static_cast<size_t>(std::min(lanes, dims - dim));
    const auto x = hn::Mul(hn::Set(d, weight), hn::PromoteTo(d, hn::LoadN(df, point + dim, left)));
    const auto value = hn::Mul(x, hn::LoadN(d, scales + dim, left));
    const auto rounded = hn::Add(value, rounder);
    const auto high = whole(rounded);
    const auto rest = hn::Mul(hn::Sub(value, hn::Sub(rounded, rounder)), hn::Set(d, low_scale));
    const auto low = whole(hn::Add(rest, rounder));
    if (from != nullptr) {
      hn::StoreN(hn::Sub(hn::LoadN(di, from + dim, left), high), di, from + dim, left);
      hn::StoreN(hn::Sub(hn::LoadN(di, from + dims + dim, left), low), di, from + dims + dim, left);
    }
    if (to != nullptr) {
      hn::StoreN(hn::Add(hn::LoadN(di, to + dim, left), high), di, to + dim, left);
      hn::StoreN(hn::Add(hn::LoadN(di, to + dims + dim, left), low), di, to + dims + dim, left);
    }
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(MovePointImpl);

namespace {

// A part of a point has so many bits at most: those of all points stay below 2^62, and roundings are right.
int BitsOf(int64_t rows) { return std::min(50, std::countl_zero(static_cast<uint64_t>(rows)) - 3); }

double LowScale(int64_t rows) { return std::ldexp(1.0, BitsOf(rows)); }

// What weight times coordinate is multiplied by, for each dimension, and the weight itself.
std::vector<double> ScalesOf(std::span<const float> largest, int64_t rows) {
  std::vector<double> scales;
  const auto weight = static_cast<double>(largest.back());
  for (size_t dim = 0; dim < largest.size(); ++dim) {
    const double most = dim + 1 < largest.size() ? weight * static_cast<double>(largest[dim]) : weight;
    scales.push_back(most > 0 ? std::ldexp(1.0, BitsOf(rows) - 1 - std::ilogb(most)) : 1.0);
  }
  return scales;
}

Status CheckLargest(std::span<const float> largest, int64_t dims) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("largest", largest.size(), dims + 1));
  if (!std::ranges::all_of(largest, [](float value) { return value >= 0 && std::isfinite(value); }))
    return InvalidArgument("expected finite largest values >= 0");
  return {};
}

// Wraps around: of parts that threads keep, only the total is within bounds.
void Add(int64_t& sum, int64_t value) { sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value)); }

Status CheckLabels(std::span<const int32_t> labels, int64_t k) {
  for (const int32_t label : labels) {
    if (label < -1 || label >= k) return OutOfRange("expected labels in [-1, " + std::to_string(k) + ")");
  }
  return {};
}

}  // namespace

Status KmeansMoveSums(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> largest,
                      std::span<const int32_t> before, std::span<const int32_t> after, RowRange range, CancelFlag cancel,
                      std::span<int64_t> sums) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, range));
  COUPONCAST_RETURN_IF_ERROR(CheckLargest(largest, dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels before", before.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels after", after.size(), range.size()));
  const int64_t size = KmeansSumsSize(1, dims);
  const int64_t k = static_cast<int64_t>(sums.size()) / size;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", sums.size(), k * size));
  COUPONCAST_RETURN_IF_ERROR(CheckLabels(before, k));
  COUPONCAST_RETURN_IF_ERROR(CheckLabels(after, k));
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  const std::vector<double> scales = ScalesOf(largest, rows);
  const double low_scale = LowScale(rows);
  const auto move = HWY_DYNAMIC_POINTER(MovePointImpl);
  const int64_t rows_per_block = std::clamp<int64_t>(kKmeansWorkPerPoll / dims, 1, 1024);
  std::vector<int64_t> moved(static_cast<size_t>(rows_per_block));
  for (int64_t begin = 0; begin < range.size(); begin += rows_per_block) {
    if (cancel.IsSet()) return Cancelled();
    size_t count = 0;
    for (int64_t i = begin; i < std::min(begin + rows_per_block, range.size()); ++i) {
      moved[count] = i;
      count += before[static_cast<size_t>(i)] != after[static_cast<size_t>(i)] ? 1 : 0;
    }
    for (size_t m = 0; m < count; ++m) {
      constexpr size_t kAhead = 6;
      if (m + kAhead < count) {
        const float* next = points.data() + (range.begin + moved[m + kAhead]) * dims;
        for (int64_t dim = 0; dim < std::min<int64_t>(dims, 256); dim += 16) hwy::Prefetch(next + dim);
      }
      const auto i = static_cast<size_t>(moved[m]);
      const int64_t row = range.begin + moved[m];
      const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<size_t>(row)]);
      int64_t* from = before[i] < 0 ? nullptr : sums.data() + before[i] * size;
      int64_t* to = after[i] < 0 ? nullptr : sums.data() + after[i] * size;
      move(points.data() + row * dims, dims, weight, scales.data(), low_scale, from, to);
      const double scaled = weight * scales.back();
      const double high = std::nearbyint(scaled);
      const auto low = static_cast<int64_t>(std::nearbyint((scaled - high) * low_scale));
      const auto change = [&](int64_t* parts, int64_t sign) {
        if (parts == nullptr) return;
        Add(parts[2 * dims], sign * static_cast<int64_t>(high));
        Add(parts[2 * dims + 1], sign * low);
        Add(parts[2 * dims + 2], sign);
      };
      change(from, -1);
      change(to, 1);
    }
  }
  return {};
}

Status KmeansReadSums(std::span<const int64_t> parts, int64_t dims, std::span<const float> largest, int64_t rows, std::span<double> sums,
                      std::span<double> weights, std::span<double> counts) {
  if (dims < 1 || rows < 1) return InvalidArgument("expected dims >= 1 and rows >= 1");
  COUPONCAST_RETURN_IF_ERROR(CheckLargest(largest, dims));
  const auto k = static_cast<int64_t>(weights.size());
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", sums.size(), k * dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), k));
  const auto size = static_cast<size_t>(KmeansSumsSize(k, dims));
  if (size == 0 || parts.size() % size != 0) return InvalidArgument("expected parts of the sums of k >= 1 clusters each");
  std::vector<int64_t> totals(size, 0);
  for (size_t part = 0; part < parts.size(); part += size) {
    for (size_t at = 0; at < size; ++at) Add(totals[at], parts[part + at]);
  }
  const std::vector<double> scales = ScalesOf(largest, rows);
  const double low_scale = LowScale(rows);
  const auto value = [&](int64_t high, int64_t low, double scale) {
    return (static_cast<double>(high) + static_cast<double>(low) / low_scale) / scale;
  };
  for (int64_t c = 0; c < k; ++c) {
    const int64_t* total = totals.data() + c * KmeansSumsSize(1, dims);
    for (int64_t dim = 0; dim < dims; ++dim)
      sums[static_cast<size_t>(c * dims + dim)] = value(total[dim], total[dims + dim], scales[static_cast<size_t>(dim)]);
    weights[static_cast<size_t>(c)] = value(total[2 * dims], total[2 * dims + 1], scales.back());
    counts[static_cast<size_t>(c)] = static_cast<double>(total[2 * dims + 2]);
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
