#include "couponcast/allocate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::Shards;

struct Instance {
  int64_t users;
  int64_t width;
  std::vector<int32_t> counts;
  std::vector<int32_t> coupons;
  std::vector<int64_t> value;
  std::vector<int64_t> cost;
  std::vector<int32_t> group;
  std::vector<int64_t> stock;
  std::vector<int64_t> coupon_budget;
  int64_t budget = -1;
  int64_t per_user = 1;

  // Constraints: stock by coupon, budgets by coupon, the budget; without those that are unlimited.
  AllocationProblem view() const {
    rules = {};
    const auto constrain = [&](Measure measure, int64_t limit, int32_t coupon) {
      if (limit == -1) return;
      rules.measure.push_back(static_cast<uint8_t>(measure));
      rules.limit.push_back(limit);
      rules.coupon.push_back(coupon);
    };
    for (size_t c = 0; c < stock.size(); ++c) constrain(Measure::kPieces, stock[c], static_cast<int32_t>(c));
    for (size_t c = 0; c < coupon_budget.size(); ++c) constrain(Measure::kCost, coupon_budget[c], static_cast<int32_t>(c));
    constrain(Measure::kCost, budget, -1);
    rules.floor.assign(rules.limit.size(), 0);
    rules.cell_indptr = {0};
    for (int32_t c = 0; c < static_cast<int32_t>(group.size()); ++c) {
      for (size_t r = 0; r < rules.limit.size(); ++r) {
        if (rules.coupon[r] == c || rules.coupon[r] == -1) rules.cell_constraints.push_back(static_cast<int32_t>(r));
      }
      rules.cell_indptr.push_back(static_cast<int64_t>(rules.cell_constraints.size()));
    }
    const int32_t groups = group.empty() ? 0 : 1 + *std::ranges::max_element(group);
    rules.parent.assign(static_cast<size_t>(groups), -1);
    rules.cap.assign(static_cast<size_t>(groups), 1);
    AllocationProblem problem;
    problem.users = users;
    problem.width = width;
    problem.counts = counts;
    problem.coupons = coupons;
    problem.value = value;
    problem.cost = cost;
    problem.group = group;
    problem.group_parent = rules.parent;
    problem.group_cap = rules.cap;
    problem.per_user = per_user;
    problem.measure = rules.measure;
    problem.floor = rules.floor;
    problem.limit = rules.limit;
    problem.cell_indptr = rules.cell_indptr;
    problem.cell_constraints = rules.cell_constraints;
    return problem;
  }
  size_t num_coupons() const { return group.size(); }
  size_t places() const { return static_cast<size_t>(users * width); }

  struct Rules {
    std::vector<uint8_t> measure;
    std::vector<uint8_t> floor;
    std::vector<int64_t> limit;
    std::vector<int32_t> coupon;
    std::vector<int64_t> cell_indptr;
    std::vector<int32_t> cell_constraints;
    std::vector<int32_t> parent;
    std::vector<int32_t> cap;
  };
  mutable Rules rules = {};  // what view() shows
};

struct Prices {
  double budget = 0;
  std::vector<double> coupon_budget;
  std::vector<double> stock;
  explicit Prices(const Instance& instance) : coupon_budget(instance.num_coupons(), 0.0), stock(instance.num_coupons(), 0.0) {}
  // One a constraint of the instance.
  std::vector<double> of(const Instance& instance) const {
    std::vector<double> prices;
    for (size_t c = 0; c < stock.size(); ++c) {
      if (instance.stock[c] >= 0) prices.push_back(stock[c]);
    }
    for (size_t c = 0; c < coupon_budget.size(); ++c) {
      if (instance.coupon_budget[c] >= 0) prices.push_back(coupon_budget[c]);
    }
    if (instance.budget >= 0) prices.push_back(budget);
    return prices;
  }
};

// The example of formulas.md, in thousandths.
Instance Golden() {
  const std::vector<double> v = {3, 5, 6.2, 2, 4.5, 5, 1, 2.6, 4.4, 2.5, 2.8, 3};
  Instance golden{4, 3, {3, 3, 3, 3}, {}, {}, {}, {-1, -1, -1}, {4, 1, 4}, {-1, -1, -1}, 7000, 1};
  for (size_t i = 0; i < 12; ++i) {
    golden.coupons.push_back(static_cast<int32_t>(i % 3));
    golden.value.push_back(std::llround(v[i] * 1000));
    golden.cost.push_back(std::vector<int64_t>{1000, 2000, 4000}[i % 3]);
  }
  return golden;
}

// Everything varies: caps, groups, limits of zero, small, large and none, candidates of no cost.
Instance RandomInstance(int64_t users, int64_t coupons, Random* random) {
  Instance instance{users, 1 + random->Below(coupons), {}, {}, {}, {}, {}, {}, {}, -1, 1 + random->Below(3)};
  int64_t total_cost = 0;
  for (int64_t u = 0; u < users; ++u) {
    const int64_t count = random->Below(3) == 0 ? random->Below(instance.width + 1) : instance.width;
    std::vector<int32_t> chosen;
    for (int32_t c = 0; c < coupons; ++c) chosen.push_back(c);
    while (static_cast<int64_t>(chosen.size()) > count) chosen.erase(chosen.begin() + random->Below(static_cast<int64_t>(chosen.size())));
    instance.counts.push_back(static_cast<int32_t>(count));
    for (int64_t j = 0; j < instance.width; ++j) {
      const bool used = j < count;
      instance.coupons.push_back(used ? chosen[static_cast<size_t>(j)] : -1);
      instance.value.push_back(used ? 1 + random->Below(random->Below(2) == 0 ? 10 : 10000) : 0);
      instance.cost.push_back(used && random->Below(6) != 0 ? 1 + random->Below(random->Below(2) == 0 ? 5 : 5000) : 0);
      total_cost += instance.cost.back();
    }
  }
  const auto limit = [&](int64_t typical) {
    const int64_t kind = random->Below(9);
    if (kind == 0) return int64_t{-1};
    if (kind == 1) return int64_t{0};
    return 1 + random->Below(typical + 1);
  };
  for (int64_t c = 0; c < coupons; ++c) {
    instance.group.push_back(static_cast<int32_t>(random->Below(4) - 1));
    instance.stock.push_back(limit(users));
    instance.coupon_budget.push_back(limit(total_cost / 3));
  }
  instance.budget = limit(total_cost / 2);
  return instance;
}

// Like the example of formulas.md: values and costs of one size and a budget that decides, the hard kind.
Instance TightInstance(int64_t users, int64_t coupons, int64_t per_user, Random* random) {
  Instance instance{users, coupons, {}, {}, {}, {}, {}, {}, {}, 0, per_user};
  for (int64_t u = 0; u < users; ++u) {
    instance.counts.push_back(static_cast<int32_t>(coupons));
    for (int64_t c = 0; c < coupons; ++c) {
      const int64_t cost = 1000 * (c + 1);
      instance.coupons.push_back(static_cast<int32_t>(c));
      instance.cost.push_back(cost + 100 * random->Below(3));
      instance.value.push_back(cost + 100 * random->Below(20));
    }
    instance.budget += 1000 + 100 * random->Below(8);
  }
  for (int64_t c = 0; c < coupons; ++c) {
    instance.group.push_back(-1);
    instance.stock.push_back(random->Below(3) == 0 ? 1 + random->Below(users) : -1);
    instance.coupon_budget.push_back(-1);
  }
  return instance;
}

Prices RandomPrices(const Instance& instance, Random* random) {
  Prices prices(instance);
  if (random->Below(4) == 0) return prices;  // all zero
  prices.budget = random->Between(0, 3);
  for (size_t c = 0; c < instance.num_coupons(); ++c) {
    prices.coupon_budget[c] = instance.coupon_budget[c] >= 0 && random->Below(2) == 0 ? random->Between(0, 2) : 0;
    prices.stock[c] = instance.stock[c] >= 0 && random->Below(2) == 0 ? random->Between(0, 3000) : 0;
  }
  if (instance.budget < 0) prices.budget = 0;
  return prices;
}

struct Response {
  DualPartial partial;
  std::vector<int64_t> usage;
  std::vector<uint8_t> chosen;
};

Response Respond(const Instance& instance, const Prices& prices, int64_t shard = 1000) {
  const AllocationProblem problem = instance.view();
  const size_t constraints = problem.limit.size();
  Response all{{}, std::vector<int64_t>(constraints, 0), std::vector<uint8_t>(instance.places(), 7)};
  for (const RowRange range : Shards(instance.users, shard)) {
    std::vector<int64_t> usage(constraints, -7);
    DualPartial partial{-7, -7, -7, -7, usage};
    EXPECT_OK(
        EvaluateDual(problem, prices.of(instance), {}, range, {}, &partial,
                     std::span(all.chosen)
                         .subspan(static_cast<size_t>(range.begin * instance.width), static_cast<size_t>(range.size() * instance.width)),
                     {}));
    all.partial.surplus += partial.surplus;
    all.partial.value += partial.value;
    all.partial.spend += partial.spend;
    all.partial.assigned += partial.assigned;
    for (size_t r = 0; r < constraints; ++r) all.usage[r] += usage[r];
  }
  return all;
}

AllocationUnits Everybody(const Instance& instance, std::vector<int32_t>* members) {
  members->clear();
  for (int32_t u = 0; u < static_cast<int32_t>(instance.users); ++u) members->push_back(u);
  return {{}, *members};
}

Status Polish(const Instance& instance, const std::vector<double>& prices, CancelFlag cancel, std::span<uint8_t> chosen,
              PolishStats* stats) {
  const AllocationProblem problem = instance.view();
  std::vector<int32_t> members;
  return RepairAndPolish(problem, Everybody(instance, &members), prices, problem.limit, cancel, chosen, stats);
}

Status Feasible(const Instance& instance, std::span<const uint8_t> chosen, PolishStats* totals) {
  const AllocationProblem problem = instance.view();
  std::vector<int64_t> usage(problem.limit.size());
  return CheckFeasible(problem, {}, chosen, {}, usage, totals);
}

Status Checked(const Instance& instance) {
  CandidateTotals totals;
  return CheckProblem(instance.view(), {0, instance.users}, {}, &totals);
}

// D = budget lambda + sum_j (coupon_budget_j beta_j + stock_j mu_j) + surplus; prices of unlimited resources are 0.
double Bound(const Instance& instance, const Prices& prices, const Response& response) {
  double bound = response.partial.surplus + prices.budget * static_cast<double>(std::max<int64_t>(instance.budget, 0));
  for (size_t c = 0; c < instance.num_coupons(); ++c) {
    bound += prices.coupon_budget[c] * static_cast<double>(std::max<int64_t>(instance.coupon_budget[c], 0));
    bound += prices.stock[c] * static_cast<double>(std::max<int64_t>(instance.stock[c], 0));
  }
  return bound;
}

// Prices near the optimum of the dual: the best of a grid.
Prices GoodPrices(const Instance& instance) {
  Prices best(instance);
  double bound = std::numeric_limits<double>::infinity();
  const auto coupons = static_cast<uint32_t>(instance.num_coupons());
  for (int step = 0; step <= 40; ++step) {
    for (uint32_t which = 0; which < (uint32_t{1} << coupons); ++which) {
      Prices prices(instance);
      prices.budget = 0.5 + 0.05 * step;
      for (uint32_t c = 0; c < coupons; ++c) prices.stock[c] = instance.stock[c] >= 0 && (which >> c & 1) != 0 ? 400 : 0;
      const double at = Bound(instance, prices, Respond(instance, prices));
      if (at < bound) {
        bound = at;
        best = prices;
      }
    }
  }
  return best;
}

// Feasible sets of a user as lists of places, by trying all of them.
std::vector<std::vector<size_t>> SetsOf(const Instance& instance, int64_t user) {
  std::vector<std::vector<size_t>> sets;
  const auto count = static_cast<size_t>(instance.counts[static_cast<size_t>(user)]);
  for (uint32_t bits = 0; bits < (uint32_t{1} << count); ++bits) {
    if (std::popcount(bits) > instance.per_user) continue;
    std::vector<size_t> set;
    bool exclusive = true;
    for (size_t j = 0; j < count; ++j) {
      if ((bits >> j & 1) == 0) continue;
      const auto place = static_cast<size_t>(user * instance.width) + j;
      const int32_t group = instance.group[static_cast<size_t>(instance.coupons[place])];
      for (const size_t other : set) exclusive &= group < 0 || instance.group[static_cast<size_t>(instance.coupons[other])] != group;
      set.push_back(place);
    }
    if (exclusive) sets.push_back(set);
  }
  return sets;
}

// The largest value of a feasible choice, by trying all of them.
class Exhaustive {
 public:
  explicit Exhaustive(const Instance& instance)
      : instance_(instance), stock_(instance.stock), coupon_budget_(instance.coupon_budget), budget_(instance.budget) {
    for (int64_t u = 0; u < instance.users; ++u) sets_.push_back(SetsOf(instance, u));
    Try(0, 0);
  }
  int64_t best() const { return best_; }

 private:
  static bool Left(int64_t limit, int64_t initial) { return initial < 0 || limit >= 0; }
  void Try(size_t user, int64_t value) {
    if (user == sets_.size()) {
      best_ = std::max(best_, value);
      return;
    }
    for (const auto& set : sets_[user]) {
      bool fits = true;
      int64_t gained = 0;
      for (const size_t place : set) {
        const auto coupon = static_cast<size_t>(instance_.coupons[place]);
        --stock_[coupon];
        coupon_budget_[coupon] -= instance_.cost[place];
        budget_ -= instance_.cost[place];
        gained += instance_.value[place];
        fits &= Left(stock_[coupon], instance_.stock[coupon]) && Left(coupon_budget_[coupon], instance_.coupon_budget[coupon]);
      }
      if (fits && Left(budget_, instance_.budget)) Try(user + 1, value + gained);
      for (const size_t place : set) {
        const auto coupon = static_cast<size_t>(instance_.coupons[place]);
        ++stock_[coupon];
        coupon_budget_[coupon] += instance_.cost[place];
        budget_ += instance_.cost[place];
      }
    }
  }

  const Instance& instance_;
  std::vector<std::vector<std::vector<size_t>>> sets_;
  std::vector<int64_t> stock_;
  std::vector<int64_t> coupon_budget_;
  int64_t budget_;
  int64_t best_ = 0;
};

TEST(Allocation, GoldenDualValue) {
  const Instance golden = Golden();
  Prices prices(golden);
  prices.budget = 1.1;
  prices.stock[1] = 900;
  EXPECT_NEAR(Bound(golden, prices, Respond(golden, prices)), 13300, 1e-6);
  // It is the optimum of the dual: no other prices give less.
  for (const double budget : {0.9, 1.0, 1.05, 1.15, 1.2, 1.3}) {
    for (const double stock : {0.0, 500.0, 800.0, 900.0, 1000.0, 1200.0}) {
      prices.budget = budget;
      prices.stock[1] = stock;
      EXPECT_GE(Bound(golden, prices, Respond(golden, prices)), 13300 - 1e-6);
    }
  }
}

TEST(Allocation, GoldenOptimumIsReachedFromNearTheMultipliers) {
  const Instance golden = Golden();
  EXPECT_EQ(Exhaustive(golden).best(), 13200);
  for (const double budget : {1.08, 1.1 - 1e-9, 1.1, 1.1 + 1e-9, 1.12}) {
    for (const double stock : {880.0, 900.0 - 1e-6, 900.0, 900.0 + 1e-6, 920.0}) {
      Prices prices(golden);
      prices.budget = budget;
      prices.stock[1] = stock;
      Response response = Respond(golden, prices);
      PolishStats stats;
      ASSERT_OK(Polish(golden, prices.of(golden), {}, response.chosen, &stats));
      EXPECT_EQ(stats.value, 13200) << budget << " " << stock;
      EXPECT_EQ(stats.spend, 7000);
      EXPECT_EQ(stats.assigned, 3);
      // u1 gets C, u2 B, u3 nothing, u4 A.
      EXPECT_EQ(response.chosen, std::vector<uint8_t>({0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0}));
    }
  }
}

TEST(EvaluateDual, EachUserTakesTheBestSet) {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const Instance instance = RandomInstance(4, 1 + random.Below(7), &random);
    ASSERT_OK(Checked(instance));
    const Prices prices = RandomPrices(instance, &random);
    const Response response = Respond(instance, prices);
    std::vector<int64_t> count(instance.num_coupons(), 0);
    std::vector<int64_t> spend(instance.num_coupons(), 0);
    int64_t value = 0;
    double expected_surplus = 0;
    const auto reduced = [&](size_t place) {
      const auto c = static_cast<size_t>(instance.coupons[place]);
      return static_cast<double>(instance.value[place]) -
             (prices.budget + prices.coupon_budget[c]) * static_cast<double>(instance.cost[place]) - prices.stock[c];
    };
    for (int64_t u = 0; u < instance.users; ++u) {
      double best = 0;
      for (const auto& set : SetsOf(instance, u)) {
        double sum = 0;
        for (const size_t place : set) sum += reduced(place);
        best = std::max(best, sum);
      }
      double taken = 0;
      for (int64_t j = 0; j < instance.width; ++j) {
        const auto place = static_cast<size_t>(u * instance.width + j);
        ASSERT_LE(response.chosen[place], 1);
        if (response.chosen[place] == 0) continue;
        ASSERT_LT(j, instance.counts[static_cast<size_t>(u)]);
        taken += reduced(place);
        value += instance.value[place];
        ++count[static_cast<size_t>(instance.coupons[place])];
        spend[static_cast<size_t>(instance.coupons[place])] += instance.cost[place];
      }
      EXPECT_NEAR(taken, best, 1e-9 * std::max(1.0, best));
      expected_surplus += best;
    }
    EXPECT_NEAR(response.partial.surplus, expected_surplus, 1e-9 * std::max(1.0, expected_surplus));
    EXPECT_EQ(response.partial.value, value);
    std::vector<int64_t> usage;
    for (size_t c = 0; c < count.size(); ++c) {
      if (instance.stock[c] >= 0) usage.push_back(count[c]);
    }
    for (size_t c = 0; c < count.size(); ++c) {
      if (instance.coupon_budget[c] >= 0) usage.push_back(spend[c]);
    }
    if (instance.budget >= 0) usage.push_back(response.partial.spend);
    EXPECT_EQ(response.usage, usage);
    for (const int64_t shard : {1, 3}) {
      const Response parts = Respond(instance, prices, shard);
      EXPECT_TRUE(SameBits(parts.chosen, response.chosen));
      EXPECT_EQ(parts.partial.value, response.partial.value);
      EXPECT_EQ(parts.partial.spend, response.partial.spend);
      EXPECT_EQ(parts.usage, response.usage);
    }
  }
}

TEST(EvaluateDual, TiesGoToTheSmallerCoupon) {
  Instance instance{1, 3, {3}, {0, 1, 2}, {5, 5, 5}, {1, 1, 1}, {-1, -1, -1}, {-1, -1, -1}, {-1, -1, -1}, -1, 1};
  const Prices prices(instance);
  EXPECT_EQ(Respond(instance, prices).chosen, std::vector<uint8_t>({1, 0, 0}));
  instance.per_user = 2;
  EXPECT_EQ(Respond(instance, prices).chosen, std::vector<uint8_t>({1, 1, 0}));
  instance.group = {4, 4, -1};
  EXPECT_EQ(Respond(instance, prices).chosen, std::vector<uint8_t>({1, 0, 1}));
}

TEST(Allocation, LiesBetweenNothingAndTheDualBoundAndIsFeasible) {
  Random random(2);
  double reached = 0;
  double possible = 0;
  int optimal = 0;
  int single = 0;
  constexpr int kRounds = 600;
  for (int round = 0; round < kRounds; ++round) {
    const Instance instance = RandomInstance(1 + random.Below(5), 1 + random.Below(5), &random);
    const int64_t optimum = Exhaustive(instance).best();
    int64_t best = 0;
    for (int start = 0; start < 4; ++start) {
      const Prices prices = RandomPrices(instance, &random);
      Response response = Respond(instance, prices);
      const double bound = Bound(instance, prices, response);
      EXPECT_GE(bound, static_cast<double>(optimum) * (1 - 1e-12)) << round;
      PolishStats stats;
      std::vector<uint8_t> chosen = response.chosen;
      ASSERT_OK(Polish(instance, prices.of(instance), {}, chosen, &stats));
      EXPECT_LE(stats.value, optimum) << round;
      PolishStats recount;
      ASSERT_OK(Feasible(instance, chosen, &recount));
      EXPECT_EQ(recount.value, stats.value);
      EXPECT_EQ(recount.spend, stats.spend);
      EXPECT_EQ(recount.assigned, stats.assigned);
      best = std::max(best, stats.value);
      single += stats.value == optimum ? 1 : 0;
      // The same again: deterministic.
      PolishStats again;
      ASSERT_OK(Polish(instance, prices.of(instance), {}, response.chosen, &again));
      EXPECT_TRUE(SameBits(response.chosen, chosen));
      // Polishing what is polished breaks nothing and loses nothing.
      ASSERT_OK(Polish(instance, prices.of(instance), {}, chosen, &again));
      EXPECT_GE(again.value, stats.value);
      EXPECT_EQ(again.dropped, 0);
    }
    reached += static_cast<double>(best);
    possible += static_cast<double>(optimum);
    optimal += best == optimum ? 1 : 0;
  }
  RecordProperty("optimal", optimal);
  RecordProperty("optimal_from_one_start", single);
  RecordProperty("reached_per_mille", static_cast<int>(1000 * reached / possible));
  EXPECT_GT(reached, 0.99 * possible);
  EXPECT_GT(optimal, kRounds * 9 / 10);
}

TEST(Allocation, IsNearlyOptimalWhereTheBudgetDecides) {
  Random random(4);
  double reached = 0;
  double possible = 0;
  int optimal = 0;
  constexpr int kRounds = 150;
  for (int round = 0; round < kRounds; ++round) {
    const Instance instance = TightInstance(5 + random.Below(2), 3, 1 + random.Below(2), &random);
    const int64_t optimum = Exhaustive(instance).best();
    const Prices prices = GoodPrices(instance);
    Response response = Respond(instance, prices);
    PolishStats stats;
    ASSERT_OK(Polish(instance, prices.of(instance), {}, response.chosen, &stats));
    EXPECT_LE(stats.value, optimum);
    reached += static_cast<double>(stats.value);
    possible += static_cast<double>(optimum);
    optimal += stats.value == optimum ? 1 : 0;
  }
  RecordProperty("optimal", optimal);
  RecordProperty("reached_per_mille", static_cast<int>(1000 * reached / possible));
  EXPECT_GT(reached, 0.97 * possible);
}

TEST(Allocation, ImprovesAnArbitraryFeasibleOrOverdrawnChoice) {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    const Instance instance = RandomInstance(30, 6, &random);
    const Prices prices = RandomPrices(instance, &random);
    std::vector<uint8_t> chosen(instance.places(), 0);
    for (int64_t u = 0; u < instance.users; ++u) {  // within the caps, whatever the resources
      const auto sets = SetsOf(instance, u);
      for (const size_t place : sets[static_cast<size_t>(random.Below(static_cast<int64_t>(sets.size())))]) chosen[place] = 1;
    }
    PolishStats before;
    const bool feasible = Feasible(instance, chosen, &before).ok();
    PolishStats stats;
    ASSERT_OK(Polish(instance, prices.of(instance), {}, chosen, &stats));
    PolishStats recount;
    ASSERT_OK(Feasible(instance, chosen, &recount));
    if (feasible) {
      EXPECT_EQ(stats.dropped, 0);
      EXPECT_GE(stats.value, before.value);
    }
  }
}

TEST(Allocation, NothingIsGivenWhenNothingIsAllowed) {
  Instance instance = Golden();
  instance.budget = 0;
  const Prices prices(instance);
  PolishStats stats;
  Response response = Respond(instance, prices);
  ASSERT_OK(Polish(instance, prices.of(instance), {}, response.chosen, &stats));
  EXPECT_EQ(stats.assigned, 0);
  EXPECT_EQ(stats.dropped, 4);
  instance.budget = -1;
  instance.stock = {0, 0, 0};
  response = Respond(instance, prices);
  ASSERT_OK(Polish(instance, prices.of(instance), {}, response.chosen, &stats));
  EXPECT_EQ(stats.assigned, 0);
  instance.stock = {-1, -1, -1};
  response = Respond(instance, prices);
  ASSERT_OK(Polish(instance, prices.of(instance), {}, response.chosen, &stats));
  EXPECT_EQ(stats.value, 6200 + 5000 + 4400 + 3000);  // everybody's best
}

TEST(CheckFeasible, NamesTheBrokenLimit) {
  const Instance golden = Golden();
  PolishStats totals;
  const auto check = [&](auto&& change, std::vector<uint8_t> chosen) {
    Instance instance = golden;
    change(instance);
    return Feasible(instance, chosen, &totals);
  };
  const auto same = [](Instance&) {};
  const std::vector<uint8_t> best = {0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0};
  EXPECT_OK(check(same, best));
  EXPECT_EQ(totals.value, 13200);
  EXPECT_CODE(StatusCode::kInfeasible, check([](Instance& i) { i.budget = 6999; }, best));
  EXPECT_NE(check([](Instance& i) { i.budget = 6999; }, best).message().find("7000 exceeds 6999 by 1"), std::string::npos);
  EXPECT_CODE(StatusCode::kInfeasible, check([](Instance& i) { i.stock[2] = 0; }, best));
  EXPECT_CODE(StatusCode::kInfeasible, check([](Instance& i) { i.coupon_budget[2] = 3999; }, best));
  EXPECT_CODE(StatusCode::kInfeasible, check(same, {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_CODE(StatusCode::kInfeasible, check(
                                           [](Instance& i) {
                                             i.per_user = 2;
                                             i.group = {5, 5, -1};
                                           },
                                           {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_OK(check(
      [](Instance& i) {
        i.per_user = 2;
        i.group = {5, 6, -1};
      },
      {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_CODE(StatusCode::kInfeasible, check([](Instance& i) { i.counts[0] = 2; }, best));
  EXPECT_CODE(StatusCode::kInvalidArgument, check(same, {1}));
}

TEST(CheckProblem, FindsEachDefect) {
  const auto broken = [](auto&& change) {
    Instance instance = Golden();
    change(instance);
    return Checked(instance);
  };
  EXPECT_OK(broken([](Instance&) {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.users = 5; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.users = -1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.width = 4; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.width = -3; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.width = std::numeric_limits<int64_t>::max(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.counts[1] = 4; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.counts[1] = -1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.coupons[1] = 0; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.coupons[2] = 3; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.coupons[0] = -1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.value[5] = -kMaxCandidateMilli - 1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.value[5] = kMaxCandidateMilli + 1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.cost[5] = -1; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.cost[5] = std::numeric_limits<int64_t>::max(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.value.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.cost.pop_back(); }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.stock[0] = -2; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.coupon_budget[0] = -2; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.budget = -2; }));
  EXPECT_CODE(StatusCode::kInvalidArgument, broken([](Instance& i) { i.per_user = 0; }));
}

TEST(CheckProblem, FindsEachDefectOfTheRules) {
  const Instance golden = Golden();
  const auto broken = [&](auto&& change) {
    AllocationProblem problem = golden.view();
    change(problem);
    CandidateTotals totals;
    return CheckProblem(problem, {0, 4}, {}, &totals);
  };
  EXPECT_OK(broken([](AllocationProblem&) {}));
  const std::vector<int32_t> classes = {0, 1, 2, 3};
  const std::vector<int32_t> group = {0, 1, 2};
  const std::vector<int32_t> forward = {1, -1};
  const std::vector<int32_t> parent = {-1, 0};
  const std::vector<int32_t> caps = {1, -1};
  const std::vector<uint8_t> measure = {0, 1, 3, 1};
  const std::vector<int64_t> descending = {0, 4, 2, 8};
  const std::vector<int32_t> constraints = {0, 3, 1, 3, 2, 4};
  const auto refused = [&](auto&& change) { EXPECT_CODE(StatusCode::kInvalidArgument, broken(change)); };
  refused([&](AllocationProblem& p) { p.user_class = classes; });
  refused([&](AllocationProblem& p) { p.user_class = std::span(classes).first(3); });
  refused([&](AllocationProblem& p) { p.num_classes = 0; });
  refused([&](AllocationProblem& p) { p.num_classes = int64_t{1} << 40; });
  refused([&](AllocationProblem& p) { p.face = p.cost.first(11); });
  refused([&](AllocationProblem& p) { p.group = group; });
  refused([&](AllocationProblem& p) { p.group_parent = forward, p.group_cap = std::span(group).first(2); });
  refused([&](AllocationProblem& p) { p.group_parent = parent, p.group_cap = caps; });
  refused([&](AllocationProblem& p) { p.group_parent = parent; });
  refused([&](AllocationProblem& p) { p.measure = measure; });
  refused([&](AllocationProblem& p) { p.measure = p.measure.first(2); });
  refused([&](AllocationProblem& p) { p.floor = p.floor.first(2); });
  refused([&](AllocationProblem& p) { p.cell_indptr = descending; });
  refused([&](AllocationProblem& p) { p.cell_indptr = p.cell_indptr.first(3); });
  refused([&](AllocationProblem& p) { p.cell_constraints = constraints; });
}

TEST(Allocation, RefusesWhatDoesNotFit) {
  const Instance golden = Golden();
  const Prices prices(golden);
  const std::vector<int64_t> limit(4, 1);
  std::vector<int64_t> usage(4);
  std::vector<uint8_t> chosen(12);
  std::vector<uint8_t> open(4);
  const auto dual = [&](const Prices& p, RowRange range, std::span<uint8_t> out, CancelFlag cancel = {}) {
    DualPartial partial{0, 0, 0, 0, usage};
    return EvaluateDual(golden.view(), p.of(golden), {}, range, cancel, &partial, out, open);
  };
  PolishStats stats;
  EXPECT_OK(dual(prices, {0, 4}, chosen));
  EXPECT_OK(dual(prices, {0, 4}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, dual(prices, {0, 5}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, dual(prices, {0, 3}, chosen));
  EXPECT_CODE(StatusCode::kCancelled, dual(prices, {0, 4}, chosen, Raised()));
  EXPECT_CODE(StatusCode::kCancelled, Polish(golden, prices.of(golden), Raised(), chosen, &stats));
  EXPECT_CODE(StatusCode::kInvalidArgument, Polish(golden, prices.of(golden), {}, std::span(chosen).first(11), &stats));
  for (const double price : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    for (int field = 0; field < 2; ++field) {
      Prices bad = prices;
      (field == 0 ? bad.budget : bad.stock[2]) = price;
      EXPECT_CODE(StatusCode::kInvalidArgument, dual(bad, {0, 4}, chosen));
      EXPECT_CODE(StatusCode::kInvalidArgument, Polish(golden, bad.of(golden), {}, chosen, &stats));
    }
  }
  std::vector<double> short_prices = prices.of(golden);
  short_prices.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, Polish(golden, short_prices, {}, chosen, &stats));
  std::vector<uint8_t> above_cap = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_CODE(StatusCode::kInfeasible, Polish(golden, prices.of(golden), {}, above_cap, &stats));
  const std::vector<int32_t> nobody = {4};
  EXPECT_CODE(StatusCode::kOutOfRange, RepairAndPolish(golden.view(), {{}, nobody}, prices.of(golden), limit, {}, chosen, &stats));
  const std::vector<int32_t> members = {0, 1};
  const std::vector<int64_t> indptr = {0, 3};
  EXPECT_CODE(StatusCode::kInvalidArgument,
              RepairAndPolish(golden.view(), {indptr, members}, prices.of(golden), limit, {}, chosen, &stats));
  open.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, dual(prices, {0, 4}, chosen));
  open.push_back(0);
  usage.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, dual(prices, {0, 4}, chosen));
}

TEST(ListAssignments, RanksByValueWithinAUser) {
  const Instance instance{3,
                          3,
                          {3, 2, 3},
                          {0, 1, 2, 1, 2, -1, 0, 1, 2},
                          {5, 9, 7, 4, 4, 0, 1, 1, 1},
                          std::vector<int64_t>(9, 1),
                          {-1, -1, -1},
                          {-1, -1, -1},
                          {-1, -1, -1},
                          -1,
                          3};
  const std::vector<uint8_t> chosen = {1, 1, 1, 1, 1, 0, 0, 0, 0};
  const auto rows = ListAssignments(instance.view(), chosen, {0, 3});
  ASSERT_OK(rows.status());
  EXPECT_EQ(rows.value().users, std::vector<int32_t>({0, 0, 0, 1, 1}));
  EXPECT_EQ(rows.value().coupons, std::vector<int32_t>({1, 2, 0, 1, 2}));
  EXPECT_EQ(rows.value().ranks, std::vector<int32_t>({1, 2, 3, 1, 2}));
  EXPECT_EQ(rows.value().places, std::vector<int64_t>({1, 2, 0, 3, 4}));
  const auto part = ListAssignments(instance.view(), chosen, {1, 2});
  EXPECT_EQ(part.value().users, std::vector<int32_t>({1, 1}));
  EXPECT_CODE(StatusCode::kOutOfRange, ListAssignments(instance.view(), chosen, {0, 4}).status());
  EXPECT_CODE(StatusCode::kInvalidArgument, ListAssignments(instance.view(), std::span(chosen).first(8), {0, 3}).status());
}

TEST(ExplainUnassigned, TellsTheBudgetFromTheStock) {
  // Users: 0 was given something; 1 the budget's price kept out; 2 the stock's price did; 3 had another reason before.
  const Instance instance{4, 1, {1, 1, 1, 1}, {0, 0, 1, 0}, {10, 5, 5, 10}, {1, 5, 1, 1}, {-1, -1}, {-1, 1}, {-1, -1}, 1, 1};
  Prices prices(instance);
  prices.budget = 2;
  prices.stock[1] = 100;
  const std::vector<uint8_t> chosen = {1, 0, 0, 0};
  std::vector<uint8_t> reasons = {0, 0, 0, 9};
  ASSERT_OK(ExplainUnassigned(instance.view(), prices.of(instance), chosen, {0, 4}, 50, 60, reasons));
  EXPECT_EQ(reasons, std::vector<uint8_t>({0, 50, 60, 9}));
  std::vector<uint8_t> part = {0};
  ASSERT_OK(ExplainUnassigned(instance.view(), prices.of(instance), chosen, {2, 3}, 50, 60, part));
  EXPECT_EQ(part, std::vector<uint8_t>({60}));
  EXPECT_CODE(StatusCode::kInvalidArgument, ExplainUnassigned(instance.view(), prices.of(instance), chosen, {0, 3}, 50, 60, reasons));
  EXPECT_CODE(StatusCode::kInvalidArgument,
              ExplainUnassigned(instance.view(), prices.of(instance), std::span(chosen).first(3), {0, 4}, 50, 60, reasons));
  EXPECT_CODE(StatusCode::kOutOfRange, ExplainUnassigned(instance.view(), prices.of(instance), chosen, {0, 5}, 50, 60, reasons));
}

}  // namespace
}  // namespace couponcast
