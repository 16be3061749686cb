// The two kinds of weights that pairs are added from: small whole numbers and all others.
#ifndef COUPONCAST_SIMILARITY_PAIR_KINDS_H_
#define COUPONCAST_SIMILARITY_PAIR_KINDS_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "couponcast/all_pairs.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/pair_score.h"

namespace couponcast {

template <typename T>
T LoadAt(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}
template <typename T>
void StoreAt(uint8_t* bytes, T value) {
  std::memcpy(bytes, &value, sizeof(T));
}

// A few bits each; their sums are exact whatever their order.
struct WholePairs {
  using Weight = uint8_t;
  using Sum = uint16_t;
  static constexpr bool kHasHead = true;
  static constexpr int64_t kBytes = 4;
  static constexpr size_t kListsAhead = 16;  // that are fetched early

  // Cells of a document whose sums fit.
  static size_t MostCells(int32_t largest) { return std::numeric_limits<Sum>::max() / static_cast<size_t>(largest * largest); }

  static bool Applies(float weight, int32_t largest) {
    return weight >= 0 && weight <= static_cast<float>(largest) && weight == std::floor(weight);
  }
  // Into zeros.
  static void PutRow(std::span<float> head, int64_t row, int64_t rank, Weight weight, int32_t largest) {
    auto* bytes = reinterpret_cast<uint8_t*>(head.data());
    const int64_t shift = rank / 64 * (largest <= 3 ? 2 : 4);
    bytes[row * 64 + rank % 64] |= static_cast<uint8_t>(weight << shift);
  }
  static void Put(uint8_t* cell, int64_t rank, Weight weight) { StoreAt(cell, static_cast<uint32_t>(rank) << 8U | weight); }
  static uint32_t Rank(const uint8_t* cell, uint32_t /*before*/) { return LoadAt<uint32_t>(cell) >> 8U; }
  static Sum Product(const uint8_t* cell, Weight weight) { return static_cast<Sum>((LoadAt<uint32_t>(cell) & 0xFFU) * weight); }
};

// float32, summed in ascending order of the term.
struct RealPairs {
  using Weight = float;
  using Sum = float;
  static constexpr bool kHasHead = false;
  static constexpr int64_t kBytes = 6;
  static constexpr size_t kListsAhead = 8;  // longer ones than those of whole weights

  static size_t MostCells(int32_t /*largest*/) { return std::numeric_limits<size_t>::max(); }

  static bool Applies(float weight, int32_t /*largest*/) { return std::fabs(weight) <= kLargestWeight; }
  static void Put(uint8_t* cell, int64_t step, Weight weight) {
    StoreAt(cell, static_cast<uint16_t>(step));
    StoreAt(cell + 2, weight);
  }
  // Of the cell behind the one of the rank `before`; of the first, behind 0.
  static uint32_t Rank(const uint8_t* cell, uint32_t before) { return before + LoadAt<uint16_t>(cell); }
  static Sum Product(const uint8_t* cell, Weight weight) { return weight * LoadAt<float>(cell + 2); }
};

// Calls function.operator()<weighting, kind>(). Whole weights are cosine's alone.
template <typename Function>
auto DispatchPairs(Weighting weighting, const PairLists& lists, Function&& function) {
  if (lists.largest > 0) return function.template operator()<Weighting::kCosine, WholePairs>();
  return DispatchWeighting(weighting, [&]<Weighting kWeighting>() { return function.template operator()<kWeighting, RealPairs>(); });
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_KINDS_H_
