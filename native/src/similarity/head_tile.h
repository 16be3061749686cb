// The dense part of a sparse product: the terms that many documents hold, as bytes, multiplied four at a time.
#ifndef COUPONCAST_SIMILARITY_HEAD_TILE_H_
#define COUPONCAST_SIMILARITY_HEAD_TILE_H_

#include <cstdint>

namespace couponcast {

inline constexpr int64_t kTileQueries = 4;  // documents that one pass over a tile serves

// sums[q * columns + c] = query_step[q] * column_step[c] * sum_h queries[q * terms + h] * tile[h / 4][c][h % 4]
// for kTileQueries documents q and all c. `terms` is a multiple of 4, `columns` of 64, both pointers to bytes are
// 64-byte aligned. The sum runs in int32, exact for up to 65,000 terms.
void MultiplyHeadTile(const int8_t* queries, const float* query_step, const uint8_t* tile, const float* column_step, int64_t terms,
                      int64_t columns, float* sums);

// The same for weights that bytes would round too much: sum_h queries[q * terms + h] * tile[h / 2][c][h % 2], all numbers at
// most kMaxWideLevel, so that the sum of up to 64 terms fits int32.
inline constexpr int kMaxWideLevel = 5000;
void MultiplyWideHeadTile(const int16_t* queries, const float* query_step, const int16_t* tile, const float* column_step, int64_t terms,
                          int64_t columns, float* sums);

// Writes the places c of [0, count) with sums[c] * scale[c] >= threshold (in ascending order, counted from `first`) and
// these products; returns how many. `count` is a multiple of 64. `indices` and `scores` have room for all.
int64_t CollectAbove(const float* sums, const float* scale, int64_t count, float threshold, int32_t first, int32_t* indices, float* scores);

// As CollectAbove, counted from 0, and also those whose product times row_scale reaches column_thresholds[c].
int64_t CollectPairsAbove(const float* sums, const float* scale, const float* column_thresholds, int64_t count, float row_scale,
                          float threshold, int32_t* columns, float* products);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_HEAD_TILE_H_
