#ifndef COUPONCAST_FACTOR_SCORE_TILE_H_
#define COUPONCAST_FACTOR_SCORE_TILE_H_

#include <cstdint>

namespace couponcast {

// Items of a tile, whose factors lie side by side: [factors][kTileItems].
inline constexpr int64_t kTileItems = 64;
// Queries that are scored at once: their sums stay in registers.
inline constexpr int64_t kTileQueries = 6;

// scores [kTileQueries * kTileItems] of `count` <= kTileQueries queries; each is the sum of its products in the order of the
// factors. Bit i of hits[q] says whether item i scores at least thresholds[q].
void ScoreTile(const float* const* queries, int64_t count, int64_t factors, const float* tile, const float* thresholds, float* scores,
               uint64_t* hits);

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_SCORE_TILE_H_
