#include <algorithm>
#include <cmath>
#include <string>

#include "allocate/price_table.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 4096;
constexpr double kMilli = 1000;

bool IsMoney(int64_t amount, int64_t least) { return amount >= least && amount <= kMaxCandidateMilli; }

}  // namespace

Status CheckProblem(const AllocationProblem& problem, RowRange range, CancelFlag cancel, CandidateTotals* totals) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, problem.users));
  *totals = {};
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const int32_t count = problem.counts[static_cast<size_t>(user)];
    if (count < 0 || count > problem.width) {
      return InvalidArgument("user " + std::to_string(user) + " claims " + std::to_string(count) + " candidates of at most " +
                             std::to_string(problem.width));
    }
    if (!problem.user_class.empty()) {
      const int32_t user_class = problem.user_class[static_cast<size_t>(user)];
      if (user_class < 0 || user_class >= problem.num_classes) {
        return InvalidArgument("user " + std::to_string(user) + " is of class " + std::to_string(user_class) + " of " +
                               std::to_string(problem.num_classes));
      }
    }
    int32_t previous = -1;
    for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
      if (problem.coupons[at] <= previous || problem.coupons[at] >= problem.num_coupons()) {
        return InvalidArgument("the candidates of user " + std::to_string(user) + " are not ascending coupons within [0, " +
                               std::to_string(problem.num_coupons()) + ")");
      }
      previous = problem.coupons[at];
      const int64_t face = problem.face.empty() ? 0 : problem.face[at];
      if (!IsMoney(problem.value[at], -kMaxCandidateMilli) || !IsMoney(problem.cost[at], 0) || !IsMoney(face, 0)) {
        return InvalidArgument("value or cost of a candidate of user " + std::to_string(user) +
                               " is out of range: above 1e11, or a negative cost");
      }
      totals->value += std::abs(problem.value[at]);
      totals->cost += problem.cost[at];
      totals->face += face;
      if (std::max({totals->value, totals->cost, totals->face}) > kMaxTotalMilli) {
        return InvalidArgument("the values or costs of all candidates add up to more than 2^62 thousandths of a minor unit");
      }
    }
  }
  return {};
}

Status ToMilli(std::span<const int32_t> counts, int64_t width, const MoneyColumn& column, RowRange range, CancelFlag cancel,
               std::span<int64_t> milli) {
  const auto users = static_cast<int64_t>(counts.size());
  int64_t places = 0;
  if (width < 0 || __builtin_mul_overflow(users, width, &places)) return InvalidArgument("expected a width >= 0");
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users));
  COUPONCAST_RETURN_IF_ERROR(CheckSize(column.name, column.amount.size(), places));
  if (!column.sigma.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("sigma", column.sigma.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("milli", milli.size(), places));
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const int64_t count = counts[static_cast<size_t>(user)];
    if (count < 0 || count > width) {
      return InvalidArgument("user " + std::to_string(user) + " claims " + std::to_string(count) + " candidates of at most " +
                             std::to_string(width));
    }
    const auto first = static_cast<size_t>(user * width);
    for (size_t j = 0; j < static_cast<size_t>(width); ++j) {
      const size_t at = first + j;
      milli[at] = 0;
      if (static_cast<int64_t>(j) >= count) continue;
      double amount = column.amount[at];
      if (!column.sigma.empty()) {
        if (!(column.sigma[at] >= 0)) return InvalidArgument("expected sigma[" + std::to_string(at) + "] >= 0");
        amount -= column.kappa * column.sigma[at];
      }
      const double whole = column.up ? std::ceil(amount * kMilli - 1e-6) : std::floor(amount * kMilli + 0.5);
      if (std::isnan(whole) || whole < static_cast<double>(column.least) || whole > static_cast<double>(kMaxCandidateMilli)) {
        return InvalidArgument(std::string("expected ") + column.name + "[" + std::to_string(at) + "] between " +
                               std::to_string(column.least / 1000) + " and 1e8 minor units but received " + std::to_string(amount));
      }
      milli[at] = static_cast<int64_t>(whole);
    }
  }
  return {};
}

}  // namespace couponcast
