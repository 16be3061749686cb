// Generalised linear models on sparse rows: loss, gradient and Hessian of a range of rows, and the steps that need no rows.
#ifndef COUPONCAST_SPARSE_GLM_H_
#define COUPONCAST_SPARSE_GLM_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

enum class GlmFamily : uint8_t {
  kLogistic = 0,  // loss ln(1 + exp(z)) - y z, y in {0, 1}
  kGaussian = 1,  // loss (z - y)^2 / 2
};

// Rows as CSR; the intercept is an implied last column of ones, so a coefficient vector has cols + 1 elements.
struct SparseRows {
  int64_t cols = 0;
  std::span<const int64_t> indptr;   // [rows + 1], ascending from 0
  std::span<const int32_t> indices;  // [nnz], strictly ascending within a row, in [0, cols)
  std::span<const float> values;     // [nnz], finite
  int64_t rows() const { return static_cast<int64_t>(indptr.size()) - 1; }
};

// Checks what the other functions rely on, of the rows of `range`: the content of x, y finite and, for kLogistic, 0 or 1,
// weights finite and >= 0 (empty: all 1). Cost: nnz. Errors: kInvalidArgument (which row), kOutOfRange, kCancelled.
Status CheckGlmRows(const SparseRows& x, GlmFamily family, std::span<const float> y, std::span<const float> weights, RowRange range,
                    CancelFlag cancel);

// One shard of  sum_i w_i loss(z_i, y_i),  z = X beta + intercept, over checked rows.
//   y [rows] float32, weights [rows] float32 or empty, beta [cols + 1] float64
//   gradient [cols + 1] out; hessian [(cols + 1)^2] out (both triangles), or empty: not wanted
// Sums in float64 in row order. Cost: nnz; with a Hessian the sum of nnz(row)^2 / 2. Allocates nothing.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status GlmPartial(const SparseRows& x, GlmFamily family, std::span<const float> y, std::span<const float> weights,
                  std::span<const double> beta, RowRange range, CancelFlag cancel, double* loss, std::span<double> gradient,
                  std::span<double> hessian);

// scores [range.size()] out: z of each row. Cost: nnz. Errors: as above.
Status GlmScores(const SparseRows& x, std::span<const double> beta, RowRange range, CancelFlag cancel, std::span<double> scores);

// The step s that minimises  g's + s'Hs/2 + l1 |beta + s|_1,  the last coordinate without l1, by cyclic coordinate
// descent until no coordinate moves by more than `tolerance` of the largest step, or `max_sweeps`.
//   hessian [n * n] symmetric with a positive diagonal, gradient [n], beta [n], step [n] out
// Cost: n^2 a sweep. Errors: kInvalidArgument, kCancelled. Source: Friedman, Hastie & Tibshirani 2010, section 3.
Status ElasticNetStep(std::span<const double> hessian, std::span<const double> gradient, std::span<const double> beta, double l1,
                      double tolerance, int64_t max_sweeps, CancelFlag cancel, std::span<double> step);

// Isotonic regression: the non-decreasing values closest to y in weighted least squares (pool adjacent violators).
//   y [n], weights [n] > 0, both in the order of the predictor; fitted [n] out. Cost: n. Errors: kInvalidArgument.
Status FitIsotonic(std::span<const double> y, std::span<const double> weights, std::span<double> fitted);

}  // namespace couponcast

#endif  // COUPONCAST_SPARSE_GLM_H_
