// Matrix factorisation for implicit feedback (alternating least squares), as kernels over row ranges; src/score/als.ts
// drives them.
#ifndef COUPONCAST_ALS_H_
#define COUPONCAST_ALS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

// The largest number of factors: a row's system is factors x factors.
inline constexpr int64_t kMaxFactors = 512;

enum class AlsSolver : int32_t { kConjugateGradient = 0, kCholesky = 1 };

struct AlsParams {
  int64_t factors = 64;          // in [1, kMaxFactors]
  double regularisation = 0.01;  // >= 0
  double alpha = 1;              // >= 0
  AlsSolver solver = AlsSolver::kConjugateGradient;
  int64_t steps = 2;  // of conjugate gradient, >= 1
};

// Sets `factors` to numbers in [-scale, scale) that depend on the seed and their position alone: element i is that of
// position begin + i. Source: SplitMix64.
void AlsStart(uint64_t seed, int64_t begin, float scale, std::span<float> factors);

// gram [factors * factors] out: the sum of y y' over the rows y of `range`, in float64 over blocks of 256 rows, which are
// summed in float32. Shards that begin at multiples of 256 and are added in their order give the same bits for any number of
// threads. rows [n * factors], finite. Cost: factors^2 / 2 multiply-adds a row. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status AlsGram(std::span<const float> rows, int64_t factors, RowRange range, CancelFlag cancel, std::span<double> gram);

// The basis in which the rows' systems are near the identity: L and its inverse with gram + regularisation = L L', where the
// Gram is that of the columns. With z = L^-1 y and w = L'x the loss of a row is that of w and z with |w|^2 in place of the
// columns without cells and of the regularisation; so no system needs the Gram again, and a step or two of conjugate gradient
// come as near as three or four do without.
//
// gram     [factors * factors] of AlsGram
// root     [factors * factors] out: L, the lower triangle by rows, 0 above
// inverse  [factors * factors] out: L^-1 likewise; both are 0 in the rows of directions in which gram + regularisation has no
//          length but rounding, so that nothing ever has a part in them
// In float64, rounded to float32. Cost: factors^3 / 2 multiply-adds. Errors: kInvalidArgument (also a gram that is not finite).
Status AlsBasis(std::span<const double> gram, const AlsParams& params, std::span<float> root, std::span<float> inverse);

// turned[range.size() * factors] out: L^-1 y for each row y of `range`. rows [n * factors], inverse of AlsBasis.
// Cost: factors^2 multiply-adds a row. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status AlsTurn(std::span<const float> rows, int64_t factors, std::span<const float> inverse, RowRange range, CancelFlag cancel,
               std::span<float> turned);

// For each row u of `range` the x that minimises
//   sum_i c_ui (p_ui - x . y_i)^2 + regularisation |x|^2
// over all columns i, with p_ui = 1 where r_ui > 0 and else 0, and c_ui = 1 + alpha |r_ui|: exactly, by Cholesky, or nearer to
// it by `steps` of conjugate gradient from where x is.
//
// cells          rows to solve for, valid
// turned         [cells.cols * factors] L^-1 y of AlsTurn, finite
// root, inverse  [factors * factors] of AlsBasis
// solved         [range.size() * factors] x, in and out; a row without cells gets 0
//
// In float32; sums in blocks of 64 cells in their order. Cost a row of d cells in multiply-adds: conjugate gradient
// (2 steps + 1) d factors + 2 factors^2, Cholesky (d + factors / 3) factors^2 / 2. Memory: up to 4 MiB, 12 factors^2 bytes and
// 12 bytes a cell of the longest row. Errors: kInvalidArgument, kOutOfRange, kCancelled.
// Source: Hu, Koren, Volinsky 2008; Takacs, Pilaszy, Tikk 2011 (conjugate gradient).
Status AlsSolve(const CsrView& cells, std::span<const float> turned, std::span<const float> root, std::span<const float> inverse,
                const AlsParams& params, RowRange range, CancelFlag cancel, std::span<float> solved);

// work[range.size()] out: about what AlsSolve spends on each row, in cells. Errors: kInvalidArgument, kOutOfRange.
Status AlsWork(const CsrView& cells, RowRange range, std::span<double> work);

// *sum = sum over the cells of `range` of c (p - s)^2 - s^2 with s = x . y, in float64 in their order. With the Grams of both
// sides the whole loss is that + <G_x, G_y> + regularisation (trace G_x + trace G_y).
// rows [cells.rows * factors], others [cells.cols * factors]. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status AlsLoss(const CsrView& cells, std::span<const float> rows, std::span<const float> others, const AlsParams& params, RowRange range,
               CancelFlag cancel, double* sum);

}  // namespace couponcast

#endif  // COUPONCAST_ALS_H_
