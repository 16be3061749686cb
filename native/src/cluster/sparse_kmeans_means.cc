#include <algorithm>
#include <limits>
#include <vector>

#include "cluster/sparse_kmeans_check.h"
#include "cluster/sparse_kmeans_moves.h"
#include "cluster/sparse_kmeans_shards.h"
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

// What an item counts in all centroids decides nothing: shorts count from the middle of its coordinates, which makes their
// steps finer. Returns the largest magnitude from there.
float ShortenItemImpl(const float* HWY_RESTRICT centroids, int64_t lanes, float scale, int16_t* HWY_RESTRICT shorts) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int16_t, decltype(d)> ds;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  const auto most = hn::Set(d, 32767.0F);
  auto low = hn::LoadU(d, centroids);
  auto high = low;
  for (int64_t c = width; c < lanes; c += width) {
    low = hn::Min(low, hn::LoadU(d, centroids + c));
    high = hn::Max(high, hn::LoadU(d, centroids + c));
  }
  const auto middle = hn::Set(d, 0.5F * hn::ReduceMin(d, low) + 0.5F * hn::ReduceMax(d, high));
  auto largest = hn::Zero(d);
  for (int64_t c = 0; c < lanes; c += width) {
    const auto value = hn::Sub(hn::LoadU(d, centroids + c), middle);
    largest = hn::Max(largest, hn::Abs(value));
    const auto within = hn::Min(hn::Max(hn::Mul(value, hn::Set(d, scale)), hn::Neg(most)), most);
    hn::StoreU(hn::DemoteTo(ds, hn::ConvertTo(di, hn::Round(within))), ds, shorts + c);
  }
  return hn::ReduceMax(d, largest);
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

HWY_EXPORT(ShortenItemImpl);
HWY_EXPORT(FinishItemImpl);

namespace {

constexpr int64_t kItemsPerPoll = 256;
// Of a look at the cancel flag, in lanes.
constexpr int64_t kWorkPerCell = 16;

// Where the sums of a row's cluster are: from place 1 on; place 0 takes what is in no cluster, so that no loop needs a
// branch.
template <typename T>
std::vector<T> PlacesOf(std::span<const int32_t> labels) {
  std::vector<T> places(labels.size());
  std::ranges::transform(labels, places.begin(), [](int32_t label) { return static_cast<T>(label + 1); });
  return places;
}

// Adds the cells of an item to the sums of their rows' clusters.
template <typename T>
void AddCells(std::span<const int32_t> rows, std::span<const float> values, std::span<const float> factors, std::span<const float> weights,
              const std::vector<T>& places, std::span<double> sums) {
  for (size_t cell = 0; cell < rows.size(); ++cell) {
    const auto row = static_cast<size_t>(rows[cell]);
    const auto value = static_cast<double>(factors[row] * values[cell]);
    sums[places[row]] += weights.empty() ? value : static_cast<double>(weights[row]) * value;
  }
}

}  // namespace

Status SparseKmeansShorten(std::span<const float> centroids, int64_t k, double scale, RowRange range, CancelFlag cancel,
                           std::span<int16_t> shorts) {
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  const int64_t lanes = SparseKmeansLanes(k);
  const int64_t items = static_cast<int64_t>(centroids.size()) / lanes;
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, items));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", centroids.size(), items * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shorts", shorts.size(), items * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckShortScale(scale));
  const auto shorten = HWY_DYNAMIC_POINTER(ShortenItemImpl);
  for (int64_t item = range.begin; item < range.end; ++item) {
    if (item % kItemsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    shorten(centroids.data() + item * lanes, lanes, static_cast<float>(scale), shorts.data() + item * lanes);
  }
  return {};
}

Status CheckSparseMeans(const CsrView& transpose, const SparseMeansInput& from, const SparseKmeansKeptSums& kept,
                        const SparseKmeansCentroids& to) {
  const auto k = static_cast<int64_t>(from.scale.size());
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  const int64_t size = transpose.rows * SparseKmeansLanes(k);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", from.factors.size(), transpose.cols));
  if (!from.weights.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", from.weights.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", from.labels.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("old centroids", from.old.size(), size));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", to.centroids.size(), size));
  if (!to.shorts.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("shorts", to.shorts.size(), size));
  COUPONCAST_RETURN_IF_ERROR(CheckShortScale(to.scale));
  if (!kept.sums.empty()) COUPONCAST_RETURN_IF_ERROR(CheckKeptSums(kept, transpose, from.weights, k));
  return {};
}

SparseMeansShards::SparseMeansShards(const CsrView& transpose, const SparseMeansInput& from, const SparseKmeansKeptSums& kept, bool moved,
                                     const SparseKmeansCentroids& to)
    : transpose_(transpose),
      from_(from),
      kept_(kept),
      moved_(moved),
      to_(to),
      lanes_(SparseKmeansLanes(static_cast<int64_t>(from.scale.size()))),
      scale_(static_cast<size_t>(lanes_), 0.0),
      sums_(scale_.size() + 1),
      norms_(scale_.size()),
      shifts_(scale_.size()),
      products_(scale_.size()) {
  std::ranges::copy(from.scale, scale_.begin());
  if (moved) return;
  if (from.scale.size() <= std::numeric_limits<uint8_t>::max()) {
    places_ = PlacesOf<uint8_t>(from.labels);
  } else {
    places_ = PlacesOf<int32_t>(from.labels);
  }
}

template <typename Places>
const double* SparseMeansShards::SumsOf(const Places& places, int64_t item) {
  double* own = kept_.sums.empty() ? nullptr : kept_.sums.data() + item * lanes_;
  if (moved_) return own;
  std::ranges::fill(sums_, 0.0);
  AddCells(transpose_.row_indices(item), transpose_.row_values(item), from_.factors, from_.weights, places, sums_);
  if (own != nullptr) std::copy_n(sums_.begin() + 1, lanes_, own);
  return sums_.data() + 1;
}

Status SparseMeansShards::Means(RowRange items, CancelFlag cancel, const SparseKmeansTotals& totals) {
  const auto shorten = HWY_DYNAMIC_POINTER(ShortenItemImpl);
  const auto finish = HWY_DYNAMIC_POINTER(FinishItemImpl);
  std::ranges::fill(norms_, 0.0);
  std::ranges::fill(shifts_, 0.0);
  std::ranges::fill(products_, 0.0);
  const auto means_of = [&](const auto& places, int64_t item) {
    float* means = to_.centroids.data() + item * lanes_;
    finish(SumsOf(places, item), scale_.data(), from_.old.data() + item * lanes_, lanes_, means, norms_.data(), shifts_.data(),
           products_.data());
    if (to_.shorts.empty()) return;
    largest_ = std::max(largest_, shorten(means, lanes_, static_cast<float>(to_.scale), to_.shorts.data() + item * lanes_));
  };
  COUPONCAST_RETURN_IF_ERROR(ForEachSparsePoll(transpose_, kWorkPerCell, items, cancel, [&](RowRange part) {
    std::visit(
        [&](const auto& places) {
          for (int64_t item = part.begin; item < part.end; ++item) means_of(places, item);
        },
        places_);
  }));
  std::copy_n(norms_.begin(), totals.norms.size(), totals.norms.begin());
  std::copy_n(shifts_.begin(), totals.shifts.size(), totals.shifts.begin());
  std::copy_n(products_.begin(), totals.products.size(), totals.products.begin());
  return {};
}

Status SparseKmeansMeans(const CsrView& transpose, std::span<const float> factors, std::span<const float> weights,
                         std::span<const int32_t> labels, std::span<const double> scale, std::span<const float> old, RowRange range,
                         CancelFlag cancel, const SparseKmeansKeptSums& kept, const SparseKmeansCentroids& to,
                         const SparseKmeansTotals& totals, float* largest) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, transpose.rows));
  if (range.begin % kSparseKmeansShard != 0) return InvalidArgument("expected a range of whole shards");
  const SparseMeansInput from{factors, weights, labels, scale, old};
  COUPONCAST_RETURN_IF_ERROR(CheckSparseMeans(transpose, from, kept, to));
  const auto k = static_cast<int64_t>(scale.size());
  COUPONCAST_RETURN_IF_ERROR(CheckClusterLabels(labels, k));
  const int64_t num_shards = SparseKmeansShards(range.size());
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", totals.norms.size(), num_shards * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shifts", totals.shifts.size(), num_shards * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("products", totals.products.size(), num_shards * k));
  const bool moved = !kept.before.empty() && FewMoves(*kept.matrix, kept.before, labels);
  if (moved) COUPONCAST_RETURN_IF_ERROR(MoveSums(kept, factors, labels, SparseKmeansLanes(k), range, cancel));
  SparseMeansShards shards(transpose, from, kept, moved, to);
  for (int64_t shard = 0; shard < num_shards; ++shard) {
    const int64_t begin = range.begin + shard * kSparseKmeansShard;
    COUPONCAST_RETURN_IF_ERROR(shards.Means({begin, std::min(begin + kSparseKmeansShard, range.end)}, cancel, TotalsOf(totals, shard, k)));
  }
  *largest = shards.largest();
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
