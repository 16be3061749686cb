// The weights of a random walk item - user - item, for the kernels that compute similarities.
#ifndef COUPONCAST_WALK_WEIGHTS_H_
#define COUPONCAST_WALK_WEIGHTS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

struct WalkParams {
  double alpha = 1;   // >= 0: transition probabilities to this power
  double beta = 0.6;  // >= 0: penalty of popular items
};

// RP3beta on the graph of the cells > 0, d being the number of these of a row:
//   W_ij = d_i^-alpha d_j^-beta sum_u d_u^-alpha over the users u of both
// as a symmetric similarity (DocumentWeights of kBm25 with k1 = 0, whose tf is 1 for r > 0) times a factor of the row:
// term_weight [cols] d_u^(-alpha / 2), length [rows] 0, scale [rows] d_i^-beta, row_factor [rows] d_i^(beta - alpha), all out.
// Rows and columns without such cells get 0. Cost: one pass over the cells. Errors: kInvalidArgument, kCancelled.
// Source: Paudel, Christoffel, Newell, Bernstein 2016.
Status ComputeWalkWeights(const CsrView& items, const CsrView& users, const WalkParams& params, CancelFlag cancel,
                          std::span<float> term_weight, std::span<float> length, std::span<float> scale, std::span<float> row_factor);

}  // namespace couponcast

#endif  // COUPONCAST_WALK_WEIGHTS_H_
