// Allocation: which candidates to hand out so that the expected incremental margin is largest under a total budget,
// budgets and stock per coupon, a cap per user and exclusive groups. Lagrangian dual, repair, polish.
//
// All money is int64 in thousandths of a minor unit ("milli"), so feasibility is decided in exact arithmetic.
// Source: formulas.md, "Allocation"; Zhang et al., "Solving Billion-Scale Knapsack Problems" (arXiv 2002.00352);
// proximal bundle: Lemarechal 1978, Kiwiel 1990.
#ifndef COUPONCAST_ALLOCATE_H_
#define COUPONCAST_ALLOCATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

struct AllocationProblem {
  int64_t users = 0;
  int64_t width = 0;                 // candidate places a user
  std::span<const int32_t> counts;   // [users] used places, in [0, width]
  std::span<const int32_t> coupons;  // [users * width] ascending and unique within a user, in [0, num_coupons)
  std::span<const int64_t> value;    // [users * width] milli, in [0, 1e11]
  std::span<const int64_t> cost;     // [users * width] milli, in [0, 1e11]

  std::span<const int32_t> group;          // [num_coupons] exclusive group, -1 for none
  std::span<const int64_t> stock;          // [num_coupons] pieces, -1 for unlimited
  std::span<const int64_t> coupon_budget;  // [num_coupons] milli, -1 for unlimited
  int64_t budget = -1;                     // milli, -1 for unlimited
  int64_t per_user = 1;                    // at most so many coupons a user, >= 1

  int64_t num_coupons() const { return static_cast<int64_t>(group.size()); }
};

// Largest value or cost of one candidate (a million of the currency).
inline constexpr int64_t kMaxCandidateMilli = 100'000'000'000;

// Checks what the comments of AllocationProblem promise, and that all values and all costs add up to at most 2^62.
// O(users * width). Every function below needs a problem that passed; the ones that see it whole check it again, the
// ones that see a range check only its shape. Errors: kInvalidArgument.
Status CheckProblem(const AllocationProblem& problem);

// Multipliers (shadow prices), all >= 0. Reduced value of a candidate: w = value - (budget + coupon_budget_j) cost - stock_j.
struct Multipliers {
  double budget = 0;                      // value per cost
  std::span<const double> coupon_budget;  // [num_coupons]
  std::span<const double> stock;          // [num_coupons] milli a piece
};

// What the users' best responses add up to.
struct DualPartial {
  double surplus = 0;               // sum of max over a user's feasible sets of sum w, milli
  int64_t value = 0;                // of the chosen candidates, milli
  int64_t spend = 0;                // milli
  std::span<int64_t> coupon_count;  // [num_coupons] pieces
  std::span<int64_t> coupon_spend;  // [num_coupons] milli
};

// For each user of `range` the set that maximises sum w under the cap and the groups: candidates by w descending
// (ties: smaller coupon) while w > 0, at most one of a group, at most per_user. That greedy set is optimal because the
// caps are nested. chosen [range.size() * width] out (0 or 1), or empty. The dual bound is
//   D = budget lambda + sum_j (coupon_budget_j beta_j + stock_j mu_j) + surplus of all users.
// Cost: one pass over the candidates. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status EvaluateDual(const AllocationProblem& problem, const Multipliers& multipliers, RowRange range, CancelFlag cancel,
                    DualPartial* partial, std::span<uint8_t> chosen);

// One step of the proximal bundle method: y >= 0 minimising  max_k (offset_k + slope_k . y) + |y - center|^2 / (2 step).
//   slopes [cuts * dims], offsets [cuts], center [dims] >= 0, y [dims] out
// *model_value out: the maximum at y. The quadratic programme is solved over the simplex of cut weights by pairwise
// exchange with exact line search. Cost: O(cuts dims) an iteration, at most `kMaxMasterIterations`.
inline constexpr int kMaxMasterIterations = 2000;
Status SolveBundleMaster(std::span<const double> slopes, std::span<const double> offsets, std::span<const double> center, double step,
                         CancelFlag cancel, std::span<double> y, double* model_value);

struct PolishStats {
  int64_t value = 0;      // milli
  int64_t spend = 0;      // milli
  int64_t assigned = 0;   // candidates chosen
  int64_t dropped = 0;    // by the repair
  int64_t moves = 0;      // additions and upgrades
  int64_t exchanges = 0;  // gains paid for by a smaller loss
};

// Makes `chosen` [users * width] feasible and better: first drops candidates of the smallest reduced value from
// resources that are overdrawn; then adds and upgrades while something fits (best change of reduced value first);
// then trades gains of some users against a smaller loss of another. Never breaks a budget, stock, cap or group.
// Deterministic. Cost: a few passes over the candidates; memory: at most 2^23 moves of 40 bytes.
// Errors: kInvalidArgument; kInfeasible when `chosen` breaks a user's cap or group (what EvaluateDual chose does not);
// kCancelled.
Status RepairAndPolish(const AllocationProblem& problem, const Multipliers& multipliers, CancelFlag cancel, std::span<uint8_t> chosen,
                       PolishStats* stats);

// Independent check: recounts `chosen` against every limit. Errors: kInvalidArgument; kInfeasible naming the constraint
// and by how much.
Status CheckFeasible(const AllocationProblem& problem, std::span<const uint8_t> chosen, PolishStats* totals);

// The chosen candidates as rows, by user, within a user by value descending (ties: smaller coupon).
struct AssignmentRows {
  std::vector<int32_t> users;
  std::vector<int32_t> coupons;
  std::vector<int32_t> ranks;   // 1 is the most valuable of the user
  std::vector<int64_t> places;  // user * width + j
  std::vector<int64_t> values;  // milli
  std::vector<int64_t> costs;   // milli
};
Result<AssignmentRows> ListAssignments(const AllocationProblem& problem, std::span<const uint8_t> chosen, RowRange range);

// Why users of `range` got nothing: reasons [range.size()] in/out. 0 on input means "has candidates"; on output it
// means "was given something", `budget_reason` that a candidate would have been taken at no price on the budget, and
// `stock_reason` that stock or a coupon's own budget outbid them all.
Status ExplainUnassigned(const AllocationProblem& problem, const Multipliers& multipliers, std::span<const uint8_t> chosen, RowRange range,
                         uint8_t budget_reason, uint8_t stock_reason, std::span<uint8_t> reasons);

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_H_
