#ifndef COUPONCAST_ALLOCATE_BEST_RESPONSE_H_
#define COUPONCAST_ALLOCATE_BEST_RESPONSE_H_

#include <cstdint>

#include "couponcast/allocate.h"

namespace couponcast {

inline double ReducedValue(const AllocationProblem& problem, const Multipliers& multipliers, size_t at) {
  const auto coupon = static_cast<size_t>(problem.coupons[at]);
  return static_cast<double>(problem.value[at]) -
         (multipliers.budget + multipliers.coupon_budget[coupon]) * static_cast<double>(problem.cost[at]) - multipliers.stock[coupon];
}

// First place of the user and one behind its last used place.
inline size_t FirstPlace(const AllocationProblem& problem, int64_t user) { return static_cast<size_t>(user * problem.width); }
inline size_t EndPlace(const AllocationProblem& problem, int64_t user) {
  return static_cast<size_t>(user * problem.width + problem.counts[static_cast<size_t>(user)]);
}

// Lengths of all arrays and the scalars, O(1); CheckProblem does this and the content.
Status CheckShape(const AllocationProblem& problem);
Status CheckMultipliers(const AllocationProblem& problem, const Multipliers& multipliers);

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_BEST_RESPONSE_H_
