// Newton's method on the dual: where many units decide, it is nearly smooth.
#ifndef COUPONCAST_ALLOCATE_NEWTON_H_
#define COUPONCAST_ALLOCATE_NEWTON_H_

#include <functional>
#include <span>
#include <vector>

#include "allocate/dual_function.h"

namespace couponcast {

// Curvature is dense, and solved for in each step: beyond so many constraints that takes longer than it saves.
inline constexpr size_t kMaxNewtonDims = 192;

// The d that minimises slope . d + d' matrix d / 2 with lower <= d <= upper, matrix [dims * dims] positive definite: by the
// sets of bounds that hold (primal-dual active set). Returns what is gained by it, <= 0 where it failed. O(dims^3) a change.
double BoxNewtonStep(std::span<const double> matrix, std::span<const double> slope, std::span<const double> lower,
                     std::span<const double> upper, std::span<double> d);

// Damped Newton steps from *best, which is evaluated, while each gains what it should; ends when a step promises less than
// `enough`: *ended, out, says whether it came to that, or to where steps of little promise fail. `seen` is told of every point. Few units
// are too rough for it: it then stops early, no worse than it began.
Status DescendSmooth(DualFunction* function, const DualTask& task, double size, double enough,
                     const std::function<void(const DualPoint&)>& seen, DualPoint* best, bool* ended);

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_NEWTON_H_
