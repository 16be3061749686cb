// The two kinds of weights that pairs are added from: small whole numbers and all others.
#ifndef COUPONCAST_SIMILARITY_PAIR_KINDS_H_
#define COUPONCAST_SIMILARITY_PAIR_KINDS_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "couponcast/all_pairs.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/pair_rows.h"
#include "similarity/pair_score.h"

namespace couponcast {

// A few bits each; their sums are exact whatever their order.
struct WholePairs {
  using Weight = uint8_t;
  using Sum = uint16_t;
  static constexpr int64_t kWords = 1;

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
  static void AddRows(std::span<float> head, const PairRowCells<Weight>& cells, int32_t largest, uint8_t* bytes, Sum* sums) {
    AddPairRows(reinterpret_cast<const uint8_t*>(head.data()), cells, largest, bytes, sums);
  }
  static void Put(uint32_t* cell, int64_t rank, Weight weight) { *cell = static_cast<uint32_t>(rank) << 8U | weight; }
  static uint32_t Rank(const uint32_t* cell) { return *cell >> 8U; }
  static Sum Product(const uint32_t* cell, Weight weight) { return static_cast<Sum>((*cell & 0xFFU) * weight); }
};

// float32, summed in ascending order of the term.
struct RealPairs {
  using Weight = float;
  using Sum = float;
  static constexpr int64_t kWords = 2;

  static size_t MostCells(int32_t /*largest*/) { return std::numeric_limits<size_t>::max(); }

  static bool Applies(float weight, int32_t /*largest*/) { return std::fabs(weight) <= kLargestWeight; }
  static void PutRow(std::span<float> head, int64_t row, int64_t rank, Weight weight, int32_t /*largest*/) {
    head[static_cast<size_t>(row * PairLayoutOf(0).row_ranks + rank)] = weight;
  }
  static void AddRows(std::span<float> head, const PairRowCells<Weight>& cells, int32_t /*largest*/, uint8_t* /*bytes*/, Sum* sums) {
    AddPairRows(head.data(), cells, sums);
  }
  static void Put(uint32_t* cell, int64_t rank, Weight weight) {
    cell[0] = static_cast<uint32_t>(rank);
    cell[1] = std::bit_cast<uint32_t>(weight);
  }
  static uint32_t Rank(const uint32_t* cell) { return cell[0]; }
  static Sum Product(const uint32_t* cell, Weight weight) { return weight * std::bit_cast<float>(cell[1]); }
};

// Calls function.operator()<weighting, kind>(). Whole weights are cosine's alone.
template <typename Function>
auto DispatchPairs(Weighting weighting, bool whole, Function&& function) {
  if (whole) return function.template operator()<Weighting::kCosine, WholePairs>();
  return DispatchWeighting(weighting, [&]<Weighting kWeighting>() { return function.template operator()<kWeighting, RealPairs>(); });
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_KINDS_H_
