#include <algorithm>

#include "allocate/price_table.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {

Result<AssignmentRows> ListAssignments(const AllocationProblem& problem, std::span<const uint8_t> chosen, RowRange range) {
  Status status = CheckRules(problem);
  if (status.ok()) status = CheckRange(range, problem.users);
  if (status.ok()) status = CheckSize("chosen", chosen.size(), problem.users * problem.width);
  if (!status.ok()) return status;
  AssignmentRows rows;
  std::vector<size_t> places;
  for (int64_t user = range.begin; user < range.end; ++user) {
    places.clear();
    for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
      if (chosen[at] != 0) places.push_back(at);
    }
    std::ranges::sort(
        places, [&](size_t a, size_t b) { return problem.value[a] > problem.value[b] || (problem.value[a] == problem.value[b] && a < b); });
    for (size_t rank = 0; rank < places.size(); ++rank) {
      rows.users.push_back(static_cast<int32_t>(user));
      rows.coupons.push_back(problem.coupons[places[rank]]);
      rows.ranks.push_back(static_cast<int32_t>(rank + 1));
      rows.places.push_back(static_cast<int64_t>(places[rank]));
      rows.values.push_back(problem.value[places[rank]]);
      rows.costs.push_back(problem.cost[places[rank]]);
    }
  }
  return rows;
}

Status ExplainUnassigned(const AllocationProblem& problem, std::span<const double> prices, std::span<const uint8_t> chosen, RowRange range,
                         uint8_t budget_reason, uint8_t stock_reason, std::span<uint8_t> reasons) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, prices));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("reasons", reasons.size(), range.size()));
  const PriceTable table = MakePriceTable(problem, prices);
  for (int64_t user = range.begin; user < range.end; ++user) {
    uint8_t& reason = reasons[static_cast<size_t>(user - range.begin)];
    if (reason != 0) continue;
    bool given = false;
    bool budget_decides = false;
    const int32_t cell = FirstCell(problem, user);
    for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
      given |= chosen[at] != 0;
      budget_decides |=
          static_cast<double>(problem.value[at]) > table.piece[static_cast<size_t>(cell) + static_cast<size_t>(problem.coupons[at])];
    }
    if (!given) reason = budget_decides ? budget_reason : stock_reason;
  }
  return {};
}

}  // namespace couponcast
