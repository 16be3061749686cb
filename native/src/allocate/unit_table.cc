#include "allocate/unit_table.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace couponcast {
namespace {

constexpr size_t kMembersPerPoll = 4096;

}  // namespace

Status CheckUnits(const AllocationProblem& problem, const AllocationUnits& units) {
  for (const int32_t member : units.members) {
    if (member < 0 || member >= problem.users) {
      return OutOfRange("expected members within [0, " + std::to_string(problem.users) + ") but received " + std::to_string(member));
    }
  }
  if (units.indptr.empty()) return {};
  if (units.indptr.front() != 0 || units.indptr.back() != static_cast<int64_t>(units.members.size()) ||
      !std::ranges::is_sorted(units.indptr)) {
    return InvalidArgument("expected indptr of units to ascend from 0 to the number of members");
  }
  return {};
}

Status GatherUnits(const AllocationProblem& problem, const AllocationUnits& units, CancelFlag cancel, UnitTable* table) {
  COUPONCAST_RETURN_IF_ERROR(CheckUnits(problem, units));
  size_t places = 0;
  for (const int32_t member : units.members) places += EndPlace(problem, member) - FirstPlace(problem, member);
  *table = {};
  table->cells.reserve(places);
  table->value.reserve(places);
  table->cost.reserve(places);
  if (!problem.face.empty()) table->face.reserve(places);
  table->places.reserve(places);
  table->indptr.reserve(static_cast<size_t>(units.size()) + 1);
  table->indptr.push_back(0);
  size_t unit = 0;
  for (size_t m = 0; m < units.members.size(); ++m) {
    if (m % kMembersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    // Units without members are empty.
    while (!units.indptr.empty() && static_cast<size_t>(units.indptr[unit + 1]) <= m) {
      table->indptr.push_back(table->cells.size());
      ++unit;
    }
    const int64_t user = units.members[m];
    const int32_t cell = FirstCell(problem, user);
    for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
      table->cells.push_back(cell + problem.coupons[at]);
      table->value.push_back(problem.value[at]);
      table->cost.push_back(problem.cost[at]);
      if (!problem.face.empty()) table->face.push_back(problem.face[at]);
      table->places.push_back(static_cast<int64_t>(at));
    }
    if (units.indptr.empty()) table->indptr.push_back(table->cells.size());
  }
  while (static_cast<int64_t>(table->units()) < units.size()) table->indptr.push_back(table->cells.size());
  return {};
}

}  // namespace couponcast
