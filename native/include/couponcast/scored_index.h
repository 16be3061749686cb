#ifndef COUPONCAST_SCORED_INDEX_H_
#define COUPONCAST_SCORED_INDEX_H_

#include <cstdint>

namespace couponcast {

// A row or column and its score.
struct ScoredIndex {
  float score;
  int32_t index;
};

// The order of every answer: higher score first, of equal scores the smaller index. An object, so that sorts inline it.
inline constexpr auto kBetter = [](const ScoredIndex& a, const ScoredIndex& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
};

}  // namespace couponcast

#endif  // COUPONCAST_SCORED_INDEX_H_
