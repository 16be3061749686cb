#ifndef COUPONCAST_BASE_WRITE_NEIGHBOURS_H_
#define COUPONCAST_BASE_WRITE_NEIGHBOURS_H_

#include <cstdint>
#include <span>

#include "couponcast/scored_index.h"

namespace couponcast {

// Writes the answer of one row: its places, best first, then -1 and 0.
inline void WriteNeighbours(std::span<const ScoredIndex> sorted, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
  for (size_t j = 0; j < indices.size(); ++j) {
    indices[j] = j < sorted.size() ? sorted[j].index : -1;
    scores[j] = j < sorted.size() ? sorted[j].score : 0.0F;
  }
  *count = static_cast<int32_t>(sorted.size());
}

}  // namespace couponcast

#endif  // COUPONCAST_BASE_WRITE_NEIGHBOURS_H_
