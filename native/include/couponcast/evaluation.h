// What evaluations need of the core: an order by score, and bootstrap sums; src/evaluate/ drives them.
#ifndef COUPONCAST_EVALUATION_H_
#define COUPONCAST_EVALUATION_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// Positions of `scores` in descending order of score; of equal scores the smaller position first.
//
// scores  [n] finite, n < 2^31
// order   [n] out
//
// Cost: O(n log n). Memory: 8 n bytes. Errors: kInvalidArgument (sizes, a score that is not finite), kCancelled.
Status RankDescending(std::span<const double> scores, CancelFlag cancel, std::span<int32_t> order);

// Poisson bootstrap: each row counts Poisson(1) times in each replicate, by a hash of seed, replicate and row, so that
// replicates may be computed anywhere, in any order.
//
// values      [rows * columns] finite
// groups      [rows] group of each row, in [0, num_groups); a negative one leaves the row out
// num_groups  groups, at least 1
// replicates  which replicates to compute
// sums        [replicates.size() * num_groups * (columns + 1)] out: for each replicate and group how many rows it drew,
//             then the sum of each column over them, in the order of the rows
//
// Cost: rows * replicates * (columns + 2) operations. Memory: none. Errors: kInvalidArgument, kOutOfRange, kCancelled.
// Source: Chamandy, Muralidharan, Najmi & Naidu 2012, Estimating uncertainty for massive data streams.
Status PoissonBootstrap(std::span<const double> values, int64_t columns, std::span<const int32_t> groups, int64_t num_groups, int64_t seed,
                        RowRange replicates, CancelFlag cancel, std::span<double> sums);

}  // namespace couponcast

#endif  // COUPONCAST_EVALUATION_H_
