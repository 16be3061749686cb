#include <algorithm>
#include <cmath>
#include <vector>

#include "allocate/best_response.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 4096;
constexpr int64_t kMaxTotalMilli = int64_t{1} << 62;  // half the range: no sum of any subset can overflow

}  // namespace

Status CheckShape(const AllocationProblem& problem) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", problem.counts.size(), problem.users));
  int64_t places = 0;
  if (problem.width < 0 || __builtin_mul_overflow(problem.users, problem.width, &places)) {
    return InvalidArgument("expected a width >= 0 but received " + std::to_string(problem.width));
  }
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupons", problem.coupons.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("value", problem.value.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cost", problem.cost.size(), places));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("stock", problem.stock.size(), problem.num_coupons()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupon_budget", problem.coupon_budget.size(), problem.num_coupons()));
  if (problem.per_user < 1) return InvalidArgument("expected per_user >= 1 but received " + std::to_string(problem.per_user));
  return {};
}

Status CheckProblem(const AllocationProblem& problem) {
  COUPONCAST_RETURN_IF_ERROR(CheckShape(problem));
  const auto is_limit = [](int64_t limit) { return limit >= -1; };
  if (problem.budget < -1 || !std::ranges::all_of(problem.stock, is_limit) || !std::ranges::all_of(problem.coupon_budget, is_limit)) {
    return InvalidArgument("expected budgets and stock >= 0, or -1 for unlimited");
  }
  int64_t total_value = 0;
  int64_t total_cost = 0;
  for (int64_t user = 0; user < problem.users; ++user) {
    const int32_t count = problem.counts[static_cast<size_t>(user)];
    if (count < 0 || count > problem.width)
      return InvalidArgument("user " + std::to_string(user) + " claims " + std::to_string(count) + " candidates");
    int32_t previous = -1;
    for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
      if (problem.coupons[at] <= previous || problem.coupons[at] >= problem.num_coupons()) {
        return InvalidArgument("the candidates of user " + std::to_string(user) + " are not ascending coupons within [0, " +
                               std::to_string(problem.num_coupons()) + ")");
      }
      previous = problem.coupons[at];
      if (problem.value[at] < 0 || problem.value[at] > kMaxCandidateMilli || problem.cost[at] < 0 ||
          problem.cost[at] > kMaxCandidateMilli) {
        return InvalidArgument("value or cost of a candidate of user " + std::to_string(user) + " is negative or above 1e11");
      }
      total_value += problem.value[at];
      total_cost += problem.cost[at];
      if (total_value > kMaxTotalMilli || total_cost > kMaxTotalMilli) {
        return InvalidArgument("the values or costs of all candidates add up to more than 2^62 thousandths of a minor unit");
      }
    }
  }
  return {};
}

Status CheckMultipliers(const AllocationProblem& problem, const Multipliers& multipliers) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupon_budget multipliers", multipliers.coupon_budget.size(), problem.num_coupons()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("stock multipliers", multipliers.stock.size(), problem.num_coupons()));
  const auto is_price = [](double price) { return price >= 0 && std::isfinite(price); };
  if (!is_price(multipliers.budget) || !std::ranges::all_of(multipliers.coupon_budget, is_price) ||
      !std::ranges::all_of(multipliers.stock, is_price)) {
    return InvalidArgument("expected multipliers >= 0 and finite");
  }
  return {};
}

Status EvaluateDual(const AllocationProblem& problem, const Multipliers& multipliers, RowRange range, CancelFlag cancel,
                    DualPartial* partial, std::span<uint8_t> chosen) {
  COUPONCAST_RETURN_IF_ERROR(CheckShape(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckMultipliers(problem, multipliers));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupon_count", partial->coupon_count.size(), problem.num_coupons()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("coupon_spend", partial->coupon_spend.size(), problem.num_coupons()));
  if (!chosen.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), range.size() * problem.width));
  partial->surplus = 0;
  partial->value = 0;
  partial->spend = 0;
  std::ranges::fill(partial->coupon_count, 0);
  std::ranges::fill(partial->coupon_spend, 0);
  std::ranges::fill(chosen, uint8_t{0});

  struct Gain {
    double w;
    size_t at;
  };
  std::vector<Gain> gains;
  std::vector<int32_t> used_groups;
  const auto choose = [&](const Gain& gain) {
    const auto coupon = static_cast<size_t>(problem.coupons[gain.at]);
    partial->surplus += gain.w;
    partial->value += problem.value[gain.at];
    partial->spend += problem.cost[gain.at];
    ++partial->coupon_count[coupon];
    partial->coupon_spend[coupon] += problem.cost[gain.at];
    if (!chosen.empty()) chosen[gain.at - FirstPlace(problem, range.begin)] = 1;
  };
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    if (problem.per_user == 1) {
      Gain best{0, 0};
      for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
        const double w = ReducedValue(problem, multipliers, at);
        if (w > best.w) best = {w, at};
      }
      if (best.w > 0) choose(best);
      continue;
    }
    gains.clear();
    for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
      const double w = ReducedValue(problem, multipliers, at);
      if (w > 0) gains.push_back({w, at});
    }
    std::ranges::sort(gains, [](const Gain& a, const Gain& b) { return a.w > b.w || (a.w == b.w && a.at < b.at); });
    used_groups.clear();
    int64_t taken = 0;
    for (const Gain& gain : gains) {
      if (taken == problem.per_user) break;
      const int32_t group = problem.group[static_cast<size_t>(problem.coupons[gain.at])];
      if (group >= 0) {
        if (std::ranges::find(used_groups, group) != used_groups.end()) continue;
        used_groups.push_back(group);
      }
      choose(gain);
      ++taken;
    }
  }
  return {};
}

Status CheckFeasible(const AllocationProblem& problem, std::span<const uint8_t> chosen, PolishStats* totals) {
  COUPONCAST_RETURN_IF_ERROR(CheckProblem(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  const auto broken = [](const std::string& what, int64_t used, int64_t limit) {
    return Status(StatusCode::kInfeasible,
                  what + ": " + std::to_string(used) + " exceeds " + std::to_string(limit) + " by " + std::to_string(used - limit));
  };
  std::vector<int64_t> count(static_cast<size_t>(problem.num_coupons()), 0);
  std::vector<int64_t> spend(count.size(), 0);
  *totals = {};
  std::vector<int32_t> groups;
  for (int64_t user = 0; user < problem.users; ++user) {
    int64_t taken = 0;
    groups.clear();
    for (size_t place = FirstPlace(problem, user); place < FirstPlace(problem, user + 1); ++place) {
      if (chosen[place] == 0) continue;
      if (place >= EndPlace(problem, user))
        return {StatusCode::kInfeasible, "user " + std::to_string(user) + " was given a coupon that is no candidate"};
      const auto coupon = static_cast<size_t>(problem.coupons[place]);
      ++taken;
      ++count[coupon];
      spend[coupon] += problem.cost[place];
      totals->value += problem.value[place];
      totals->spend += problem.cost[place];
      if (problem.group[coupon] >= 0) {
        if (std::ranges::find(groups, problem.group[coupon]) != groups.end()) {
          return broken("coupons of exclusive group " + std::to_string(problem.group[coupon]) + " of user " + std::to_string(user), 2, 1);
        }
        groups.push_back(problem.group[coupon]);
      }
    }
    if (taken > problem.per_user) return broken("coupons of user " + std::to_string(user), taken, problem.per_user);
    totals->assigned += taken;
  }
  if (problem.budget >= 0 && totals->spend > problem.budget) return broken("total spend", totals->spend, problem.budget);
  for (size_t coupon = 0; coupon < count.size(); ++coupon) {
    if (problem.stock[coupon] >= 0 && count[coupon] > problem.stock[coupon]) {
      return broken("stock of coupon " + std::to_string(coupon), count[coupon], problem.stock[coupon]);
    }
    if (problem.coupon_budget[coupon] >= 0 && spend[coupon] > problem.coupon_budget[coupon]) {
      return broken("budget of coupon " + std::to_string(coupon), spend[coupon], problem.coupon_budget[coupon]);
    }
  }
  return {};
}

}  // namespace couponcast
