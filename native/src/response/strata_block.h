// The work on one block of 64 rows of a design, by SIMD target; strata.cc goes through the blocks. The likelihood of what
// was seen is in strata_likelihood.cc, the sums over features in strata_block.cc.
#ifndef COUPONCAST_RESPONSE_STRATA_BLOCK_H_
#define COUPONCAST_RESPONSE_STRATA_BLOCK_H_

#include <hwy/aligned_allocator.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "couponcast/strata.h"

namespace couponcast {

inline constexpr size_t kBlock = kDesignBlockRows;
inline constexpr size_t kSumLanes = 8;  // row r of a block adds to lane r % 8
inline constexpr size_t kMaxLogits = 3;
inline constexpr size_t kMaxPairs = kMaxLogits * (kMaxLogits + 1) / 2;

inline size_t Triangle(size_t n) { return n * (n + 1) / 2; }

struct DesignShape {
  size_t cols;
  size_t dense;
  size_t slots;
  size_t dims() const { return cols + 1; }
  // The dense columns and the intercept's.
  size_t padded() const { return dense + 1; }
};

// A block of a design; rows beyond `count` are not its own.
struct DesignBlock {
  const float* dense;        // [dense, 64]
  const int32_t* indices;    // [count, slots]
  const float* slot_values;  // [slots]
  size_t count;
};

using BlockColumn = std::array<double, kBlock>;

struct alignas(64) BlockRows {
  std::array<BlockColumn, kMaxLogits> logits;
  std::array<BlockColumn, kMaxLogits> residuals;  // of the loss, by the logits
  std::array<BlockColumn, kMaxPairs> weights;     // expected second derivatives by two logits, block (p, q <= p) at p (p + 1) / 2 + q
  std::array<double, kSumLanes> loss;
};

// Sums over blocks of a gradient.
struct GradientSums {
  GradientSums(const DesignShape& shape, size_t logits);
  hwy::AlignedVector<double> dense;  // [logits, dense + 1, 8], the intercept's last
  hwy::AlignedVector<double> slots;  // [logits, cols - dense]
};

// Sums over blocks of X' diag(weights) X for each pair of logits.
struct InformationSums {
  InformationSums(const DesignShape& shape, size_t pairs);
  hwy::AlignedVector<double> dense;  // [lower triangle of dense + 1, pairs, 8]
  hwy::AlignedVector<double> mixed;  // [cols - dense, pairs, dense + 1]
  hwy::AlignedVector<double> slots;  // [lower triangle of cols - dense, pairs]
};

// Fills `logits`; beta is [logits, cols + 1].
void BlockLogits(const DesignShape& shape, const DesignBlock& block, const double* beta, size_t logits, BlockRows* rows);
// From the logits: adds to `loss`, fills `residuals` and, if asked to, `weights`; zeros beyond `count`.
void BlockLikelihood(const uint8_t* outcomes, size_t count, size_t logits, bool wants_weights, BlockRows* rows);
void AddGradient(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t logits, GradientSums* sums);
void AddInformation(const DesignShape& shape, const DesignBlock& block, const BlockRows& rows, size_t pairs, InformationSums* sums);

}  // namespace couponcast

#endif  // COUPONCAST_RESPONSE_STRATA_BLOCK_H_
