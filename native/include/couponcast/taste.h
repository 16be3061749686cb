// How well what users did foretells what they will look at: which behaviours say how much about taste.
#ifndef COUPONCAST_TASTE_H_
#define COUPONCAST_TASTE_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/moments.h"
#include "couponcast/status.h"

namespace couponcast {

struct TasteTargets {
  std::span<const int32_t> users;   // [targets] in [0, users), ascending
  std::span<const int64_t> places;  // [targets] of the user's events, ascending within a user
  int64_t gap_micros = 0;           // >= 0: events so shortly before the target say nothing
};

// Negative log-likelihood of whether each target lies in each coupon's scope, and its gradient by the behaviours' weights:
//   p = (weight of the user's earlier events in scope + prior_weight * prior_share) / (weight of all earlier + prior_weight)
//   loss = -sum over targets and coupons of ln(p) in scope, ln(1 - p) out of it; p at least 1e-6 from 0 and 1
// Earlier: gap_micros before the target or more.
//
// params    as for UserMoments; log_price is not read but its size: one number an item
// gradient  [behaviours] out
//
// Float64 sums in the order of the targets. Cost: the events before, times the coupons of an item; coupons x behaviours a
// target. Memory: 8 bytes a coupon and behaviour. Errors: as of UserMoments.
// Source: Minka 2000, "Estimating a Dirichlet distribution" (the Polya distribution, one step ahead).
Status TasteLoss(const MomentParams& params, const TasteTargets& targets, RowRange range, CancelFlag cancel, double* loss,
                 std::span<double> gradient);

}  // namespace couponcast

#endif  // COUPONCAST_TASTE_H_
