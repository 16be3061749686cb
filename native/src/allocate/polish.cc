#include <algorithm>
#include <string>
#include <vector>

#include "allocate/polisher.h"
#include "allocate/unit_choice.h"
#include "allocate/unit_table.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 4096;

Status Exceeds(const std::string& what, int64_t used, int64_t limit) {
  return {StatusCode::kInfeasible,
          what + ": " + std::to_string(used) + " exceeds " + std::to_string(limit) + " by " + std::to_string(used - limit)};
}

// Whether coupons taken one by one stay within the caps of a unit.
Status CheckCaps(const AllocationProblem& problem, const std::string& who, int32_t coupon, CapUse* caps) {
  const int32_t reached = caps->Reached(coupon);
  if (reached == CapUse::kRoot) return Exceeds("coupons of " + who, problem.per_user + 1, problem.per_user);
  if (reached == CapUse::kCoupon) return Exceeds("pieces of coupon " + std::to_string(coupon) + " of " + who, 2, 1);
  if (reached != CapUse::kNone) {
    const int64_t cap = problem.group_cap[static_cast<size_t>(reached)];
    return Exceeds("coupons of group " + std::to_string(reached) + " of " + who, cap + 1, cap);
  }
  caps->Add(coupon);
  return {};
}

}  // namespace

Status RepairAndPolish(const AllocationProblem& problem, const AllocationUnits& units, std::span<const double> prices,
                       std::span<const int64_t> left, CancelFlag cancel, std::span<uint8_t> chosen, PolishStats* stats, int64_t enough) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, prices));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("left", left.size(), problem.num_constraints()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  *stats = {};
  UnitTable table;
  COUPONCAST_RETURN_IF_ERROR(GatherUnits(problem, units, cancel, &table));
  std::vector<uint8_t> own(table.places.size());
  CapUse caps(problem);
  for (size_t unit = 0; unit < table.units(); ++unit) {
    caps.Clear();
    for (size_t at = table.indptr[unit]; at < table.indptr[unit + 1]; ++at) {
      own[at] = chosen[static_cast<size_t>(table.places[at])];
      if (own[at] == 0) continue;
      const auto coupon = static_cast<int32_t>(table.cells[at] % problem.num_coupons());
      COUPONCAST_RETURN_IF_ERROR(CheckCaps(problem, "unit " + std::to_string(unit), coupon, &caps));
    }
  }
  Polisher polisher(problem, table, prices, left, cancel, &own);
  COUPONCAST_RETURN_IF_ERROR(polisher.Repair(stats));
  COUPONCAST_RETURN_IF_ERROR(polisher.Improve(stats));
  if (polisher.Value() < enough) COUPONCAST_RETURN_IF_ERROR(polisher.Exchange(stats));
  polisher.FindBroken(stats);
  for (size_t at = 0; at < own.size(); ++at) {
    chosen[static_cast<size_t>(table.places[at])] = own[at];
    if (own[at] == 0) continue;
    stats->value += table.value[at];
    stats->spend += table.cost[at];
    ++stats->assigned;
  }
  return {};
}

Status CheckFeasible(const AllocationProblem& problem, const AllocationUnits& units, std::span<const uint8_t> chosen, CancelFlag cancel,
                     std::span<int64_t> usage, PolishStats* totals) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckUnits(problem, units));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("usage", usage.size(), problem.num_constraints()));
  *totals = {};
  std::ranges::fill(usage, 0);
  CellTotals cells(problem);
  CapUse caps(problem);
  for (int64_t user = 0; user < problem.users; ++user) {
    if (user % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    caps.Clear();
    for (size_t at = FirstPlace(problem, user); at < FirstPlace(problem, user + 1); ++at) {
      if (chosen[at] == 0) continue;
      if (at >= EndPlace(problem, user)) {
        return {StatusCode::kInfeasible, "user " + std::to_string(user) + " was given a coupon that is no candidate"};
      }
      COUPONCAST_RETURN_IF_ERROR(CheckCaps(problem, "user " + std::to_string(user), problem.coupons[at], &caps));
      cells.Add(FirstCell(problem, user) + problem.coupons[at], problem.cost[at], problem.face.empty() ? 0 : problem.face[at]);
      totals->value += problem.value[at];
      totals->spend += problem.cost[at];
      ++totals->assigned;
    }
  }
  for (int64_t unit = 0; unit < units.size(); ++unit) {
    const auto u = static_cast<size_t>(unit);
    const size_t begin = units.indptr.empty() ? u : static_cast<size_t>(units.indptr[u]);
    const size_t end = units.indptr.empty() ? u + 1 : static_cast<size_t>(units.indptr[u + 1]);
    caps.Clear();
    for (size_t m = begin; m < end; ++m) {
      const int64_t user = units.members[m];
      for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
        if (chosen[at] != 0) {
          COUPONCAST_RETURN_IF_ERROR(CheckCaps(problem, "the unit of user " + std::to_string(user), problem.coupons[at], &caps));
        }
      }
    }
  }
  cells.AddTo(problem, usage);
  for (size_t r = 0; r < usage.size(); ++r) {
    if (problem.floor[r] == 0 && usage[r] > problem.limit[r]) return Exceeds("constraint " + std::to_string(r), usage[r], problem.limit[r]);
    if (problem.floor[r] != 0 && usage[r] < problem.limit[r]) {
      return {StatusCode::kInfeasible, "constraint " + std::to_string(r) + ": " + std::to_string(usage[r]) + " is below its floor of " +
                                           std::to_string(problem.limit[r]) + " by " + std::to_string(problem.limit[r] - usage[r])};
    }
  }
  return {};
}

}  // namespace couponcast
