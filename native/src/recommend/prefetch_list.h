#ifndef COUPONCAST_RECOMMEND_PREFETCH_LIST_H_
#define COUPONCAST_RECOMMEND_PREFETCH_LIST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace couponcast {

inline constexpr size_t kListsAhead = 8;  // so many lists before its turn a list is fetched

// Fetches what is held of an item in arrays of k entries an item: all lines of a short list, of a long one the first, behind
// which the processor sees for itself where reading goes.
inline void PrefetchList(const int32_t* indices, const float* scores, size_t k, int32_t item) {
  constexpr size_t kLineEntries = 16;
  constexpr size_t kMost = 4 * kLineEntries;
  const size_t at = static_cast<size_t>(item) * k;
  const size_t last = at + std::min(k, kMost) - 1;
  for (size_t j = at; j < last; j += kLineEntries) {
    __builtin_prefetch(indices + j);
    __builtin_prefetch(scores + j);
  }
  __builtin_prefetch(indices + last);
  __builtin_prefetch(scores + last);
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_PREFETCH_LIST_H_
