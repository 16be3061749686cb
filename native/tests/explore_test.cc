#include "couponcast/explore.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Random;
using testing::SameBits;

// A few users with few candidates, so that all sets can be tried; caps three deep.
struct Instance {
  std::vector<int32_t> counts;
  std::vector<int32_t> coupons;
  std::vector<int64_t> value;
  std::vector<int64_t> cost;
  std::vector<int32_t> group = {2, 2, 1, 1, 0, -1};
  std::vector<int32_t> parent = {-1, 0, 1};
  std::vector<int32_t> cap;
  std::vector<uint8_t> measure = {0, 1};
  std::vector<uint8_t> floor = {0, 0};
  std::vector<int64_t> limit;
  std::vector<int64_t> cell_indptr;
  std::vector<int32_t> cell_constraints;
  int64_t per_user;

  explicit Instance(Random* random) : per_user(1 + random->Below(3)) {
    for (int g = 0; g < 3; ++g) cap.push_back(static_cast<int32_t>(random->Below(4)));
    for (int64_t user = 0; user < 3; ++user) {
      counts.push_back(static_cast<int32_t>(random->Below(5)));
      int32_t coupon = 0;
      for (int32_t j = 0; j < 4; ++j) {
        const bool used = j < counts.back();
        coupons.push_back(used ? coupon : -1);
        coupon += 1 + (coupon < 2 && random->Below(2) == 0 ? 1 : 0);
        value.push_back(used ? random->Below(20'000) : 0);
        cost.push_back(used ? random->Below(5000) : 0);
      }
    }
    limit = {1 + random->Below(3), 3000 + random->Below(4000)};
    cell_indptr = {0};
    for (int32_t c = 0; c < 6; ++c) {
      if (c == 2) cell_constraints.push_back(0);
      cell_constraints.push_back(1);
      cell_indptr.push_back(static_cast<int64_t>(cell_constraints.size()));
    }
  }

  AllocationProblem view() const {
    AllocationProblem problem;
    problem.users = 3;
    problem.width = 4;
    problem.counts = counts;
    problem.coupons = coupons;
    problem.value = value;
    problem.cost = cost;
    problem.group = group;
    problem.group_parent = parent;
    problem.group_cap = cap;
    problem.per_user = per_user;
    problem.measure = measure;
    problem.floor = floor;
    problem.limit = limit;
    problem.cell_indptr = cell_indptr;
    problem.cell_constraints = cell_constraints;
    return problem;
  }

  double Weight(size_t at, const std::vector<double>& prices, double temperature) const {
    double w = static_cast<double>(value[at]) - prices[1] * static_cast<double>(cost[at]);
    if (coupons[at] == 2) w -= prices[0];
    return w / temperature;
  }
  bool Allowed(const std::vector<size_t>& set) const {
    std::vector<int32_t> held(3, 0);
    for (size_t i = 0; i < set.size(); ++i) {
      if (cost[set[i]] > limit[1]) return false;
      for (size_t j = 0; j < i; ++j) {
        if (coupons[set[i]] == coupons[set[j]]) return false;
      }
      for (int32_t g = group[static_cast<size_t>(coupons[set[i]])]; g >= 0; g = parent[static_cast<size_t>(g)]) {
        if (++held[static_cast<size_t>(g)] > cap[static_cast<size_t>(g)]) return false;
      }
    }
    return static_cast<int64_t>(set.size()) <= per_user;
  }
  // Chances of all sets of the places.
  std::map<std::vector<size_t>, double> Sets(const std::vector<size_t>& places, const std::vector<double>& prices,
                                             double temperature) const {
    std::map<std::vector<size_t>, double> sets;
    double total = 0;
    for (size_t mask = 0; mask < size_t{1} << places.size(); ++mask) {
      std::vector<size_t> set;
      double sum = 0;
      for (size_t i = 0; i < places.size(); ++i) {
        if (((mask >> i) & 1) == 0) continue;
        set.push_back(places[i]);
        sum += Weight(places[i], prices, temperature);
      }
      if (Allowed(set)) total += sets[set] = std::exp(sum);
    }
    for (auto& [set, chance] : sets) chance /= total;
    return sets;
  }
};

struct Output {
  std::vector<uint8_t> chosen = std::vector<uint8_t>(12, 7);
  std::vector<double> propensity = std::vector<double>(12, -1);
  std::vector<double> decision = std::vector<double>(3, -1);
  std::vector<uint8_t> is_best = std::vector<uint8_t>(3, 7);
  std::vector<double> usage = std::vector<double>(2);
  std::vector<double> curvature = std::vector<double>(2);
  ExpectedUse use{.usage = usage, .curvature = curvature};
  Draws draws() { return {chosen, propensity, decision, is_best}; }
};

// Users 0 and 2 are one identity, user 1 is alone.
constexpr std::array<int64_t, 3> kIndptr = {0, 2, 3};
constexpr std::array<int32_t, 3> kMembers = {0, 2, 1};

std::vector<size_t> PlacesOf(const Instance& instance, size_t unit) {
  std::vector<size_t> places;
  for (auto m = static_cast<size_t>(kIndptr[unit]); m < static_cast<size_t>(kIndptr[unit + 1]); ++m) {
    const auto user = static_cast<size_t>(kMembers[m]);
    for (size_t j = 0; j < static_cast<size_t>(instance.counts[user]); ++j) places.push_back(user * 4 + j);
  }
  return places;
}

TEST(Explore, ExpectationsAreThoseOfAllSets) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    const Instance instance(&random);
    const std::vector<double> prices = {random.Between(0, 5000), random.Between(0, 2)};
    const double temperature = random.Between(500, 20'000);
    Output out;
    ASSERT_OK(ExpectUse(instance.view(), {kIndptr, kMembers}, {prices, temperature}, {0, 2}, {}, &out.use));
    double value = 0;
    double pieces = 0;
    double spend = 0;
    for (size_t unit = 0; unit < 2; ++unit) {
      for (const auto& [set, chance] : instance.Sets(PlacesOf(instance, unit), prices, temperature)) {
        for (const size_t at : set) {
          value += chance * static_cast<double>(instance.value[at]);
          spend += chance * static_cast<double>(instance.cost[at]);
          if (instance.coupons[at] == 2) pieces += chance;
        }
      }
    }
    EXPECT_NEAR(out.use.value, value, 1e-7 * (1 + value));
    EXPECT_NEAR(out.usage[0], pieces, 1e-9);
    EXPECT_NEAR(out.usage[1], spend, 1e-7 * (1 + spend));
  }
}

TEST(Explore, TheSmoothDualsGradientIsTheUse) {
  Random random(6);
  for (int round = 0; round < 50; ++round) {
    const Instance instance(&random);
    const std::vector<double> prices = {random.Between(100, 5000), random.Between(0.1, 2)};
    const auto surplus = [&](double pieces, double cost) {
      const std::vector<double> moved = {prices[0] + pieces, prices[1] + cost};
      Output out;
      EXPECT_OK(ExpectUse(instance.view(), {{}, {}}, {moved, 3000}, {0, 3}, {}, &out.use));
      return out.use.surplus;
    };
    Output out;
    ASSERT_OK(ExpectUse(instance.view(), {{}, {}}, {prices, 3000}, {0, 3}, {}, &out.use));
    EXPECT_NEAR((surplus(-1, 0) - surplus(1, 0)) / 2, out.usage[0], 1e-5);
    EXPECT_NEAR((surplus(0, -1e-3) - surplus(0, 1e-3)) / 2e-3, out.usage[1], 1e-2);
  }
}

TEST(Explore, DrawsAreAsFrequentAsTheyClaim) {
  Random random(7);
  for (int round = 0; round < 6; ++round) {
    const Instance instance(&random);
    const std::vector<double> prices = {random.Between(0, 2000), random.Between(0, 1)};
    const std::vector<double> none(2, 0.0);
    std::vector<uint8_t> best(12, 0);
    std::vector<int64_t> keys(3, 0);
    std::map<std::pair<size_t, std::vector<size_t>>, int> seen;
    std::map<std::pair<size_t, std::vector<size_t>>, double> claimed;
    std::vector<int> held(12, 0);
    Output out;
    constexpr int kDraws = 20'000;
    for (int64_t draw = 0; draw < kDraws; ++draw) {
      keys = {2 * draw, 2 * draw + 1, -1};
      const DrawTask task{0.3, {none, 1, true, 0.8}, {prices, 4000, false, 0.9}, {}, best, keys, 42};
      ASSERT_OK(DrawSets(instance.view(), {kIndptr, kMembers}, task, {0, 2}, {}, out.draws(), &out.use));
      for (size_t unit = 0; unit < 2; ++unit) {
        std::vector<size_t> set;
        for (const size_t at : PlacesOf(instance, unit)) {
          held[at] += out.chosen[at];
          if (out.chosen[at] != 0) set.push_back(at);
        }
        const auto user = static_cast<size_t>(kMembers[static_cast<size_t>(kIndptr[unit])]);
        ++seen[{unit, set}];
        claimed[{unit, set}] = out.decision[user];
        ASSERT_EQ(out.is_best[user], set.empty() ? 1 : 0);
      }
      ASSERT_EQ(out.decision[0], out.decision[2]);
    }
    const auto near = [&](int count, double p) {
      EXPECT_NEAR(static_cast<double>(count) / kDraws, p, 5 * std::sqrt(p * (1 - p) / kDraws) + 1e-9);
    };
    double total = 0;
    for (const auto& [key, count] : seen) {
      near(count, claimed[key]);
      total += claimed[key];
    }
    EXPECT_NEAR(total, 2, 0.01);
    for (size_t unit = 0; unit < 2; ++unit) {
      for (const size_t at : PlacesOf(instance, unit)) near(held[at], out.propensity[at]);
    }
  }
}

TEST(Explore, KeepsItsHeadWhereWorthsAreFarApart) {
  Random random(8);
  Instance instance(&random);
  instance.counts = {3, 0, 0};
  instance.coupons = {0, 1, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  instance.value = {90'000'000, 70'000'000, 80'000'000, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  instance.cost.assign(12, 0);
  instance.cap = {3, 3, 3};
  instance.per_user = 2;
  const std::vector<double> prices(2, 0.0);
  Output out;
  ASSERT_OK(ExpectUse(instance.view(), {{}, {}}, {prices, 1}, {0, 3}, {}, &out.use));
  EXPECT_DOUBLE_EQ(out.use.value, 170'000'000);
  EXPECT_DOUBLE_EQ(out.use.surplus, 170'000'000);
}

TEST(Explore, TheSameBitsForAnyShardsAndADrawOfTheKeyAlone) {
  Random random(9);
  const Instance instance(&random);
  const std::vector<double> prices = {100, 0.5};
  const std::vector<uint8_t> best(12, 0);
  std::vector<int64_t> keys = {7, 8, 9};
  const auto task = [&] { return DrawTask{0.5, {prices, 1, true}, {prices, 4000}, {}, best, keys, 1}; };
  Output whole;
  ASSERT_OK(DrawSets(instance.view(), {{}, {}}, task(), {0, 3}, {}, whole.draws(), &whole.use));
  Output parts;
  for (int64_t user = 0; user < 3; ++user) {
    ASSERT_OK(DrawSets(instance.view(), {{}, {}}, task(), {user, user + 1}, {}, parts.draws(), &parts.use));
  }
  for (size_t user = 0; user < 3; ++user) {
    for (size_t j = 0; j < static_cast<size_t>(instance.counts[user]); ++j)
      EXPECT_EQ(parts.chosen[user * 4 + j], whole.chosen[user * 4 + j]);
  }
  EXPECT_TRUE(SameBits(parts.decision, whole.decision));
}

TEST(Explore, RefusesWhatItCannotDo) {
  Random random(10);
  const Instance instance(&random);
  const std::vector<double> prices(2, 0.0);
  const std::vector<double> bad = {0.0, std::nan("")};
  const std::vector<int32_t> stranger = {3};
  Output out;
  const auto expect = [&](std::span<const double> at, double temperature, AllocationUnits units, RowRange range) {
    return ExpectUse(instance.view(), units, {at, temperature}, range, {}, &out.use);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, expect(prices, 0, {}, {0, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, expect(prices, std::nan(""), {}, {0, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, expect(bad, 1, {}, {0, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, expect(prices, 1, {{}, stranger}, {0, 1}));
  EXPECT_CODE(StatusCode::kOutOfRange, expect(prices, 1, {}, {0, 4}));
  EXPECT_CODE(StatusCode::kCancelled, ExpectUse(instance.view(), {}, {prices, 1}, {0, 3}, testing::Raised(), &out.use));
}

}  // namespace
}  // namespace couponcast
