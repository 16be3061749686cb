// What the kernels over neighbour lists share.
#ifndef COUPONCAST_RECOMMEND_NEIGHBOUR_BATCH_H_
#define COUPONCAST_RECOMMEND_NEIGHBOUR_BATCH_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "couponcast/recommend.h"

namespace couponcast {

// Users whose neighbours are found in one go: many, unless k is so large that their lists would fill the memory.
inline int64_t UsersPerBatch(int64_t k) { return std::clamp<int64_t>((int64_t{1} << 22) / k, 1, 256); }

// Whether the arrays have the lengths that rows and k announce. O(1).
inline bool HasListShape(const NeighbourLists& lists) {
  return lists.rows >= 0 && lists.k >= 1 && lists.k <= std::numeric_limits<int32_t>::max() &&
         static_cast<int64_t>(lists.counts.size()) == lists.rows && static_cast<int64_t>(lists.indices.size()) == lists.rows * lists.k &&
         lists.scores.size() == lists.indices.size();
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_NEIGHBOUR_BATCH_H_
