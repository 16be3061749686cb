#include <algorithm>
#include <vector>

#include "cluster/sparse_kmeans_check.h"
#include "couponcast/sparse_kmeans.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/sparse_kmeans_means.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void HalveItemImpl(const float* HWY_RESTRICT centroids, int64_t lanes, float scale, hwy::float16_t* HWY_RESTRICT halves) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t c = 0; c < lanes; c += width)
    hn::StoreU(hn::DemoteTo(dh, hn::Mul(hn::LoadU(d, centroids + c), hn::Set(d, scale))), dh, halves + c);
}

// The means of an item from its sums, and what they add to the sums over items; `sums`, `scale` and the arrays of
// totals go to whole vectors.
void FinishItemImpl(const double* HWY_RESTRICT sums, const double* HWY_RESTRICT scale, const float* HWY_RESTRICT old, int64_t lanes,
                    float* HWY_RESTRICT means, double* HWY_RESTRICT norms, double* HWY_RESTRICT shifts, double* HWY_RESTRICT products) {
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> df;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  const auto add = [&](double* HWY_RESTRICT total, hn::Vec<decltype(d)> a, hn::Vec<decltype(d)> b)
                       HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(d, total), hn::Mul(a, b)), d, total); };
  for (int64_t c = 0; c < lanes; c += width) {
    const auto sum = hn::LoadU(d, sums + c);
    const auto factor = hn::LoadU(d, scale + c);
    const auto before = hn::PromoteTo(d, hn::LoadU(df, old + c));
    const auto rounded = hn::DemoteTo(df, hn::IfThenElse(hn::Eq(factor, hn::Zero(d)), before, hn::Mul(sum, factor)));
    hn::StoreU(rounded, df, means + c);
    const auto now = hn::PromoteTo(d, rounded);
    const auto move = hn::Sub(now, before);
    add(norms + c, now, now);
    add(shifts + c, move, move);
    add(products + c, before, sum);
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(HalveItemImpl);
HWY_EXPORT(FinishItemImpl);

namespace {

constexpr int64_t kItemsPerPoll = 256;

// Memory of halves: they travel as whole numbers.
hwy::float16_t* AsHalves(std::span<uint16_t> bits) { return reinterpret_cast<hwy::float16_t*>(bits.data()); }

// Adds the cells of an item to the sums of their rows' clusters, from place 1 on: place 0 takes what is in no cluster, so
// that the loop needs no branch.
template <typename WeightOf>
void AddCells(std::span<const int32_t> rows, std::span<const float> values, std::span<const float> factors, std::span<const int32_t> labels,
              WeightOf weight_of, std::span<double> sums) {
  for (size_t cell = 0; cell < rows.size(); ++cell) {
    const auto row = static_cast<size_t>(rows[cell]);
    sums[static_cast<size_t>(labels[row]) + 1] += weight_of(row) * static_cast<double>(factors[row] * values[cell]);
  }
}

}  // namespace

Status SparseKmeansHalve(std::span<const float> centroids, int64_t k, double scale, RowRange range, CancelFlag cancel,
                         std::span<uint16_t> halves) {
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  const int64_t lanes = SparseKmeansLanes(k);
  const int64_t items = static_cast<int64_t>(centroids.size()) / lanes;
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", centroids.size(), items * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("halves", halves.size(), items * lanes));
  if (!IsHalfScale(scale)) return InvalidArgument("expected a scale > 0 of the halves");
  const auto halve = HWY_DYNAMIC_POINTER(HalveItemImpl);
  for (int64_t item = range.begin; item < range.end; ++item) {
    if (item % kItemsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    halve(centroids.data() + item * lanes, lanes, static_cast<float>(scale), AsHalves(halves) + item * lanes);
  }
  return {};
}

Status SparseKmeansMeans(const CsrView& transpose, std::span<const float> factors, std::span<const float> weights,
                         std::span<const int32_t> labels, std::span<const double> scale, std::span<const float> old, RowRange range,
                         CancelFlag cancel, const SparseKmeansCentroids& to, const SparseKmeansTotals& totals) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, transpose.rows));
  const auto k = static_cast<int64_t>(scale.size());
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  if (range.begin % kSparseKmeansShard != 0) return InvalidArgument("expected a range of whole shards");
  const int64_t lanes = SparseKmeansLanes(k);
  const int64_t num_shards = (range.size() + kSparseKmeansShard - 1) / kSparseKmeansShard;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), transpose.cols));
  if (!weights.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("old centroids", old.size(), transpose.rows * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", to.centroids.size(), transpose.rows * lanes));
  const bool halved = !to.halves.empty();
  if (halved) COUPONCAST_RETURN_IF_ERROR(CheckSize("halves", to.halves.size(), transpose.rows * lanes));
  if (halved && !IsHalfScale(to.scale)) return InvalidArgument("expected a scale > 0 of the halves");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", totals.norms.size(), num_shards * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shifts", totals.shifts.size(), num_shards * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("products", totals.products.size(), num_shards * k));
  if (std::ranges::any_of(labels, [k](int32_t label) { return label < -1 || label >= k; }))
    return InvalidArgument("expected labels in [-1, k)");
  const auto width = static_cast<size_t>(lanes);
  std::vector<double> sums(width + 1);
  std::vector<double> padded_scale(width, 0.0);
  std::ranges::copy(scale, padded_scale.begin());
  std::vector<double> norms(width);
  std::vector<double> shifts(width);
  std::vector<double> products(width);
  const auto halve = HWY_DYNAMIC_POINTER(HalveItemImpl);
  const auto finish = HWY_DYNAMIC_POINTER(FinishItemImpl);
  for (int64_t shard = 0; shard < num_shards; ++shard) {
    std::ranges::fill(norms, 0.0);
    std::ranges::fill(shifts, 0.0);
    std::ranges::fill(products, 0.0);
    const int64_t begin = range.begin + shard * kSparseKmeansShard;
    for (int64_t item = begin; item < std::min(begin + kSparseKmeansShard, range.end); ++item) {
      if (item % kItemsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      std::ranges::fill(sums, 0.0);
      const std::span<const int32_t> rows = transpose.row_indices(item);
      const std::span<const float> values = transpose.row_values(item);
      if (weights.empty()) {
        AddCells(rows, values, factors, labels, [](size_t) { return 1.0; }, sums);
      } else {
        AddCells(rows, values, factors, labels, [weights](size_t row) { return static_cast<double>(weights[row]); }, sums);
      }
      float* means = to.centroids.data() + item * lanes;
      finish(sums.data() + 1, padded_scale.data(), old.data() + item * lanes, lanes, means, norms.data(), shifts.data(), products.data());
      if (halved) halve(means, lanes, static_cast<float>(to.scale), AsHalves(to.halves) + item * lanes);
    }
    const auto keep = [&](const std::vector<double>& from, std::span<double> all) {
      std::copy_n(from.begin(), k, all.begin() + shard * k);
    };
    keep(norms, totals.norms);
    keep(shifts, totals.shifts);
    keep(products, totals.products);
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
