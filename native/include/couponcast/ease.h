// EASE, a linear model of all pairs of items in closed form: with P = (X'X + regularisation)^-1 the weights are
// B_ij = -P_ij / P_jj and 0 where i = j. Kernels over ranges; src/score/ease.ts drives them.
//
// The inverse is found by sweeping the lower triangle block by block: for each block of kEaseBlock rows its pivot is inverted
// (EasePivot), the rows' columns of the block are multiplied with it (EasePanel), and the rest is updated (EaseUpdate). After all
// blocks the matrix is -P. The same n^3 flops as by Cholesky's factors, in one shape of product. All in float64.
#ifndef COUPONCAST_EASE_H_
#define COUPONCAST_EASE_H_

#include <cstdint>
#include <span>

#include "couponcast/affinity.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/status.h"

namespace couponcast {

inline constexpr int64_t kEaseTile = 24;
inline constexpr int64_t kEaseBlock = 15 * kEaseTile;

// Rows of the square that holds `items`: a multiple of kEaseTile.
constexpr int64_t EaseSize(int64_t items) { return (items + kEaseTile - 1) / kEaseTile * kEaseTile; }

// Blocks of it, of which the last may be smaller.
constexpr int64_t EaseBlocks(int64_t size) { return (size + kEaseBlock - 1) / kEaseBlock; }

// Memory that the steps share; sizes are of EaseSize(items) = n.
struct EaseState {
  std::span<double> square;   // [n * n] row-major, of which the lower triangle counts
  std::span<double> pivot;    // [kEaseBlock * kEaseBlock] inverse of the block's own square
  std::span<double> columns;  // [n * kEaseBlock] the block's columns
  std::span<double> solved;   // [n * kEaseBlock] the columns times the inverse
};

// Rows `range` of the square: X'X + regularisation for the items, 1 on the diagonal behind them. Sums in float64 in ascending
// order of the user. Errors: kInvalidArgument (sizes; regularisation not above 0), kOutOfRange, kCancelled.
Status EaseGram(const CsrView& users, const CsrView& items, double regularisation, RowRange range, CancelFlag cancel,
                std::span<double> square);

// The three steps for block `block`; each after the one before it is done for all rows. Ranges begin and end at multiples of kEaseTile.
// Results depend neither on ranges nor on the SIMD target. Errors: kInvalidArgument (sizes; a square that is not positive
// definite), kOutOfRange, kCancelled.
Status EasePivot(const EaseState& state, int64_t block);
Status EasePanel(const EaseState& state, int64_t block, RowRange range, CancelFlag cancel);
Status EaseUpdate(const EaseState& state, int64_t block, RowRange range, CancelFlag cancel);

// weights [range.size() * items] out: the rows `range` of B, from the swept square. Errors: kInvalidArgument, kOutOfRange.
Status EaseWeights(std::span<const double> square, int64_t items, RowRange range, std::span<float> weights);

// score(u, j) = sum_i r_ui B_ij for all items j, else as RecommendFromItems; `normalise` counts nothing.
// weights [items * items]. Cost: degree x items multiply-adds a user. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status RecommendFromDense(const CsrView& users, std::span<const float> weights, RowRange range, const RecommendOptions& options,
                          CancelFlag cancel, const RecommendOutput& output);

// weights of scopes [range.size() * AffinityColumns] out, as ScopeWeightsOfItems for rows of `dense` [items * items].
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status ScopeWeightsOfDense(std::span<const float> dense, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                           std::span<float> weights);

}  // namespace couponcast

#endif  // COUPONCAST_EASE_H_
