#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cluster/kmeans_check.h"
#include "couponcast/kmeans_filter.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/kmeans_codes.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Returns whether all coordinates are finite.
bool GrowBoxImpl(const float* HWY_RESTRICT points, int64_t dims, int64_t rows, float* HWY_RESTRICT lows, float* HWY_RESTRICT highs) {
  bool finite = true;
  for (int64_t row = 0; row < rows; ++row) {
    const float* point = points + row * dims;
    float sum_of_zeros = 0;
    for (int64_t dim = 0; dim < dims; ++dim) {
      const float x = point[dim];
      lows[dim] = x < lows[dim] ? x : lows[dim];
      highs[dim] = x > highs[dim] ? x : highs[dim];
      sum_of_zeros += x * 0.0F;
    }
    finite &= sum_of_zeros == 0;
  }
  return finite;
}

// Codes of one point, and the sums of squares of error, code and offset.
void EncodePointImpl(const float* HWY_RESTRICT point, int64_t dims, const float* HWY_RESTRICT centre, const float* HWY_RESTRICT steps,
                     const float* HWY_RESTRICT inverse, uint8_t* HWY_RESTRICT codes, float* HWY_RESTRICT squares) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<uint8_t, decltype(d)> du8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto errors = hn::Zero(d);
  auto lengths = hn::Zero(d);
  auto norms = hn::Zero(d);
  for (int64_t dim = 0; dim < dims; dim += lanes) {
    const auto left = static_cast<size_t>(std::min(lanes, dims - dim));
    const auto offset = hn::Sub(hn::LoadN(d, point + dim, left), hn::LoadN(d, centre + dim, left));
    const auto wanted = hn::Mul(offset, hn::LoadN(d, inverse + dim, left));
    const auto code = hn::NearestInt(hn::Clamp(wanted, hn::Set(d, -128.0F), hn::Set(d, 127.0F)));
    const auto rounded = hn::ConvertTo(d, code);
    const auto error = hn::Sub(offset, hn::Mul(rounded, hn::LoadN(d, steps + dim, left)));
    errors = hn::Add(errors, hn::Mul(error, error));
    lengths = hn::Add(lengths, hn::Mul(rounded, rounded));
    norms = hn::Add(norms, hn::Mul(offset, offset));
    hn::StoreN(hn::DemoteTo(du8, hn::Add(code, hn::Set(di, 128))), du8, codes + dim, left);
  }
  squares[0] = hn::ReduceSum(d, errors);
  squares[1] = hn::ReduceSum(d, lengths);
  squares[2] = hn::ReduceSum(d, norms);
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(GrowBoxImpl);
HWY_EXPORT(EncodePointImpl);

namespace {

constexpr double kLargestCode = 127;
// Rounding of the sums of squares, generously: they only widen the filter.
constexpr double kSlack = 1 + 0x1p-9;

Status CheckCoding(int64_t dims, std::span<const float> centre, std::span<const float> steps) {
  if (dims > kKmeansCodeDims) return InvalidArgument("expected dims <= 16384 to code points as bytes");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centre", centre.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("steps", steps.size(), dims));
  const auto fits = [](float value) { return std::isfinite(value); };
  if (!std::ranges::all_of(centre, fits) || !std::ranges::all_of(steps, [](float step) { return std::isfinite(step) && step >= 0; }))
    return InvalidArgument("expected a finite centre and finite steps >= 0");
  return {};
}

}  // namespace

Status KmeansBox(std::span<const float> points, int64_t dims, RowRange range, CancelFlag cancel, std::span<float> lows,
                 std::span<float> highs) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, {}, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lows", lows.size(), dims));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("highs", highs.size(), dims));
  std::ranges::fill(lows, std::numeric_limits<float>::infinity());
  std::ranges::fill(highs, -std::numeric_limits<float>::infinity());
  const int64_t rows_per_poll = std::max<int64_t>(1, kKmeansWorkPerPoll / dims);
  for (int64_t row = range.begin; row < range.end; row += rows_per_poll) {
    if (cancel.IsSet()) return Cancelled();
    const int64_t rows = std::min(rows_per_poll, range.end - row);
    if (!HWY_DYNAMIC_DISPATCH(GrowBoxImpl)(points.data() + row * dims, dims, rows, lows.data(), highs.data()))
      return InvalidArgument("expected finite points");
  }
  return {};
}

Status KmeansEncode(std::span<const float> points, int64_t dims, std::span<const float> centre, std::span<const float> steps,
                    RowRange range, CancelFlag cancel, std::span<uint8_t> codes, std::span<float> norms) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, {}, range));
  COUPONCAST_RETURN_IF_ERROR(CheckCoding(dims, centre, steps));
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  const int64_t bytes = KmeansCodeBytes(dims);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.size(), KmeansCodesSize(rows, dims)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", norms.size(), rows * 3));
  std::vector<float> inverse(steps.begin(), steps.end());
  for (float& step : inverse) step = step > 0 ? 1 / step : 0;
  const int64_t rows_per_poll = std::max<int64_t>(1, kKmeansWorkPerPoll / dims);
  const auto encode = HWY_DYNAMIC_POINTER(EncodePointImpl);
  std::vector<uint8_t> code(static_cast<size_t>(bytes), 128);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if ((row - range.begin) % rows_per_poll == 0 && cancel.IsSet()) return Cancelled();
    // NOLINTNEXTLINE(modernize-avoid-c-arrays)
    float squares[3];
    encode(points.data() + row * dims, dims, centre.data(), steps.data(), inverse.data(), code.data(), squares);
    uint8_t* tile = codes.data() + row / kKmeansTile * kKmeansTile * bytes + row % kKmeansTile * 4;
    for (int64_t b = 0; b < bytes; b += 4) std::copy_n(code.data() + b, 4, tile + b * kKmeansTile);
    const double length = std::sqrt(static_cast<double>(squares[2]));
    // An error is the difference of near numbers: its own rounding is relative to those.
    norms[static_cast<size_t>(row)] = static_cast<float>(std::sqrt(static_cast<double>(squares[0])) * kSlack + length * 0x1p-21);
    norms[static_cast<size_t>(rows + row)] = static_cast<float>(std::sqrt(static_cast<double>(squares[1])) * kSlack);
    norms[static_cast<size_t>(2 * rows + row)] = squares[2];
  }
  return {};
}

Status KmeansEncodeCentroids(std::span<const float> centroids, int64_t dims, std::span<const float> centre, std::span<const float> steps,
                             std::span<const int32_t> order, int64_t side, std::span<int8_t> panel, std::span<int32_t> starts,
                             std::span<double> scale, bool* usable) {
  if (dims < 1) return InvalidArgument("expected dims >= 1");
  int64_t k = 0;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &k));
  COUPONCAST_RETURN_IF_ERROR(CheckCoding(dims, centre, steps));
  const auto columns = static_cast<int64_t>(starts.size());
  if (side < 1 || columns < k || columns % side != 0) return InvalidArgument("expected starts of k columns, a multiple of `side`");
  const int64_t bytes = KmeansCodeBytes(dims);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), k));
  std::vector<int32_t> column_of;
  COUPONCAST_RETURN_IF_ERROR(InvertKmeansOrder(order, &column_of));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("panel", panel.size(), columns * bytes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", scale.size(), 3));
  const auto offset = [&](int64_t c, int64_t dim) {
    return static_cast<double>(centroids[static_cast<size_t>(c * dims + dim)]) - static_cast<double>(centre[static_cast<size_t>(dim)]);
  };
  const auto scaled = [&](int64_t c, int64_t dim) { return offset(c, dim) * static_cast<double>(steps[static_cast<size_t>(dim)]); };
  double largest = 0;
  for (int64_t c = 0; c < k; ++c) {
    for (int64_t dim = 0; dim < dims; ++dim) largest = std::max(largest, std::abs(scaled(c, dim)));
  }
  const double unit = largest / kLargestCode;
  *usable = unit > 0 && std::isfinite(unit);
  if (!*usable) return {};
  std::ranges::fill(panel, int8_t{0});
  // A column of no centroid never reaches a threshold.
  std::ranges::fill(starts, std::numeric_limits<int32_t>::min());
  double radius = 0;
  double error = 0;
  for (int64_t c = 0; c < k; ++c) {
    double norm = 0;
    double error_norm = 0;
    int64_t sum = 0;
    const int64_t column = column_of[static_cast<size_t>(c)];
    for (int64_t dim = 0; dim < dims; ++dim) {
      const double wanted = scaled(c, dim);
      const double code = std::nearbyint(wanted / unit);
      panel[static_cast<size_t>((column / side * bytes + dim / 4 * 4) * side + column % side * 4 + dim % 4)] = static_cast<int8_t>(code);
      sum += static_cast<int64_t>(code);
      norm += offset(c, dim) * offset(c, dim);
      error_norm += (wanted - unit * code) * (wanted - unit * code);
    }
    const double half = norm / (2 * unit);
    if (!(half < 0x1p30)) {
      *usable = false;
      return {};
    }
    starts[static_cast<size_t>(column)] = static_cast<int32_t>(-std::llround(half) - 128 * sum);
    radius = std::max(radius, norm);
    error = std::max(error, error_norm);
  }
  scale[0] = unit;
  scale[1] = std::sqrt(radius);
  scale[2] = std::sqrt(error);
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
