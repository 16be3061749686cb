// Allocation: which candidates to hand out so that the expected incremental margin is largest under budgets, stock,
// floors and nested caps. Lagrangian dual, repair, polish.
//
// All money is int64 in thousandths of a minor unit ("milli"), so feasibility is decided in exact arithmetic.
// Source: formulas.md, "Allocation"; Zhang et al., "Solving Billion-Scale Knapsack Problems" (arXiv 2002.00352);
// proximal bundle: Lemarechal 1978, Kiwiel 1990.
#ifndef COUPONCAST_ALLOCATE_H_
#define COUPONCAST_ALLOCATE_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// What a constraint counts of a chosen candidate.
enum class Measure : uint8_t { kPieces = 0, kCost = 1, kFace = 2 };

// A "cell" is a class of users and a coupon: class * num_coupons + coupon. All candidates of a cell are in the same
// constraints.
struct AllocationProblem {
  int64_t users = 0;
  int64_t width = 0;                 // candidate places a user
  std::span<const int32_t> counts;   // [users] used places, in [0, width]
  std::span<const int32_t> coupons;  // [users * width] ascending and unique within a user, in [0, num_coupons)
  std::span<const int64_t> value;    // [users * width] milli, in [-1e11, 1e11]
  std::span<const int64_t> cost;     // [users * width] milli, in [0, 1e11]
  std::span<const int64_t> face;     // [users * width] milli, in [0, 1e11]; or empty: all 0

  int64_t num_classes = 1;
  std::span<const int32_t> user_class;  // [users] in [0, num_classes); or empty: all 0

  // Nested caps: a unit holds at most per_user coupons, at most group_cap[g] of group g and the groups within it.
  std::span<const int32_t> group;         // [num_coupons] innermost group, -1 for none
  std::span<const int32_t> group_parent;  // [groups] a smaller number, or -1
  std::span<const int32_t> group_cap;     // [groups] >= 0
  int64_t per_user = 1;                   // >= 1

  // Constraints: the sum of `measure` over the chosen candidates of its cells is at most `limit`, or for a floor at least.
  std::span<const uint8_t> measure;           // [constraints] a Measure
  std::span<const uint8_t> floor;             // [constraints] 1 for "at least"
  std::span<const int64_t> limit;             // [constraints] pieces or milli, >= 0
  std::span<const int64_t> cell_indptr;       // [cells + 1]
  std::span<const int32_t> cell_constraints;  // those that each cell is in

  int64_t num_coupons() const { return static_cast<int64_t>(group.size()); }
  int64_t num_cells() const { return num_classes * num_coupons(); }
  int64_t num_constraints() const { return static_cast<int64_t>(limit.size()); }
};

// Who shares caps: unit u is the users members[indptr[u]] ... members[indptr[u + 1] - 1], and holds a coupon once at most.
// Without indptr each member is a unit.
struct AllocationUnits {
  std::span<const int64_t> indptr;   // [units + 1] or empty
  std::span<const int32_t> members;  // ascending within a unit

  int64_t size() const { return static_cast<int64_t>(indptr.empty() ? members.size() : indptr.size() - 1); }
};

// Largest value or cost of one candidate (a million of the currency), and of all together.
inline constexpr int64_t kMaxCandidateMilli = 100'000'000'000;
inline constexpr int64_t kMaxTotalMilli = int64_t{1} << 62;
inline constexpr int64_t kMaxCells = int64_t{1} << 26;

// What the candidates of some users add up to, in size.
struct CandidateTotals {
  int64_t value = 0;
  int64_t cost = 0;
  int64_t face = 0;
};

// Checks what the comments of AllocationProblem promise: its rules, O(cells), and the candidates of `range`. The totals
// of all ranges together must not exceed kMaxTotalMilli; within one that is checked here. Every function below needs a
// problem that passed, and checks lengths and rules only. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status CheckProblem(const AllocationProblem& problem, RowRange range, CancelFlag cancel, CandidateTotals* totals);

// Money of candidates as the kernels take it: milli[i] = amount[i] * 1000, to the nearest or, `up`, the next larger whole
// (1e-6 of a thousandth above a whole is the rounding of its binary form), for used places of `range`; other places are
// set to 0. With sigma [users * width]: of amount - kappa * sigma. Errors: kInvalidArgument naming the place where the
// result is below `least` or above kMaxCandidateMilli; kOutOfRange; kCancelled.
struct MoneyColumn {
  const char* name;
  std::span<const double> amount;
  std::span<const double> sigma;
  double kappa = 0;
  bool up = false;
  int64_t least = 0;
};
Status ToMilli(std::span<const int32_t> counts, int64_t width, const MoneyColumn& column, RowRange range, CancelFlag cancel,
               std::span<int64_t> milli);

// What users' best responses add up to.
struct DualPartial {
  double surplus = 0;        // sum of max over a user's feasible sets of sum w, milli
  int64_t value = 0;         // of the chosen candidates, milli
  int64_t spend = 0;         // their cost, milli
  int64_t assigned = 0;      // how many
  std::span<int64_t> usage;  // [constraints]
};

// How EvaluateDual looks for users whose choice other prices nearby would change.
struct PriceBox {
  std::span<const double> radius;   // [constraints] >= 0; or empty
  std::span<const uint8_t> joined;  // [users] 1: member of a unit of several, always open; or empty
};

// For each user of `range` the set that maximises sum w under the caps, where w = value - (the prices of the
// constraints of its cell, times what they count; floors pay instead): candidates by w descending (ties: smaller coupon)
// while w > 0 and the caps allow. That greedy set is optimal because the caps are nested. Prices are >= 0, milli a piece
// or value per cost. chosen [range.size() * width] out (0 or 1), or empty. The dual bound is
//   D = sum_r +-limit_r price_r + surplus of all users     (- for floors).
// With `open` [range.size()] the users whose best set some prices within `box` may change are marked 1 and left out of
// the partial (not of `chosen`). All targets give the same bits. Cost: one pass over the candidates.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status EvaluateDual(const AllocationProblem& problem, std::span<const double> prices, const PriceBox& box, RowRange range,
                    CancelFlag cancel, DualPartial* partial, std::span<uint8_t> chosen, std::span<uint8_t> open);

// One step of the proximal bundle method: y in [lower, upper] minimising
//   max_k (offset_k + slope_k . y) + |y - center|^2 / (2 step).
//   slopes [cuts * dims], offsets [cuts], center [dims], lower and upper [dims], y [dims] out
//   weights [cuts] in/out, >= 0: of the cuts, where the search starts and ends; all 0: it starts at the last cut
//   reference: the value at the center; the search ends early where the cuts promise much less. -infinity: never
// *model_value out: the maximum at y. The quadratic programme is solved over the simplex of cut weights: the cuts that have
// weight are brought to one value, a small system each time, or weight is exchanged between two; with exact line search.
// Cost: O(cuts dims + dims^3) an iteration, at most `kMaxMasterIterations`.
inline constexpr int kMaxMasterIterations = 400;
struct MasterBox {
  std::span<const double> lower;
  std::span<const double> upper;
};
Status SolveBundleMaster(std::span<const double> slopes, std::span<const double> offsets, std::span<const double> center, double step,
                         const MasterBox& box, double reference, CancelFlag cancel, std::span<double> weights, std::span<double> y,
                         double* model_value);

struct DualTask {
  std::span<const double> limit;  // [constraints] what is left for the units; may be negative
  std::span<const double> start;  // [constraints]
  std::span<const double> lower;  // [constraints]
  std::span<const double> upper;  // [constraints]
  double constant = 0;            // added to the bound
  double relative = 1e-7;         // ends when the model promises less than this share of the bound
  bool ignore_value = false;      // w without the value: what floors can reach at all
  bool exact = true;              // to the optimum, however rough; else where Newton's method ends
};
struct DualSolution {
  double bound = 0;
  int64_t evaluations = 0;
};

// Minimises the dual of `units` over prices in [lower, upper]: by damped Newton steps, whose curvature is that of the units
// whose choice changes soonest (up to kMaxNewtonDims constraints, beyond which this is left out), then, where `exact`, by a
// proximal bundle method: every evaluation adds a cut, the next point minimises the cuts' maximum plus a proximity term. Any
// point gives a valid bound; the best is kept.
//   prices [constraints] out; usage [constraints] out: of the best responses there
//   chosen [users * width] out at the units' places, or empty: these best responses
// Cost: one pass over the units' candidates an evaluation, at most 60 and 400; memory: 36 bytes a candidate, 32 a unit.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status SolveDual(const AllocationProblem& problem, const AllocationUnits& units, const DualTask& task, CancelFlag cancel,
                 std::span<double> prices, std::span<int64_t> usage, std::span<uint8_t> chosen, DualSolution* solution);

struct PolishStats {
  int64_t value = 0;      // milli
  int64_t spend = 0;      // milli
  int64_t assigned = 0;   // candidates chosen
  int64_t dropped = 0;    // by the repair
  int64_t moves = 0;      // additions and upgrades
  int64_t exchanges = 0;  // gains paid for by a smaller loss
  int64_t broken = -1;    // first floor that could not be reached
  int64_t missing = 0;    // and by how much
};

// Makes the choice of `units` within `chosen` [users * width] feasible and better: first raises what is below its floor
// at the least loss; then drops candidates of the smallest reduced value from what is overdrawn; then adds and upgrades
// while something fits (best change of reduced value first); then trades gains of some units against a smaller loss of
// another, unless the value is `enough` before. Never breaks a limit or a cap; a floor that is out of reach is reported.
//   left [constraints]: limit less what other users use; for floors what they use less the limit
// Statistics count the units only. Deterministic. Cost: a few passes over the units' candidates; memory: at most 2^23
// moves of 40 bytes.
// Errors: kInvalidArgument; kInfeasible when `chosen` breaks a cap (what EvaluateDual chose does not); kCancelled.
Status RepairAndPolish(const AllocationProblem& problem, const AllocationUnits& units, std::span<const double> prices,
                       std::span<const int64_t> left, CancelFlag cancel, std::span<uint8_t> chosen, PolishStats* stats,
                       int64_t enough = std::numeric_limits<int64_t>::max());

// Looks for any choice that keeps all limits, caps and floors, depth first over the candidates that count for a floor, while
// what is left could reach all floors.
//   max_nodes: of the search at most; chosen [users * width] out where one is found, else as it was
// Cost: O(floors + limits of a candidate) a node; memory: 8 bytes a floor and such candidate, at most kMaxSearchCells of
// them, beyond which nothing is tried. Errors: kInvalidArgument, kOutOfRange, kCancelled.
inline constexpr size_t kMaxSearchCells = size_t{1} << 24;
struct FeasibilitySearch {
  bool found = false;
  bool exhausted = false;  // the answer is proven
  int64_t nodes = 0;
};
Status FindFeasible(const AllocationProblem& problem, const AllocationUnits& units, int64_t max_nodes, CancelFlag cancel,
                    std::span<uint8_t> chosen, FeasibilitySearch* search);

// Independent check: recounts `chosen` against every limit, floor and cap; `units` are those of several members.
//   usage [constraints] out: what each constraint counts
// Errors: kInvalidArgument; kInfeasible naming the constraint and by how much; kCancelled.
Status CheckFeasible(const AllocationProblem& problem, const AllocationUnits& units, std::span<const uint8_t> chosen, CancelFlag cancel,
                     std::span<int64_t> usage, PolishStats* totals);

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
// means "was given something", `budget_reason` that a candidate would have been taken at no price on money, and
// `stock_reason` that stock or the caps kept them all.
Status ExplainUnassigned(const AllocationProblem& problem, std::span<const double> prices, std::span<const uint8_t> chosen, RowRange range,
                         uint8_t budget_reason, uint8_t stock_reason, std::span<uint8_t> reasons);

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_H_
