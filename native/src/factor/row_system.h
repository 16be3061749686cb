// The linear system of one row of a factorisation, in the basis of AlsBasis: (I + sum_i extra_i z_i z_i') w = sum_i target_i z_i.
#ifndef COUPONCAST_FACTOR_ROW_SYSTEM_H_
#define COUPONCAST_FACTOR_ROW_SYSTEM_H_

#include <hwy/aligned_allocator.h>

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/als.h"
#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Solves for one row after the other; holds the buffers. Not thread-safe.
class RowSystem {
 public:
  // `table` holds the z of all columns [cols * PaddedWidth(factors)]; it must outlive this.
  RowSystem(std::span<const float> table, const AlsParams& params);

  // w [PaddedWidth(factors)] in and out; `following` are the items of the rows that come next. Errors: kCancelled.
  Status Solve(std::span<const int32_t> items, std::span<const float> values, std::span<const int32_t> following, CancelFlag cancel,
               float* w);

 private:
  // Cells [begin, begin + count) of the row: their z, and in dots_ the products with a vector.
  struct Block {
    int64_t begin;
    int64_t count;
    const float* rows;
  };

  void SetWeights(std::span<const float> values);
  // Calls use(Block) for one block after the other, their products with p in dots_. Errors: kCancelled.
  template <typename Use>
  Status ForEachBlock(const float* p, CancelFlag cancel, const Use& use);
  Status ConjugateGradient(CancelFlag cancel, float* w);
  Status Cholesky(CancelFlag cancel, float* w);

  std::span<const float> table_;
  AlsParams params_;
  int64_t factors_;
  int64_t width_;
  int64_t tile_rows_;
  std::span<const int32_t> items_;
  std::span<const int32_t> following_;
  bool picked_ = false;                               // whether the tile holds all of the row
  hwy::AlignedVector<float> tile_;                    // [<= tile_rows * width]
  std::vector<float> extra_;                          // [cells] c - 1
  std::vector<float> target_;                         // [cells] c p
  hwy::AlignedVector<float> dots_, weights_;          // [kBlockRows]
  hwy::AlignedVector<float> p_, residual_, product_;  // [width]
  hwy::AlignedVector<float> squares_;                 // [width * width], of Cholesky
};

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_ROW_SYSTEM_H_
