// Scored places as numbers that vectors can sort: the better one is the larger. Scores are above 0.
#ifndef COUPONCAST_BASE_BEST_KEYS_H_
#define COUPONCAST_BASE_BEST_KEYS_H_

#include <bit>
#include <cstdint>
#include <span>

#include "couponcast/scored_index.h"

namespace couponcast {

inline uint64_t BestKey(float score, int32_t index) {
  return uint64_t{std::bit_cast<uint32_t>(score)} << 32U | static_cast<uint32_t>(~index);
}
inline float ScoreOfKey(uint64_t key) { return std::bit_cast<float>(static_cast<uint32_t>(key >> 32U)); }
inline int32_t IndexOfKey(uint64_t key) { return ~static_cast<int32_t>(key & 0xFFFF'FFFFU); }

// Best first.
void SortKeys(std::span<uint64_t> keys);

// The k best to the front, the k-th of them at k - 1; k is from 1 to the number of keys.
void SelectKeys(std::span<uint64_t> keys, int64_t k);

// The k-th largest of numbers that are not below 0, which are moved about; k is from 1 to how many there are.
float KthLargest(std::span<float> scores, int64_t k);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_BEST_KEYS_H_
