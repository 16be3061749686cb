// SIMD kernels of AddPairs and SumPairSquare: sums over rows of weights.
#ifndef COUPONCAST_SIMILARITY_PAIR_ROWS_H_
#define COUPONCAST_SIMILARITY_PAIR_ROWS_H_

#include <cstdint>
#include <span>

#include "couponcast/all_pairs.h"

namespace couponcast {

// Cells of a document that are added together.
struct PairRowCells {
  const int32_t* first_row;
  const int32_t* depth;
  const uint8_t* weight;
  int64_t count;
};

// sums[l * row_ranks + r] += weight[i] * head[first_row[i] + l][r] for the i in ascending order and the l below depth[i]. `largest` is
// the largest weight on both sides; what is added must fit into 16 bits; bytes [kPairRowBytes] are zeros, before and behind.
void AddPairRows(std::span<const float> head, const PairRowCells& cells, int32_t largest, uint8_t* bytes, uint16_t* sums);
inline constexpr int64_t kPairRowBytes = kMaxPairDepth * 256;

// Cells of documents, one behind the other.
inline constexpr size_t kPairTileAhead = 8;
struct PairTileCells {
  const uint16_t* row;  // of the tile; kPairTileAhead rows of it behind the last are read
  const float* weight;
  const int64_t* begin;  // [documents + 1]
};

// For each document d below `documents`: sums[d * kPairTile + r] += weight[i] * tile[row[i]][r] for its cells i in ascending order, by
// float32; a row of the tile has kPairTile weights. With `first` the sums start from 0, whatever they hold.
void AddPairTile(const float* tile, const PairTileCells& cells, int64_t documents, bool first, float* sums);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_ROWS_H_
