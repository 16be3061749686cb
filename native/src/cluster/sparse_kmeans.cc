#include "couponcast/sparse_kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/sparse_kmeans.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Cells whose centroids are fetched into the cache beforehand, also those of later rows.
constexpr int64_t kCellsAhead = 12;

// products[c] = <factor row, centroid c>: four vectors of centroids stay in registers while the cells pass. `ahead`: cells
// that follow those of the row.
HWY_INLINE void RowProducts(const int32_t* HWY_RESTRICT indices, const float* HWY_RESTRICT values, int64_t cells, int64_t ahead,
                            float factor, const float* HWY_RESTRICT centroids, int64_t lanes, float* HWY_RESTRICT products) {
  const hn::CappedTag<float, 16> d;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + 4 * width <= lanes; c += 4 * width) {
    auto s0 = hn::Zero(d);
    auto s1 = s0;
    auto s2 = s0;
    auto s3 = s0;
    for (int64_t cell = 0; cell < cells; ++cell) {
      const float* HWY_RESTRICT later = centroids + indices[cell + ahead] * lanes + c;
      for (int64_t line = 0; line < 4 * width; line += 16) hwy::Prefetch(later + line);
      const float* HWY_RESTRICT row = centroids + indices[cell] * lanes + c;
      const auto value = hn::Set(d, factor * values[cell]);
      s0 = hn::Add(s0, hn::Mul(value, hn::LoadU(d, row)));
      s1 = hn::Add(s1, hn::Mul(value, hn::LoadU(d, row + width)));
      s2 = hn::Add(s2, hn::Mul(value, hn::LoadU(d, row + 2 * width)));
      s3 = hn::Add(s3, hn::Mul(value, hn::LoadU(d, row + 3 * width)));
    }
    hn::StoreU(s0, d, products + c);
    hn::StoreU(s1, d, products + c + width);
    hn::StoreU(s2, d, products + c + 2 * width);
    hn::StoreU(s3, d, products + c + 3 * width);
  }
  for (; c < lanes; c += width) {
    auto sum = hn::Zero(d);
    for (int64_t cell = 0; cell < cells; ++cell) {
      const auto value = hn::Set(d, factor * values[cell]);
      sum = hn::Add(sum, hn::Mul(value, hn::LoadU(d, centroids + indices[cell] * lanes + c)));
    }
    hn::StoreU(sum, d, products + c);
  }
}

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
    RowProducts(matrix.indices.data() + begin, matrix.values.data() + begin, cells, std::min(kCellsAhead, left), factors[row], centroids,
                lanes, products);
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

constexpr int64_t kWorkPerPoll = int64_t{1} << 20;

}  // namespace

Status SparseRowLengths(const CsrView& matrix, bool unit, RowRange range, CancelFlag cancel, std::span<float> factors,
                        std::span<double> squares) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("squares", squares.size(), matrix.rows));
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (row % 1024 == 0 && cancel.IsSet()) return Cancelled();
    double square = 0;
    for (const float value : matrix.row_values(row)) square += static_cast<double>(value) * static_cast<double>(value);
    const auto at = static_cast<size_t>(row);
    factors[at] = !unit ? 1.0F : square > 0 ? static_cast<float>(1 / std::sqrt(square)) : 0.0F;
    const auto factor = static_cast<double>(factors[at]);
    squares[at] = square * factor * factor;
  }
  return {};
}

Status SparseKmeansAssign(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                          std::span<const float> centroids, std::span<const double> norms, RowRange range, CancelFlag cancel,
                          std::span<int32_t> labels, std::span<float> distances, std::span<int64_t> counts, double* inertia) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  const auto k = static_cast<int64_t>(norms.size());
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  const int64_t lanes = SparseKmeansLanes(k);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("squares", squares.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", centroids.size(), matrix.cols * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("distances", distances.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), k));
  std::ranges::fill(counts, 0);
  *inertia = 0;
  std::vector<float> products(static_cast<size_t>(lanes));
  std::vector<double> padded(static_cast<size_t>(lanes), std::numeric_limits<double>::infinity());
  std::ranges::copy(norms, padded.begin());
  for (int64_t begin = range.begin; begin < range.end;) {
    if (cancel.IsSet()) return Cancelled();
    int64_t end = begin + 1;
    for (int64_t work = 0; end < range.end && work < kWorkPerPoll; ++end)
      work += (static_cast<int64_t>(matrix.row_indices(end).size()) + 1) * lanes;
    HWY_DYNAMIC_DISPATCH(AssignRowsImpl)
    (matrix, factors.data(), squares.data(), centroids.data(), padded.data(), lanes, {begin, end}, labels.data(), distances.data(),
     counts.data(), inertia, products.data());
    begin = end;
  }
  return {};
}

Status SparseKmeansMeans(const CsrView& transpose, std::span<const float> factors, std::span<const int32_t> labels,
                         std::span<const double> scale, std::span<const float> old, RowRange range, CancelFlag cancel,
                         std::span<float> centroids, std::span<double> norms, std::span<double> shifts) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, transpose.rows));
  const auto k = static_cast<int64_t>(scale.size());
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  const int64_t lanes = SparseKmeansLanes(k);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), transpose.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("old centroids", old.size(), transpose.rows * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", centroids.size(), transpose.rows * lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", norms.size(), k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shifts", shifts.size(), k));
  if (std::ranges::any_of(labels, [k](int32_t label) { return label < -1 || label >= k; }))
    return InvalidArgument("expected labels in [-1, k)");
  std::ranges::fill(norms, 0.0);
  std::ranges::fill(shifts, 0.0);
  // Place 0 takes what is in no cluster, so that the loop needs no branch.
  std::vector<double> sums(static_cast<size_t>(k) + 1);
  for (int64_t col = range.begin; col < range.end; ++col) {
    if (col % 256 == 0 && cancel.IsSet()) return Cancelled();
    std::ranges::fill(sums, 0.0);
    const std::span<const int32_t> rows = transpose.row_indices(col);
    const std::span<const float> values = transpose.row_values(col);
    for (size_t cell = 0; cell < rows.size(); ++cell) {
      const auto row = static_cast<size_t>(rows[cell]);
      sums[static_cast<size_t>(labels[row]) + 1] += static_cast<double>(factors[row]) * static_cast<double>(values[cell]);
    }
    float* to = centroids.data() + col * lanes;
    const float* from = old.data() + col * lanes;
    for (size_t c = 0; c < scale.size(); ++c) {
      to[c] = scale[c] == 0 ? from[c] : static_cast<float>(sums[c + 1] * scale[c]);
      const auto now = static_cast<double>(to[c]);
      const double move = now - static_cast<double>(from[c]);
      norms[c] += now * now;
      shifts[c] += move * move;
    }
  }
  return {};
}

}  // namespace couponcast
#endif  // HWY_ONCE
