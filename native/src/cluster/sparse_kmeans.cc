#include "couponcast/sparse_kmeans.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "cluster/sparse_kmeans_check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/sparse_kmeans.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

#include "cluster/sparse_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

// The smallest score norm - 2 product, of equal ones the first; norms beyond k are infinite.
HWY_INLINE int64_t NearestOf(const double* HWY_RESTRICT norms, const float* HWY_RESTRICT products, int64_t lanes, double* score) {
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> df;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  const auto score_of = [&](int64_t c) HWY_ATTR {
    return hn::Sub(hn::LoadU(d, norms + c), hn::Mul(hn::Set(d, 2.0), hn::PromoteTo(d, hn::LoadU(df, products + c))));
  };
  auto least = score_of(0);
  for (int64_t c = width; c < lanes; c += width) least = hn::Min(least, score_of(c));
  *score = hn::ReduceMin(d, least);
  for (int64_t c = 0; c < lanes; c += width) {
    const intptr_t lane = hn::FindFirstTrue(d, hn::Eq(score_of(c), hn::Set(d, *score)));
    if (lane >= 0) return c + lane;
  }
  return 0;
}

void AssignRowsImpl(const CsrView& matrix, const float* HWY_RESTRICT factors, const double* HWY_RESTRICT squares,
                    const float* HWY_RESTRICT centroids, const double* HWY_RESTRICT norms, int64_t lanes, RowRange range,
                    int32_t* HWY_RESTRICT labels, float* HWY_RESTRICT distances, int64_t* HWY_RESTRICT counts, double* HWY_RESTRICT inertia,
                    float* HWY_RESTRICT products) {
  for (int64_t row = range.begin; row < range.end; ++row) {
    const int64_t begin = matrix.indptr[static_cast<size_t>(row)];
    const int64_t cells = matrix.indptr[static_cast<size_t>(row) + 1] - begin;
    if (cells == 0) {
      labels[row] = -1;
      distances[row] = 0;
      continue;
    }
    const int64_t left = static_cast<int64_t>(matrix.indices.size()) - begin - cells;
    RowProducts({matrix.indices.data() + begin, matrix.values.data() + begin, cells, std::min(kSparseCellsAhead, left)}, factors[row],
                centroids, lanes, products);
    double score = 0;
    const int64_t nearest = NearestOf(norms, products, lanes, &score);
    const double distance = std::max(0.0, squares[row] + score);
    labels[row] = static_cast<int32_t>(nearest);
    distances[row] = static_cast<float>(distance);
    ++counts[nearest];
    *inertia += distance;
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AssignRowsImpl);

namespace {

// In four sums, which do not wait for each other.
double SquaredLength(std::span<const float> values) {
  std::array<double, 4> sums = {};
  const auto square = [](float value) { return static_cast<double>(value) * static_cast<double>(value); };
  size_t cell = 0;
  for (; cell + sums.size() <= values.size(); cell += sums.size()) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += square(values[cell + i]);
  }
  for (; cell < values.size(); ++cell) sums[0] += square(values[cell]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

Status SparseRowLengths(const CsrView& matrix, bool unit, RowRange range, CancelFlag cancel, std::span<float> factors,
                        std::span<double> squares) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("squares", squares.size(), matrix.rows));
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (row % 1024 == 0 && cancel.IsSet()) return Cancelled();
    const double square = SquaredLength(matrix.row_values(row));
    const auto at = static_cast<size_t>(row);
    // What is shorter than float32 has a reciprocal for stays short.
    const double reciprocal = std::min<double>(1 / std::sqrt(square), std::numeric_limits<float>::max());
    factors[at] = !unit ? 1.0F : square > 0 ? static_cast<float>(reciprocal) : 0.0F;
    const auto factor = static_cast<double>(factors[at]);
    squares[at] = square * factor * factor;
  }
  return {};
}

Status SparseKmeansAssign(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                          std::span<const float> centroids, std::span<const double> norms, RowRange range, CancelFlag cancel,
                          std::span<int32_t> labels, std::span<float> distances, std::span<int64_t> counts, double* inertia) {
  COUPONCAST_RETURN_IF_ERROR(CheckSparseAssign(matrix, factors, squares, centroids, norms, range, labels, counts));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), matrix.rows));
  const int64_t lanes = SparseKmeansLanes(static_cast<int64_t>(norms.size()));
  std::ranges::fill(counts, 0);
  *inertia = 0;
  std::vector<float> products(static_cast<size_t>(lanes));
  std::vector<double> padded(static_cast<size_t>(lanes), std::numeric_limits<double>::infinity());
  std::ranges::copy(norms, padded.begin());
  const auto assign = HWY_DYNAMIC_POINTER(AssignRowsImpl);
  return ForEachSparsePoll(matrix, lanes, range, cancel, [&](RowRange rows) {
    assign(matrix, factors.data(), squares.data(), centroids.data(), padded.data(), lanes, rows, labels.data(), distances.data(),
           counts.data(), inertia, products.data());
  });
}

}  // namespace couponcast
#endif  // HWY_ONCE
