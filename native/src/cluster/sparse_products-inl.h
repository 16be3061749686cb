// <sparse row, dense centroid> as every kernel of sparse K-means computes it, so that ways to a label cannot disagree: in
// float32 in the order of the cells, one sum per centroid, multiply then add: the same bits on every target.
#if defined(COUPONCAST_CLUSTER_SPARSE_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUPONCAST_CLUSTER_SPARSE_PRODUCTS_INL_H_
#undef COUPONCAST_CLUSTER_SPARSE_PRODUCTS_INL_H_
#else
#define COUPONCAST_CLUSTER_SPARSE_PRODUCTS_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Cells whose centroids are fetched into the cache beforehand, also those of later rows.
inline constexpr int64_t kSparseCellsAhead = 24;

// Cells of a row, and how many further cells follow them.
struct SparseCells {
  const int32_t* indices;
  const float* values;
  int64_t count;
  int64_t ahead;
};

// products[c] = <factor row, centroid c>: four vectors of centroids stay in registers while the cells pass.
HWY_INLINE void RowProducts(const SparseCells& cells, float factor, const float* HWY_RESTRICT centroids, int64_t lanes,
                            float* HWY_RESTRICT products) {
  const hn::CappedTag<float, 16> d;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  constexpr int64_t kLine = 64 / sizeof(float);
  const auto add = [&](hn::Vec<decltype(d)> sum, hn::Vec<decltype(d)> value, const float* HWY_RESTRICT from)
                       HWY_ATTR { return hn::Add(sum, hn::Mul(value, hn::LoadU(d, from))); };
  int64_t c = 0;
  for (; c + 4 * width <= lanes; c += 4 * width) {
    auto s0 = hn::Zero(d);
    auto s1 = s0;
    auto s2 = s0;
    auto s3 = s0;
    for (int64_t cell = 0; cell < cells.count; ++cell) {
      const float* HWY_RESTRICT later = centroids + cells.indices[cell + cells.ahead] * lanes + c;
      for (int64_t line = 0; line < 4 * width; line += kLine) hwy::Prefetch(later + line);
      const float* HWY_RESTRICT row = centroids + cells.indices[cell] * lanes + c;
      const auto value = hn::Set(d, factor * cells.values[cell]);
      s0 = add(s0, value, row);
      s1 = add(s1, value, row + width);
      s2 = add(s2, value, row + 2 * width);
      s3 = add(s3, value, row + 3 * width);
    }
    hn::StoreU(s0, d, products + c);
    hn::StoreU(s1, d, products + c + width);
    hn::StoreU(s2, d, products + c + 2 * width);
    hn::StoreU(s3, d, products + c + 3 * width);
  }
  for (; c < lanes; c += width) {
    auto sum = hn::Zero(d);
    for (int64_t cell = 0; cell < cells.count; ++cell)
      sum = add(sum, hn::Set(d, factor * cells.values[cell]), centroids + cells.indices[cell] * lanes + c);
    hn::StoreU(sum, d, products + c);
  }
}

// The products of sixteen centroids only, from `first` on.
HWY_INLINE void GroupProducts(const SparseCells& cells, float factor, const float* HWY_RESTRICT centroids, int64_t lanes, int64_t first,
                              float* HWY_RESTRICT products) {
  const hn::CappedTag<float, 16> d;
  const auto width = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t c = first; c < first + 16; c += width) {
    auto sum = hn::Zero(d);
    for (int64_t cell = 0; cell < cells.count; ++cell) {
      const auto value = hn::Set(d, factor * cells.values[cell]);
      sum = hn::Add(sum, hn::Mul(value, hn::LoadU(d, centroids + cells.indices[cell] * lanes + c)));
    }
    hn::StoreU(sum, d, products + c);
  }
}

}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // COUPONCAST_CLUSTER_SPARSE_PRODUCTS_INL_H_
