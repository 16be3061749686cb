// The dense part of a sparse product: rows of the terms that many documents hold, in 16 bits, added where a query has the term.
#ifndef COUPONCAST_SIMILARITY_HEAD_TILE_H_
#define COUPONCAST_SIMILARITY_HEAD_TILE_H_

#include <cstdint>

namespace couponcast {

inline constexpr int64_t kTileQueries = 16;  // documents that one pass over a tile serves
inline constexpr int64_t kTileStep = 128;    // columns that are added together, of all rows: these fit the first-level cache

inline constexpr int64_t kCollectSpare = 32;  // places behind what CollectAtLeast finds that it may write to

struct HeadTerm {
  uint32_t slot;  // row of the tile
  uint16_t level;
};

// A tile of `rows` rows.
struct HeadTile {
  const uint16_t* levels;  // [columns / kTileStep][rows][kTileStep]
  int64_t rows;
  int64_t columns;  // a multiple of kTileStep
};

// sums[q * stride + c] = sum_i floor(terms[i].level * level(terms[i].slot, c) / 65536) over the i of [begin[q], begin[q + 1]), for
// the q below `queries` and all c. The sums must stay below 65536.
void AddHeadRows(const HeadTerm* terms, const int64_t* begin, int64_t queries, const HeadTile& tile, int64_t stride, uint16_t* sums);

// Writes the places c of [0, count) with sums[c] >= min(limit, column_limits[c]), ascending, and these sums; returns how many.
// `count` is a multiple of kTileStep, at most 65536; both outputs have room for all and kCollectSpare more.
int64_t CollectAtLeast(const uint16_t* sums, const uint16_t* column_limits, int64_t count, uint16_t limit, uint16_t* columns,
                       uint16_t* found_sums);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_HEAD_TILE_H_
