#include "base/best_keys.h"

#include <algorithm>
#include <functional>

#define VQSORT_ONLY_STATIC 1
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/base/best_keys.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/contrib/sort/vqsort-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

void Sort(uint64_t* keys, size_t count) {
#if VQSORT_ENABLED
  hwy::HWY_NAMESPACE::VQSortStatic(keys, count, hwy::SortDescending());
#else
  std::sort(keys, keys + count, std::greater());
#endif
}

template <typename Key>
void Select(Key* keys, size_t count, size_t kth) {
#if VQSORT_ENABLED
  hwy::HWY_NAMESPACE::VQSelectStatic(keys, count, kth, hwy::SortDescending());
#else
  std::nth_element(keys, keys + kth, keys + count, std::greater());
#endif
}

void SelectLong(uint64_t* keys, size_t count, size_t kth) { Select(keys, count, kth); }

void SelectFloats(float* scores, size_t count, size_t kth) { Select(scores, count, kth); }

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(SelectFloats);
HWY_EXPORT(SelectLong);
HWY_EXPORT(Sort);

void SortKeys(std::span<uint64_t> keys) { HWY_DYNAMIC_DISPATCH(Sort)(keys.data(), keys.size()); }

void SelectKeys(std::span<uint64_t> keys, int64_t k) {
  HWY_DYNAMIC_DISPATCH(SelectLong)(keys.data(), keys.size(), static_cast<size_t>(k - 1));
}

float KthLargest(std::span<float> scores, int64_t k) {
  const auto kth = static_cast<size_t>(k - 1);
  HWY_DYNAMIC_DISPATCH(SelectFloats)(scores.data(), scores.size(), kth);
  return scores[kth];
}

}  // namespace couponcast
#endif  // HWY_ONCE
