#ifndef COUPONCAST_RECOMMEND_LIST_SHAPE_H_
#define COUPONCAST_RECOMMEND_LIST_SHAPE_H_

#include <cstdint>
#include <limits>

#include "couponcast/recommend.h"

namespace couponcast {

// Whether the arrays have the lengths that rows and k announce. O(1).
inline bool HasListShape(const NeighbourLists& lists) {
  return lists.rows >= 0 && lists.k >= 1 && lists.k <= std::numeric_limits<int32_t>::max() &&
         static_cast<int64_t>(lists.counts.size()) == lists.rows && static_cast<int64_t>(lists.indices.size()) == lists.rows * lists.k &&
         lists.scores.size() == lists.indices.size();
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_LIST_SHAPE_H_
