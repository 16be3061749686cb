// Exploration: coupons drawn by lot around the best allocation, with the probability of every draw.
//
// A unit's set S of candidates is drawn with P(S) proportional to exp(sum of w over S / temperature) among the sets that
// the caps allow, w being values less prices as in allocate.h. Prices that minimise the smooth dual
//   sum_r +-limit_r price_r + sum of units temperature ln(sum over S of exp(w(S) / temperature))
// keep every limit in expectation. The sums over sets are exact: nested caps make them products of short polynomials.
// Source: formulas.md, "Allocation"; entropy-regularised duals: Nesterov 2005; DuaLip (arXiv 2603.04621).
#ifndef COUPONCAST_EXPLORE_H_
#define COUPONCAST_EXPLORE_H_

#include <cstdint>
#include <span>

#include "couponcast/allocate.h"

namespace couponcast {

// Which sets a unit may draw, and how likely. A candidate that does not fit into every limit alone is never drawn.
struct SetChances {
  std::span<const double> prices;  // [constraints] >= 0
  double temperature = 1;          // > 0, milli; without values: of the prices' unit
  bool ignore_value = false;       // w without the value: every set alike, as far as the prices leave it
  double keep = 1;                 // in [0, 1]: otherwise nothing is drawn
};

// What units get in expectation.
struct ExpectedUse {
  double surplus = 0;           // sum of temperature ln(...), milli
  double value = 0;             // milli
  double spend = 0;             // milli
  double assigned = 0;          // pieces
  std::span<double> usage;      // [constraints]
  std::span<double> curvature;  // [constraints] sum of p (1 - p) measure^2: variance of the use, candidates taken as independent
};

// Expectations of the units [range.begin, range.end), `keep` left out. Units without members are every user, one each.
// Cost: one pass over the units' candidates, an exp each; with caps beyond 1, O(coupons cap) of them.
// All targets give the same bits. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status ExpectUse(const AllocationProblem& problem, const AllocationUnits& units, const SetChances& chances, RowRange range,
                 CancelFlag cancel, ExpectedUse* use);

// With probability epsilon from `wide`, otherwise from `near`, or where `fixed` [users * width] is given, that.
struct DrawTask {
  double epsilon = 0;
  SetChances wide;
  SetChances near;
  std::span<const uint8_t> fixed;
  std::span<const uint8_t> best;  // [users * width] what `is_best` compares with
  std::span<const int64_t> keys;  // [users] of the random stream; a unit takes its first member's
  int64_t seed = 0;
};
struct Draws {
  std::span<uint8_t> chosen;     // [users * width] out, at the units' places
  std::span<double> propensity;  // [users * width] out: probability that the candidate is drawn
  std::span<double> decision;    // [users] out: probability of all that the user's unit drew, nothing included
  std::span<uint8_t> is_best;    // [users] out: 1 where the unit drew just what `best` gives it
};

// Draws one set for each unit of the range; `use` is filled with the expectations of the mixture (no surplus). The draw
// depends on the seed and the unit's key alone. Cost, errors: as ExpectUse.
Status DrawSets(const AllocationProblem& problem, const AllocationUnits& units, const DrawTask& task, RowRange range, CancelFlag cancel,
                const Draws& draws, ExpectedUse* use);

}  // namespace couponcast

#endif  // COUPONCAST_EXPLORE_H_
