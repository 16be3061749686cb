// Classes of users, floors, face cost, nested caps and units of several users: against plain enumeration.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "couponcast/allocate.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::Shards;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Shop {
  int64_t users = 0;
  int64_t width = 0;
  std::vector<int32_t> counts, coupons, user_class, group, parent, cap;
  std::vector<int64_t> value, cost, face, limit, cell_indptr, unit_indptr;
  std::vector<int32_t> cell_constraints, members;
  std::vector<uint8_t> measure, floor;
  int64_t num_classes = 1;
  int64_t per_user = 1;

  AllocationProblem problem() const {
    return {users, width,  counts, coupons,  value,   cost,  face,  num_classes, user_class,
            group, parent, cap,    per_user, measure, floor, limit, cell_indptr, cell_constraints};
  }
  AllocationUnits units() const { return {unit_indptr, members}; }
  size_t places() const { return static_cast<size_t>(users * width); }
  size_t constraints() const { return limit.size(); }
  int32_t CellOf(size_t at) const { return user_class[at / static_cast<size_t>(width)] * static_cast<int32_t>(group.size()) + coupons[at]; }
  bool Covers(size_t r, size_t at) const {
    const auto cell = static_cast<size_t>(CellOf(at));
    const auto begin = cell_constraints.begin();
    return std::find(begin + cell_indptr[cell], begin + cell_indptr[cell + 1], static_cast<int32_t>(r)) != begin + cell_indptr[cell + 1];
  }
  int64_t Counts(size_t r, size_t at) const { return !Covers(r, at) ? 0 : measure[r] == 0 ? 1 : measure[r] == 1 ? cost[at] : face[at]; }
  double Reduced(const std::vector<double>& prices, size_t at) const {
    auto w = static_cast<double>(value[at]);
    for (size_t r = 0; r < constraints(); ++r) w -= (floor[r] != 0 ? -prices[r] : prices[r]) * static_cast<double>(Counts(r, at));
    return w;
  }
  bool Within(const std::vector<size_t>& set) const {
    if (static_cast<int64_t>(set.size()) > per_user) return false;
    for (const size_t a : set) {
      for (const size_t b : set) {
        if (a != b && coupons[a] == coupons[b]) return false;
      }
    }
    for (size_t g = 0; g < cap.size(); ++g) {
      int32_t held = 0;
      for (const size_t at : set) {
        for (int32_t up = group[static_cast<size_t>(coupons[at])]; up >= 0; up = parent[static_cast<size_t>(up)]) {
          held += up == static_cast<int32_t>(g) ? 1 : 0;
        }
      }
      if (held > cap[g]) return false;
    }
    return true;
  }
  std::vector<size_t> PlacesOf(size_t unit) const {
    std::vector<size_t> all;
    for (auto m = static_cast<size_t>(unit_indptr[unit]); m < static_cast<size_t>(unit_indptr[unit + 1]); ++m) {
      const auto user = static_cast<size_t>(members[m]);
      for (size_t j = 0; j < static_cast<size_t>(counts[user]); ++j) all.push_back(user * static_cast<size_t>(width) + j);
    }
    return all;
  }
  template <typename Visit>
  void EachSet(size_t unit, Visit&& visit) const {
    const auto all = PlacesOf(unit);
    std::vector<size_t> set;
    for (uint32_t bits = 0; bits < (uint32_t{1} << all.size()); ++bits) {
      if (std::popcount(bits) > per_user) continue;
      set.clear();
      for (size_t j = 0; j < all.size(); ++j) {
        if ((bits >> j & 1) != 0) set.push_back(all[j]);
      }
      if (Within(set)) visit(set);
    }
  }
  double Dual(const std::vector<double>& prices) const {
    double dual = 0;
    for (size_t r = 0; r < constraints(); ++r) dual += (floor[r] != 0 ? -prices[r] : prices[r]) * static_cast<double>(limit[r]);
    for (size_t unit = 0; unit + 1 < unit_indptr.size(); ++unit) {
      double best = 0;
      EachSet(unit, [&](const std::vector<size_t>& set) {
        double sum = 0;
        for (const size_t at : set) sum += Reduced(prices, at);
        best = std::max(best, sum);
      });
      dual += best;
    }
    return dual;
  }
};

Shop RandomShop(int64_t users, bool floors, bool joined, Random* random) {
  Shop shop;
  shop.users = users;
  const int64_t coupons = 2 + random->Below(3);
  shop.width = joined ? std::min<int64_t>(3, coupons) : coupons;
  shop.num_classes = 1 + random->Below(3);
  shop.per_user = 1 + random->Below(3);
  for (int64_t u = 0; u < users; ++u) {
    shop.user_class.push_back(static_cast<int32_t>(random->Below(shop.num_classes)));
    shop.counts.push_back(static_cast<int32_t>(random->Below(4) == 0 ? random->Below(shop.width + 1) : shop.width));
    const auto skip = static_cast<int32_t>(random->Below(coupons - shop.width + 1));
    for (int32_t j = 0; j < static_cast<int32_t>(shop.width); ++j) {
      shop.coupons.push_back(j + skip);
      shop.value.push_back(random->Below(4000) - (floors ? 500 : 0));
      shop.cost.push_back(random->Below(5) == 0 ? 0 : random->Below(2000));
      shop.face.push_back(shop.cost.back() + random->Below(3000));
    }
  }
  const int64_t groups = random->Below(4);
  for (int32_t g = 0; g < static_cast<int32_t>(groups); ++g) {
    shop.parent.push_back(static_cast<int32_t>(random->Below(g + 1)) - 1);
    shop.cap.push_back(static_cast<int32_t>(random->Below(8) == 0 ? 0 : 1 + random->Below(2)));
  }
  for (int64_t c = 0; c < coupons; ++c) shop.group.push_back(static_cast<int32_t>(random->Below(groups + 1)) - 1);
  const int64_t constraints = 1 + random->Below(4);
  for (int64_t r = 0; r < constraints; ++r) {
    const bool is_floor = floors && random->Below(2) == 0;
    shop.measure.push_back(static_cast<uint8_t>(random->Below(3)));
    shop.floor.push_back(is_floor ? 1 : 0);
    const int64_t most = shop.measure.back() == 0 ? users : users * 1500;
    shop.limit.push_back(random->Below(is_floor ? most / 4 + 1 : most));
  }
  shop.cell_indptr.push_back(0);
  for (int64_t cell = 0; cell < shop.num_classes * coupons; ++cell) {
    for (int64_t r = 0; r < constraints; ++r) {
      if (random->Below(3) != 0) shop.cell_constraints.push_back(static_cast<int32_t>(r));
    }
    shop.cell_indptr.push_back(static_cast<int64_t>(shop.cell_constraints.size()));
  }
  shop.unit_indptr.push_back(0);
  for (int64_t u = 0; u < users; ++u) {
    shop.members.push_back(static_cast<int32_t>(u));
    if (!joined || random->Below(2) == 0 || u + 1 == users) shop.unit_indptr.push_back(u + 1);
    if (shop.unit_indptr.back() + 2 <= u && shop.unit_indptr.back() != u + 1) shop.unit_indptr.push_back(u + 1);
  }
  return shop;
}

std::vector<double> RandomPrices(const Shop& shop, Random* random) {
  std::vector<double> prices;
  for (size_t r = 0; r < shop.constraints(); ++r) {
    prices.push_back(random->Below(3) == 0 ? 0 : random->Between(0, shop.measure[r] == 0 ? 1500 : 1));
  }
  return prices;
}

struct Solved {
  DualSolution solution;
  std::vector<double> prices;
  std::vector<int64_t> usage;
  std::vector<uint8_t> chosen;
};

Status Solve(const Shop& shop, Solved* solved, CancelFlag cancel = {}) {
  const size_t dims = shop.constraints();
  const std::vector<double> zero(dims, 0.0);
  const std::vector<double> infinity(dims, kInfinity);
  const std::vector<double> limits(shop.limit.begin(), shop.limit.end());
  *solved = {{}, std::vector<double>(dims), std::vector<int64_t>(dims), std::vector<uint8_t>(shop.places())};
  return SolveDual(shop.problem(), shop.units(), {limits, zero, zero, infinity, 0, 1e-9, false}, cancel, solved->prices, solved->usage,
                   solved->chosen, &solved->solution);
}

Status Feasible(const Shop& shop, const std::vector<uint8_t>& chosen, PolishStats* totals) {
  std::vector<int64_t> usage(shop.constraints());
  const Status status = CheckFeasible(shop.problem(), shop.units(), chosen, {}, usage, totals);
  for (size_t r = 0; r < usage.size() && status.ok(); ++r) {
    int64_t expected = 0;
    for (size_t at = 0; at < chosen.size(); ++at) expected += chosen[at] != 0 ? shop.Counts(r, at) : 0;
    EXPECT_EQ(usage[r], expected);
  }
  return status;
}

// The largest value of a feasible choice by trying all; -1e18 if there is none.
class Exhaustive {
 public:
  explicit Exhaustive(const Shop& shop) : shop_(shop), used_(shop.constraints(), 0) { Try(0, 0); }
  double best() const { return best_; }

 private:
  void Try(size_t unit, int64_t value) {
    if (unit + 1 == shop_.unit_indptr.size()) {
      bool holds = true;
      for (size_t r = 0; r < used_.size(); ++r) holds &= shop_.floor[r] != 0 ? used_[r] >= shop_.limit[r] : used_[r] <= shop_.limit[r];
      if (holds) best_ = std::max(best_, static_cast<double>(value));
      return;
    }
    shop_.EachSet(unit, [&](std::vector<size_t> set) {
      int64_t gained = 0;
      for (const size_t at : set) {
        gained += shop_.value[at];
        for (size_t r = 0; r < used_.size(); ++r) used_[r] += shop_.Counts(r, at);
      }
      Try(unit + 1, value + gained);
      for (const size_t at : set) {
        for (size_t r = 0; r < used_.size(); ++r) used_[r] -= shop_.Counts(r, at);
      }
    });
  }

  const Shop& shop_;
  std::vector<int64_t> used_;
  double best_ = -1e18;
};

TEST(AllocationRules, DualEqualsEnumerationOnEveryTarget) {
  ForEachTarget([] {
    Random random(11);
    for (int round = 0; round < 60; ++round) {
      const Shop shop = RandomShop(1 + random.Below(20), round % 2 == 0, false, &random);
      const auto prices = RandomPrices(shop, &random);
      double surplus = 0;
      std::vector<int64_t> usage(shop.constraints(), 0);
      for (const RowRange range : Shards(shop.users, 7)) {
        std::vector<int64_t> part(shop.constraints());
        DualPartial partial;
        partial.usage = part;
        ASSERT_OK(EvaluateDual(shop.problem(), prices, {}, range, {}, &partial, {}, {}));
        surplus += partial.surplus;
        for (size_t r = 0; r < part.size(); ++r) usage[r] += part[r];
      }
      for (size_t r = 0; r < prices.size(); ++r)
        surplus += (shop.floor[r] != 0 ? -prices[r] : prices[r]) * static_cast<double>(shop.limit[r]);
      const double expected = shop.Dual(prices);
      EXPECT_NEAR(surplus, expected, 1e-9 * std::max(1.0, std::fabs(expected)));
    }
  });
}

TEST(AllocationRules, EveryTargetSolvesToTheSameBits) {
  Random random(12);
  const Shop shop = RandomShop(300, true, true, &random);
  Solved first;
  ASSERT_OK(Solve(shop, &first));
  ForEachTarget([&] {
    Solved again;
    ASSERT_OK(Solve(shop, &again));
    EXPECT_TRUE(SameBits(again.prices, first.prices));
    EXPECT_TRUE(SameBits(again.chosen, first.chosen));
    EXPECT_EQ(again.solution.bound, first.solution.bound);
  });
}

TEST(AllocationRules, SettledUsersKeepTheirChoiceAtAnyPricesOfTheBox) {
  Random random(13);
  int settled = 0;
  for (int round = 0; round < 150; ++round) {
    const Shop shop = RandomShop(20, round % 2 == 0, false, &random);
    const auto prices = RandomPrices(shop, &random);
    std::vector<double> radius;
    for (const double price : prices) radius.push_back(random.Below(3) == 0 ? 0 : price * random.Between(0, 0.1));
    std::vector<uint8_t> open(20);
    std::vector<uint8_t> chosen(shop.places());
    std::vector<int64_t> usage(shop.constraints());
    DualPartial partial;
    partial.usage = usage;
    ASSERT_OK(EvaluateDual(shop.problem(), prices, {radius, {}}, {0, 20}, {}, &partial, chosen, open));
    for (int nearby = 0; nearby < 5; ++nearby) {
      std::vector<double> other = prices;
      for (size_t r = 0; r < other.size(); ++r) other[r] = std::max(0.0, other[r] + radius[r] * random.Between(-1, 1));
      std::vector<uint8_t> there(shop.places());
      std::vector<int64_t> unused(shop.constraints());
      DualPartial all;
      all.usage = unused;
      ASSERT_OK(EvaluateDual(shop.problem(), other, {}, {0, 20}, {}, &all, there, {}));
      for (size_t u = 0; u < 20; ++u) {
        if (open[u] != 0) continue;
        ++settled;
        for (size_t at = u * static_cast<size_t>(shop.width); at < (u + 1) * static_cast<size_t>(shop.width); ++at) {
          EXPECT_EQ(there[at], chosen[at]) << round << " user " << u;
        }
      }
    }
  }
  EXPECT_GT(settled, 1000);
}

TEST(AllocationRules, SolveDualEndsAtTheMinimum) {
  Random random(14);
  for (int round = 0; round < 40; ++round) {
    const Shop shop = RandomShop(6, false, round % 2 == 0, &random);
    Solved solved;
    ASSERT_OK(Solve(shop, &solved));
    const double bound = solved.solution.bound;
    EXPECT_NEAR(bound, shop.Dual(solved.prices), 1e-6 * std::max(1.0, bound));
    for (int other = 0; other < 30; ++other) {
      std::vector<double> prices = solved.prices;
      for (double& price : prices) price = std::max(0.0, price + random.Between(-1, 1) * (random.Below(2) == 0 ? 0.01 * price : 1));
      EXPECT_GE(shop.Dual(prices), bound - 1e-6 * std::max(1.0, bound)) << round;
    }
  }
}

TEST(AllocationRules, FindFeasibleFindsWhateverThereIs) {
  Random random(16);
  int found = 0;
  int proven = 0;
  for (int round = 0; round < 300; ++round) {
    const Shop shop = RandomShop(1 + random.Below(4), true, round % 2 == 0, &random);
    const bool feasible = Exhaustive(shop).best() > -1e17;
    std::vector<uint8_t> chosen(shop.places(), 7);
    FeasibilitySearch search;
    ASSERT_OK(FindFeasible(shop.problem(), shop.units(), 1 << 20, {}, chosen, &search));
    EXPECT_TRUE(search.exhausted);
    EXPECT_EQ(search.found, feasible) << round;
    if (!search.found) {
      ++proven;
      EXPECT_EQ(std::ranges::count(chosen, 7), static_cast<std::ptrdiff_t>(chosen.size()));
      continue;
    }
    ++found;
    std::vector<int64_t> usage(shop.constraints());
    PolishStats totals;
    EXPECT_OK(CheckFeasible(shop.problem(), shop.units(), chosen, {}, usage, &totals));
  }
  EXPECT_GT(found, 50);
  EXPECT_GT(proven, 20);
  const Shop shop = RandomShop(30, true, false, &random);
  std::vector<uint8_t> chosen(shop.places());
  FeasibilitySearch search;
  ASSERT_OK(FindFeasible(shop.problem(), shop.units(), 0, {}, chosen, &search));
  EXPECT_FALSE(search.exhausted);
}

TEST(AllocationRules, NewtonEndsNearTheMinimumOfManyUsers) {
  Random random(17);
  for (int round = 0; round < 10; ++round) {
    const Shop shop = RandomShop(3000, false, round % 2 == 0, &random);
    Solved exact;
    ASSERT_OK(Solve(shop, &exact));
    Solved smooth = exact;
    const std::vector<double> limits(shop.limit.begin(), shop.limit.end());
    const std::vector<double> zero(shop.constraints(), 0.0);
    const std::vector<double> infinity(shop.constraints(), std::numeric_limits<double>::infinity());
    ASSERT_OK(SolveDual(shop.problem(), shop.units(), {limits, zero, zero, infinity, 0, 1e-9, false, false}, {}, smooth.prices,
                        smooth.usage, smooth.chosen, &smooth.solution));
    EXPECT_GE(smooth.solution.bound, exact.solution.bound * (1 - 1e-8));
    EXPECT_LE(smooth.solution.bound, exact.solution.bound * (1 + 1e-3)) << round;
  }
}

TEST(AllocationRules, IsFeasibleAndBelowTheBoundWheneverAnythingIs) {
  Random random(15);
  int feasible = 0;
  int reached = 0;
  double value = 0;
  double optimum = 0;
  for (int round = 0; round < 300; ++round) {
    const Shop shop = RandomShop(1 + random.Below(4), round % 3 != 0, round % 2 == 0, &random);
    const double best = Exhaustive(shop).best();
    Solved solved;
    ASSERT_OK(Solve(shop, &solved));
    std::vector<int64_t> left;
    for (size_t r = 0; r < shop.constraints(); ++r) left.push_back(shop.floor[r] != 0 ? -shop.limit[r] : shop.limit[r]);
    PolishStats stats;
    ASSERT_OK(RepairAndPolish(shop.problem(), shop.units(), solved.prices, left, {}, solved.chosen, &stats));
    if (best < -1e17) {
      EXPECT_GE(stats.broken, 0) << round;
      continue;
    }
    ++feasible;
    EXPECT_GE(solved.solution.bound, best - 1e-6 * std::fabs(best) - 1e-6) << round;
    PolishStats totals;
    const Status check = Feasible(shop, solved.chosen, &totals);
    EXPECT_EQ(check.ok(), stats.broken < 0) << round << " " << check.message();
    EXPECT_EQ(totals.value, stats.value);
    if (!check.ok()) continue;
    ++reached;
    EXPECT_LE(static_cast<double>(stats.value), best);
    value += static_cast<double>(stats.value);
    optimum += best;
  }
  EXPECT_GT(feasible, 150);
  RecordProperty("feasible", feasible);
  RecordProperty("reached", reached);
  EXPECT_GT(reached, feasible * 95 / 100);
  EXPECT_GT(value, 0.97 * optimum);
}

TEST(AllocationRules, AUnitHoldsACouponOnce) {
  // Two users of one identity, the same two coupons.
  Shop shop;
  shop.users = 2;
  shop.width = 2;
  shop.counts = {2, 2};
  shop.coupons = {0, 1, 0, 1};
  shop.user_class = {0, 0};
  shop.value = {10, 7, 9, 8};
  shop.cost = shop.face = {0, 0, 0, 0};
  shop.group = {-1, -1};
  shop.cell_indptr = {0, 0, 0};
  shop.unit_indptr = {0, 2};
  shop.members = {0, 1};
  shop.per_user = 2;
  Solved solved;
  ASSERT_OK(Solve(shop, &solved));
  EXPECT_EQ(solved.chosen, std::vector<uint8_t>({1, 0, 0, 1}));
  EXPECT_EQ(solved.solution.bound, 18);
  PolishStats totals;
  EXPECT_CODE(StatusCode::kInfeasible, Feasible(shop, {1, 0, 1, 0}, &totals));
  shop.per_user = 1;
  ASSERT_OK(Solve(shop, &solved));
  EXPECT_EQ(solved.chosen, std::vector<uint8_t>({1, 0, 0, 0}));
  EXPECT_CODE(StatusCode::kInfeasible, Feasible(shop, {1, 0, 0, 1}, &totals));
}

TEST(AllocationRules, RefusesWhatDoesNotFit) {
  Random random(16);
  const Shop shop = RandomShop(5, true, true, &random);
  Solved solved;
  EXPECT_CODE(StatusCode::kCancelled, Solve(shop, &solved, Raised()));
  const size_t dims = shop.constraints();
  const std::vector<double> zero(dims, 0.0);
  const std::vector<double> one(dims, 1.0);
  const std::vector<double> nan(dims, std::numeric_limits<double>::quiet_NaN());
  const auto solve = [&](const DualTask& task) {
    return SolveDual(shop.problem(), shop.units(), task, {}, solved.prices, solved.usage, {}, &solved.solution);
  };
  EXPECT_OK(solve({one, zero, zero, one, 0, 1e-6, false}));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve({nan, zero, zero, one, 0, 1e-6, false}));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve({one, one, zero, zero, 0, 1e-6, false}));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve({one, zero, one, one, 0, 1e-6, false}));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve({one, zero, zero, nan, 0, 1e-6, false}));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve({one, zero, zero, one, 0, 0, false}));
  EXPECT_CODE(StatusCode::kInvalidArgument, solve({std::span(one).first(dims - 1), zero, zero, one, 0, 1e-6, false}));
}

TEST(ToMilli, RoundsValuesAndCostsAndNamesWhatIsWrong) {
  const std::vector<int32_t> counts = {2, 1};
  const std::vector<double> amount = {0.0014, 0.3, 1.0004, std::numeric_limits<double>::quiet_NaN()};
  std::vector<int64_t> milli(4, 7);
  MoneyColumn column{"valueMinor", amount, {}, 0, false, 0};
  ASSERT_OK(ToMilli(counts, 2, column, {0, 2}, {}, milli));
  EXPECT_EQ(milli, std::vector<int64_t>({1, 300, 1000, 0}));
  column.up = true;
  ASSERT_OK(ToMilli(counts, 2, column, {0, 2}, {}, milli));
  EXPECT_EQ(milli, std::vector<int64_t>({2, 300, 1001, 0}));
  const std::vector<double> sigma = {0.001, 0.2, 2, 0};
  column = {"valueMinor", amount, sigma, 2, false, -kMaxCandidateMilli};
  ASSERT_OK(ToMilli(counts, 2, column, {0, 2}, {}, milli));
  EXPECT_EQ(milli, std::vector<int64_t>({-1, -100, -3000, 0}));
  column.least = 0;
  const Status below = ToMilli(counts, 2, column, {0, 2}, {}, milli);
  EXPECT_CODE(StatusCode::kInvalidArgument, below);
  EXPECT_NE(below.message().find("valueMinor[0]"), std::string::npos);
  EXPECT_CODE(StatusCode::kInvalidArgument, ToMilli(counts, 3, column, {0, 2}, {}, milli));
  EXPECT_CODE(StatusCode::kOutOfRange, ToMilli(counts, 2, column, {0, 3}, {}, milli));
  EXPECT_CODE(StatusCode::kCancelled, ToMilli(counts, 2, column, {0, 2}, Raised(), milli));
}

}  // namespace
}  // namespace couponcast
