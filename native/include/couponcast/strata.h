// Who buys anyway, who uses a coupon, whom it persuades: the likelihood of a log of coupons, its gradient and its
// curvature, of a range of rows. With one logit instead of three it is logistic regression.
#ifndef COUPONCAST_STRATA_H_
#define COUPONCAST_STRATA_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Rows of a block of `DesignRows::dense`; ranges of rows begin at multiples of it.
inline constexpr int64_t kDesignBlockRows = 64;

// Rows of features: dense columns first, then columns of which each row has a fixed number, one a slot. The intercept is
// an implied last column of ones, so a coefficient vector has cols + 1 elements.
struct DesignRows {
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t dense_cols = 0;            // of cols, the first
  std::span<const float> dense;      // [ceil(rows / 64), dense_cols, 64] finite; whatever is finite beyond the last row
  std::span<const int32_t> indices;  // [rows, slots] strictly ascending within a row, in [dense_cols, cols)
  std::span<const float> values;     // [slots] finite: what a slot's column counts
};

// What the log says of a row.
enum class Outcome : uint8_t {
  kControlIdle = 0,    // had no coupon, did not buy
  kControlBought = 1,  // had no coupon, bought
  kIdle = 2,           // had the coupon, did not buy
  kBought = 3,         // had the coupon, bought without it
  kRedeemed = 4,       // had the coupon, bought with it
};

// One shard of the negative log-likelihood of the outcomes. With a, u, s the sigmoids of the three logits
// X beta + intercept, the control group buys with a; the others redeem with a u + (1 - a) s and buy otherwise with a (1 - u).
//   outcomes [rows] uint8; with one logit of kControlIdle and kControlBought alone
//   beta [logits, cols + 1] float64, logits 1 or 3; gradient [logits, cols + 1] out
//   information [logits (logits + 1) / 2, (cols + 1) (cols + 2) / 2] out, or empty: not wanted. The expected Hessian given the
//     features and who had a coupon (positive semidefinite), in lower triangles of rows: block (p, q <= p) at p (p + 1) / 2 + q
// Sums in float64, rows of the same remainder by 8 first where columns are dense, then the remainders; same bits on every
// target. Cost: nnz * logits; with information the sum of nnz(row)^2 / 2 times its blocks. Memory: 8 gradients; 8 times the
// information of the dense columns. Errors: kInvalidArgument (which row; finite numbers), kOutOfRange, kCancelled.
// Source: Frangakis & Rubin 2002; Osborne 1992 (Fisher scoring).
Status StrataPartial(const DesignRows& x, std::span<const uint8_t> outcomes, std::span<const double> beta, RowRange range,
                     CancelFlag cancel, double* loss, std::span<double> gradient, std::span<double> information);

// scores [range.size(), logits] out: the logits of each row. Cost: nnz * logits. Errors: as above.
Status StrataScores(const DesignRows& x, std::span<const double> beta, RowRange range, CancelFlag cancel, std::span<double> scores);

}  // namespace couponcast

#endif  // COUPONCAST_STRATA_H_
