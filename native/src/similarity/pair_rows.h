// SIMD kernels of AddPairs: sums over rows of the head.
#ifndef COUPONCAST_SIMILARITY_PAIR_ROWS_H_
#define COUPONCAST_SIMILARITY_PAIR_ROWS_H_

#include <cstdint>

#include "couponcast/all_pairs.h"

namespace couponcast {

// Cells of a document that are added together.
template <typename Weight>
struct PairRowCells {
  const int32_t* first_row;
  const int32_t* depth;
  const Weight* weight;
  int64_t count;
};

// sums[l * row_ranks + r] += weight[i] * rows[first_row[i] + l][r] for the i in ascending order and the l below depth[i].
// Of float32 all cells have the same depth. Of whole weights `largest` is the largest on both sides; what is added must fit into
// 16 bits; bytes [kPairRowBytes] are zeros, before and behind.
void AddPairRows(const float* rows, const PairRowCells<float>& cells, float* sums);
void AddPairRows(const uint8_t* rows, const PairRowCells<uint8_t>& cells, int32_t largest, uint8_t* bytes, uint16_t* sums);
inline constexpr int64_t kPairRowBytes = kMaxPairDepth * 256;

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_ROWS_H_
