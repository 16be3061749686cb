#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cluster/sparse_kmeans_check.h"
#include "cluster/sparse_kmeans_filter.h"
#include "couponcast/sparse_kmeans.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/cluster/sparse_kmeans_filter.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/highway.h>

#include "cluster/sparse_products-inl.h"
#include "cluster/sparse_short_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

// A score is <row, c> - |c|^2 / 2, less the same for all centroids: the larger the nearer.
template <class D>
HWY_INLINE hn::Vec<D> ScoresAt(D d, const SparseFilter& filter, hn::Vec<D> unit, const float* HWY_RESTRICT products, int64_t c) {
  return hn::Sub(hn::Mul(hn::LoadU(d, products + c), unit), hn::LoadU(d, filter.half_norms + c));
}

// The centroids that may be the nearest, as scores are off by `off`. Each lane keeps its two best in one pass over the
// products: nothing is stored, and nothing waits for the best of all but the last comparisons.
HWY_INLINE SparseCandidates Candidates(const SparseFilter& filter, float step, float off, const float* HWY_RESTRICT products) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  const auto unit = hn::Set(d, step * filter.unit);
  auto best = ScoresAt(d, filter, unit, products, 0);
  auto second = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto where = hn::Iota(di, 0);
  for (int64_t c = width; c < filter.lanes; c += width) {
    const auto score = ScoresAt(d, filter, unit, products, c);
    second = hn::Max(second, hn::Min(best, score));
    where = hn::IfThenElse(hn::RebindMask(di, hn::Gt(score, best)), hn::Iota(di, static_cast<int32_t>(c)), where);
    best = hn::Max(best, score);
  }
  const auto least = hn::Sub(hn::MaxOfLanes(d, best), hn::Set(d, 2 * off));
  const auto near = hn::Ge(best, least);
  HWY_ALIGN std::array<int32_t, 16> centroids;
  hn::Store(where, di, centroids.data());
  const intptr_t first = hn::FindFirstTrue(d, near);
  return {hn::CountTrue(d, near) + hn::CountTrue(d, hn::Ge(second, least)), first < 0 ? -1 : centroids[static_cast<size_t>(first)],
          hn::GetLane(least)};
}

HWY_INLINE void Scores(const SparseFilter& filter, float step, float* HWY_RESTRICT products) {
  const hn::CappedTag<float, 16> d;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t c = 0; c < filter.lanes; c += width)
    hn::StoreU(ScoresAt(d, filter, hn::Set(d, step * filter.unit), products, c), d, products + c);
}

// The nearest of the centroids whose group of sixteen has one that scores at least `least`; NaN: of all.
HWY_INLINE int64_t Exact(const SparseFilter& filter, const SparseCells& cells, float factor, const float* HWY_RESTRICT scores, float least,
                         float* HWY_RESTRICT products) {
  int64_t nearest = -1;
  double smallest = std::numeric_limits<double>::infinity();
  for (int64_t first = 0; first < filter.lanes; first += 16) {
    if (std::all_of(scores + first, scores + first + 16, [least](float score) { return score < least; })) continue;
    GroupProducts(cells, factor, filter.centroids, filter.lanes, first, products);
    for (int64_t c = first; c < std::min(first + 16, filter.k); ++c) {
      const double score = filter.norms[c] - 2.0 * static_cast<double>(products[c]);
      if (nearest >= 0 && !(score < smallest)) continue;
      nearest = c;
      smallest = score;
    }
  }
  return nearest;
}

// errors[i]: how far the scores of row range.begin + i may be off, but for what all of a row share: what float32 does to the
// exact products; half a step of each coordinate, and float32 on the way to it and back; what the row's codes miss
// (Cauchy-Schwarz all three; of two centroids, whose difference is no longer than two radiuses); the rounding of norms and
// scores, and what is too small for float32.
HWY_INLINE void ErrorsOf(const SparseFilter& filter, const CsrView& matrix, const double* HWY_RESTRICT squares, RowRange range,
                         float* HWY_RESTRICT errors) {
  const hn::CappedTag<double, 8> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  const auto times = [&](auto value, float factor) HWY_ATTR { return hn::Mul(value, hn::Set(df, factor)); };
  for (int64_t row = range.begin; row < range.end; row += width) {
    const auto some = static_cast<size_t>(std::min(width, range.end - row));
    const int64_t* HWY_RESTRICT begins = matrix.indptr.data() + row;
    const auto cells = hn::DemoteTo(df, hn::ConvertTo(d, hn::Sub(hn::LoadN(di, begins + 1, some), hn::LoadN(di, begins, some))));
    const auto length = times(hn::Sqrt(hn::DemoteTo(df, hn::LoadN(d, squares + row, some))), 1 + 0x1p-20F);
    const auto missed = hn::LoadN(df, filter.errors + row, some);
    const auto exact = times(hn::Mul(length, hn::Add(cells, hn::Set(df, 8.0F))), filter.radius * 0x1p-22F);
    const auto shorts = times(hn::Mul(hn::Sqrt(cells), hn::Add(length, missed)), filter.unit * 0x1.08p-1F);
    const auto codes = times(missed, filter.radius);
    const auto rest = hn::Set(df, filter.largest_norm * 0x1p-21F + 0x1p-100F);
    hn::StoreN(hn::Add(hn::Add(exact, shorts), hn::Add(codes, rest)), df, errors + (row - range.begin), some);
  }
}

// Products, decisions and what these leave open are apart: the processor looks ahead over rows, as none waits for what
// another's scores say. At most kSparseBatchRows rows.
void LabelRowsImpl(const SparseFilter& filter, const CsrView& matrix, const float* factors, const double* squares, RowRange range,
                   const SparseScratch& scratch, int32_t* labels, int64_t* counts) {
  const auto cells_of = [&](int64_t row) {
    const int64_t begin = matrix.indptr[static_cast<size_t>(row)];
    const int64_t count = matrix.degree(row);
    const int64_t left = matrix.nnz() - begin - count;
    return SparseCells{matrix.indices.data() + begin, matrix.values.data() + begin, count, std::min(kSparseCellsAhead, left)};
  };
  const auto products_of = [&](int64_t row) { return scratch.products + (row - range.begin) * filter.lanes; };
  for (int64_t row = range.begin; row < range.end; ++row) {
    const SparseCells cells = cells_of(row);
    const int16_t* codes = filter.codes + matrix.indptr[static_cast<size_t>(row)];
    ShortProducts({cells.indices, codes, cells.count, cells.ahead}, filter.shorts, filter.lanes, products_of(row));
  }
  HWY_ALIGN std::array<float, kSparseBatchRows> errors;
  ErrorsOf(filter, matrix, squares, range, errors.data());
  std::array<int64_t, kSparseBatchRows> open;
  std::array<float, kSparseBatchRows> least;
  int64_t num_open = 0;
  for (int64_t row = range.begin; row < range.end; ++row) {
    labels[row] = -1;
    if (matrix.degree(row) == 0) continue;
    const float off = errors[static_cast<size_t>(row - range.begin)];
    const SparseCandidates found = Candidates(filter, filter.steps[row], off, products_of(row));
    labels[row] = found.nearest;
    open[static_cast<size_t>(num_open)] = row;
    least[static_cast<size_t>(num_open)] = off < kSparseLargestError ? found.least : std::numeric_limits<float>::quiet_NaN();
    num_open += static_cast<int64_t>(found.count != 1 || !(off < kSparseLargestError));
  }
  for (int64_t i = 0; i < num_open; ++i) {
    const int64_t row = open[static_cast<size_t>(i)];
    Scores(filter, filter.steps[row], products_of(row));
    labels[row] =
        static_cast<int32_t>(Exact(filter, cells_of(row), factors[row], products_of(row), least[static_cast<size_t>(i)], scratch.exact));
  }
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (labels[row] >= 0) ++counts[labels[row]];
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(LabelRowsImpl);

Status SparseKmeansLabels(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                          std::span<const float> centroids, std::span<const double> norms, const SparseKmeansCodes& codes,
                          std::span<const int16_t> shorts, double scale, RowRange range, CancelFlag cancel, std::span<int32_t> labels,
                          std::span<int64_t> counts) {
  COUPONCAST_RETURN_IF_ERROR(CheckSparseAssign(matrix, factors, squares, centroids, norms, range, labels, counts));
  SparseFilter filter;
  filter.k = static_cast<int64_t>(norms.size());
  filter.lanes = SparseKmeansLanes(filter.k);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shorts", shorts.size(), matrix.cols * filter.lanes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("codes", codes.codes.size(), matrix.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("steps", codes.steps.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("errors", codes.errors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckShortScale(scale));
  const auto lanes = static_cast<size_t>(filter.lanes);
  hwy::AlignedVector<float> half_norms(lanes, std::numeric_limits<float>::infinity());
  double largest_norm = 0;
  for (size_t c = 0; c < norms.size(); ++c) {
    half_norms[c] = static_cast<float>(norms[c] / 2);
    largest_norm = std::max(largest_norm, norms[c]);
  }
  filter.codes = codes.codes.data();
  filter.steps = codes.steps.data();
  filter.errors = codes.errors.data();
  filter.shorts = shorts.data();
  filter.centroids = centroids.data();
  filter.norms = norms.data();
  filter.half_norms = half_norms.data();
  filter.unit = static_cast<float>(1 / scale);
  filter.largest_norm = static_cast<float>(largest_norm);
  filter.radius = static_cast<float>(std::sqrt(largest_norm)) * (1 + 0x1p-20F);

  hwy::AlignedVector<float> products(lanes * kSparseBatchRows);
  hwy::AlignedVector<float> exact(lanes);
  const SparseScratch scratch{products.data(), exact.data()};
  std::ranges::fill(counts, 0);
  const auto label_rows = HWY_DYNAMIC_POINTER(LabelRowsImpl);
  return ForEachSparsePoll(matrix, filter.lanes, range, cancel, [&](RowRange rows) {
    for (int64_t begin = rows.begin; begin < rows.end; begin += kSparseBatchRows) {
      label_rows(filter, matrix, factors.data(), squares.data(), {begin, std::min(begin + kSparseBatchRows, rows.end)}, scratch,
                 labels.data(), counts.data());
    }
  });
}

}  // namespace couponcast
#endif  // HWY_ONCE
