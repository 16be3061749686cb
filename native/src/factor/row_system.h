// The linear system of one row of a factorisation: (G + regularisation + sum_i extra_i y_i y_i') x = sum_i target_i y_i.
#ifndef COUPONCAST_FACTOR_ROW_SYSTEM_H_
#define COUPONCAST_FACTOR_ROW_SYSTEM_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/als.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

// Solves for one row after the other; holds the buffers. Not thread-safe.
class RowSystem {
 public:
  // `others` and `gram` as in AlsSolve; they must outlive this.
  RowSystem(std::span<const float> others, std::span<const double> gram, const AlsParams& params);

  // x [factors] in and out; `next` are the items of the row that comes next, if any. Errors: kCancelled.
  Status Solve(std::span<const int32_t> items, std::span<const float> values, std::span<const int32_t> next, CancelFlag cancel, float* x);

 private:
  const float* RowOf(int32_t item) const { return others_.data() + static_cast<int64_t>(item) * factors_; }
  void Prefetch(std::span<const int32_t> items) const;
  // A few more rows of the next system.
  void PrefetchNext();
  void SetWeights(std::span<const float> values);
  // The y of cells [begin, begin + count), padded; blocks are asked for in order. Rows that fit are copied once.
  const float* Rows(std::span<const int32_t> items, int64_t begin, int64_t count);
  // product_ = (G + regularisation) p + sum_i extra_i (y_i . p) y_i; if `residual`, what is left of the right-hand side.
  Status Multiply(std::span<const int32_t> items, const std::vector<float>& p, bool residual, CancelFlag cancel);
  Status ConjugateGradient(std::span<const int32_t> items, CancelFlag cancel);
  Status Cholesky(std::span<const int32_t> items, CancelFlag cancel);

  std::span<const float> others_;
  AlsParams params_;
  int64_t factors_;
  int64_t width_;
  int64_t tile_rows_;
  int64_t fetched_ = 0;  // cells that the tile holds
  std::span<const int32_t> next_;
  size_t ahead_ = 0;                                         // rows of `next_` that are on their way
  int64_t ahead_own_ = 0;                                    // those of this row that were when it began
  std::vector<float> gram_;                                  // [width * width] with the regularisation
  std::vector<float> tile_;                                  // [<= tile_rows * width]
  std::vector<float> extra_;                                 // [cells] c - 1
  std::vector<float> target_;                                // [cells] c p
  std::vector<float> weights_;                               // [kBlockRows]
  std::vector<float> x_, p_, residual_, product_, partial_;  // [width]
  std::vector<float> squares_;                               // [width * width], of Cholesky
};

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_ROW_SYSTEM_H_
