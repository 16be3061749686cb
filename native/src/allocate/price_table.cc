#include "allocate/price_table.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"

namespace couponcast {
namespace {

PriceTable MakeTable(const AllocationProblem& problem, std::span<const double> prices, bool floors_pay) {
  const auto cells = static_cast<size_t>(problem.num_cells());
  PriceTable table{std::vector<double>(cells, 0.0), std::vector<double>(cells, 0.0),
                   std::vector<double>(problem.face.empty() ? 0 : cells, 0.0)};
  for (size_t cell = 0; cell < cells; ++cell) {
    for (const int32_t constraint : ConstraintsOf(problem, static_cast<int32_t>(cell))) {
      const auto r = static_cast<size_t>(constraint);
      const double price = problem.floor[r] != 0 && floors_pay ? -prices[r] : prices[r];
      const auto measure = static_cast<Measure>(problem.measure[r]);
      if (measure == Measure::kPieces) table.piece[cell] += price;
      if (measure == Measure::kCost) table.cost[cell] += price;
      if (measure == Measure::kFace && !table.face.empty()) table.face[cell] += price;
    }
  }
  return table;
}

Status CheckGroups(const AllocationProblem& problem) {
  const auto groups = static_cast<int32_t>(problem.group_parent.size());
  COUPONCAST_RETURN_IF_ERROR(CheckSize("group_cap", problem.group_cap.size(), groups));
  const auto is_group = [](int32_t group, int32_t end) { return group >= -1 && group < end; };
  for (int32_t g = 0; g < groups; ++g) {
    if (!is_group(problem.group_parent[static_cast<size_t>(g)], g)) {
      return InvalidArgument("expected the parent of group " + std::to_string(g) + " to be a smaller number or -1");
    }
  }
  if (!std::ranges::all_of(problem.group, [&](int32_t g) { return is_group(g, groups); })) {
    return InvalidArgument("expected groups of coupons within [-1, " + std::to_string(groups) + ")");
  }
  if (std::ranges::any_of(problem.group_cap, [](int32_t cap) { return cap < 0; })) return InvalidArgument("expected caps of groups >= 0");
  if (problem.per_user < 1) return InvalidArgument("expected per_user >= 1 but received " + std::to_string(problem.per_user));
  return {};
}

Status CheckConstraints(const AllocationProblem& problem) {
  const int64_t constraints = problem.num_constraints();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("measure", problem.measure.size(), constraints));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("floor", problem.floor.size(), constraints));
  if (std::ranges::any_of(problem.measure, [](uint8_t measure) { return measure > static_cast<uint8_t>(Measure::kFace); })) {
    return InvalidArgument("expected measures of constraints within [0, 2]");
  }
  if (std::ranges::any_of(problem.limit, [](int64_t limit) { return limit < 0; })) return InvalidArgument("expected limits >= 0");
  int64_t cells = 0;
  if (problem.num_classes < 1 || __builtin_mul_overflow(problem.num_classes, problem.num_coupons(), &cells) || cells > kMaxCells) {
    return InvalidArgument("expected at most 2^26 pairs of a class of users and a coupon but received " +
                           std::to_string(problem.num_classes) + " classes and " + std::to_string(problem.num_coupons()) + " coupons");
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cell_indptr", problem.cell_indptr.size(), cells + 1));
  if (problem.cell_indptr.front() != 0 || problem.cell_indptr.back() != static_cast<int64_t>(problem.cell_constraints.size()) ||
      !std::ranges::is_sorted(problem.cell_indptr)) {
    return InvalidArgument("expected cell_indptr to ascend from 0 to the number of cell_constraints");
  }
  if (std::ranges::any_of(problem.cell_constraints, [&](int32_t r) { return r < 0 || r >= constraints; })) {
    return InvalidArgument("expected cell_constraints within [0, " + std::to_string(constraints) + ")");
  }
  return {};
}

}  // namespace

PriceTable MakePriceTable(const AllocationProblem& problem, std::span<const double> prices) { return MakeTable(problem, prices, true); }
PriceTable MakeRadiusTable(const AllocationProblem& problem, std::span<const double> radius) { return MakeTable(problem, radius, false); }

Status CheckRules(const AllocationProblem& problem) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", problem.counts.size(), problem.users));
  int64_t places = 0;
  if (problem.width < 0 || __builtin_mul_overflow(problem.users, problem.width, &places)) {
    return InvalidArgument("expected a width >= 0 but received " + std::to_string(problem.width));
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupons", problem.coupons.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("value", problem.value.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cost", problem.cost.size(), places));
  if (!problem.face.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("face", problem.face.size(), places));
  if (!problem.user_class.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("user_class", problem.user_class.size(), problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckGroups(problem));
  return CheckConstraints(problem);
}

Status CheckPrices(const AllocationProblem& problem, std::span<const double> prices) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("prices", prices.size(), problem.num_constraints()));
  if (std::ranges::all_of(prices, [](double price) { return price >= 0 && std::isfinite(price); })) return {};
  return InvalidArgument("expected prices >= 0 and finite");
}

CellTotals::CellTotals(const AllocationProblem& problem)
    : pieces_(static_cast<size_t>(problem.num_cells()), 0), cost_(pieces_.size(), 0), face_(problem.face.empty() ? 0 : pieces_.size(), 0) {}

void CellTotals::Clear() {
  std::ranges::fill(pieces_, 0);
  std::ranges::fill(cost_, 0);
  std::ranges::fill(face_, 0);
}

void CellTotals::AddTo(const AllocationProblem& problem, std::span<int64_t> usage) const {
  for (size_t cell = 0; cell < pieces_.size(); ++cell) {
    if (pieces_[cell] == 0) continue;
    for (const int32_t constraint : ConstraintsOf(problem, static_cast<int32_t>(cell))) {
      const auto r = static_cast<size_t>(constraint);
      const auto measure = static_cast<Measure>(problem.measure[r]);
      usage[r] += measure == Measure::kPieces ? pieces_[cell] : measure == Measure::kCost ? cost_[cell] : face_.empty() ? 0 : face_[cell];
    }
  }
}

}  // namespace couponcast
