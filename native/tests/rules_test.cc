#include "couponcast/rules.h"

#include <cmath>
#include <limits>

#include "itemsets_for_test.h"
#include "threads_for_test.h"

namespace couponcast {
namespace {

using ::couponcast::testing::Baskets;
using ::couponcast::testing::Csr;
using ::couponcast::testing::MineAll;
using ::couponcast::testing::OnThreads;
using ::couponcast::testing::Random;
using ::couponcast::testing::RandomBaskets;
using ::couponcast::testing::Sets;
using ::couponcast::testing::Shards;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Mined sets with their index; views stay valid as long as it lives.
struct Indexed {
  ItemsetList list;
  std::vector<int32_t> parents;
  std::vector<int32_t> table;
  std::vector<std::vector<int32_t>> sorted;  // items of each set, ascending

  Indexed(const Baskets& baskets, int64_t min_count) {
    auto mined = MineAll(Csr(baskets), {.min_count = min_count, .max_itemsets = 1'000'000});
    EXPECT_OK(mined.status);
    list = std::move(mined.list);
    parents.resize(list.items.size());
    table.resize(std::bit_ceil(std::max<size_t>(2 * list.items.size(), 1)));
    EXPECT_OK(IndexItemsets(list.items, list.lengths, {}, parents, table));
    std::vector<int32_t> path;
    for (size_t i = 0; i < list.items.size(); ++i) {
      path.resize(list.lengths[i]);
      path.back() = list.items[i];
      sorted.push_back(path);
      std::ranges::sort(sorted.back());
    }
  }
  ItemsetsView View() const { return {list.items, list.lengths, list.supports, parents, table}; }
};

RuleFilter Limited(int64_t max_rules) {
  RuleFilter filter;
  filter.max_rules = max_rules;
  return filter;
}

bool Contains(const std::vector<int32_t>& set, const std::vector<int32_t>& subset) { return std::ranges::includes(set, subset); }

TEST(Rules, MetricsOfTheGoldenRules) {
  // formulas.md, "Association rules".
  const RuleMetrics ab = MetricsOf(3, 4, 4, 5);
  EXPECT_DOUBLE_EQ(ab.confidence, 0.75);
  EXPECT_DOUBLE_EQ(ab.lift, 0.9375);
  EXPECT_DOUBLE_EQ(ab.leverage, -0.04);
  EXPECT_DOUBLE_EQ(ab.conviction, 0.8);
  const RuleMetrics abc = MetricsOf(2, 3, 4, 5);
  EXPECT_NEAR(abc.confidence, .666667, 1e-6);
  EXPECT_NEAR(abc.lift, .833333, 1e-6);
  EXPECT_NEAR(abc.leverage, -.08, 1e-15);
  EXPECT_NEAR(abc.conviction, .6, 1e-15);
  const RuleMetrics da = MetricsOf(1, 1, 4, 5);
  EXPECT_EQ(da.confidence, 1);
  EXPECT_DOUBLE_EQ(da.lift, 1.25);
  EXPECT_DOUBLE_EQ(da.leverage, .04);
  EXPECT_EQ(da.conviction, kInfinity);
  EXPECT_DOUBLE_EQ(da.zhang, .04 / .16);
  // All baskets alike: nothing is learned.
  EXPECT_EQ(MetricsOf(5, 5, 5, 5).zhang, 0);
}

TEST(Rules, FlagsTellClosedAndMaximalSetsByTheirDefinition) {
  Random random(11);
  for (int trial = 0; trial < 30; ++trial) {
    const Indexed indexed(RandomBaskets(&random, 30, 1 + random.Below(12), 12), 1 + random.Below(4));
    const size_t n = indexed.sorted.size();
    std::vector<uint8_t> flags(n);
    ASSERT_OK(FlagSupersets(indexed.View(), {}, {}, flags));
    for (size_t i = 0; i < n; ++i) {
      uint8_t expected = 0;
      for (size_t j = 0; j < n; ++j) {
        if (indexed.sorted[j].size() <= indexed.sorted[i].size() || !Contains(indexed.sorted[j], indexed.sorted[i])) continue;
        expected |= kHasSuperset;
        if (indexed.list.supports[j] == indexed.list.supports[i]) expected |= kHasEqualSuperset;
      }
      EXPECT_EQ(flags[i], expected);
    }
  }
}

TEST(Rules, EveryRuleThatPassesIsFoundOnce) {
  Random random(5);
  size_t total = 0;
  for (int trial = 0; trial < 30; ++trial) {
    constexpr int64_t kBaskets = 25;
    const Indexed indexed(RandomBaskets(&random, kBaskets, 4 + random.Below(6), 12), 1 + random.Below(4));
    const size_t n = indexed.sorted.size();
    const std::vector<int32_t> wanted{static_cast<int32_t>(random.Below(3))};
    RuleFilter filter = Limited(1'000'000);
    filter.min_confidence = random.Between(0, 1);
    if (trial % 3 == 0) filter.min_lift = 1;
    if (trial % 4 == 0) filter.max_consequent_length = 1;
    if (trial % 5 == 0) filter.antecedent_contains = wanted;
    if (trial % 5 == 1) filter.consequent_contains = wanted;
    std::set<std::array<size_t, 3>> expected;
    for (size_t a = 0; a < n; ++a) {
      for (size_t c = 0; c < n; ++c) {
        std::vector<int32_t> both = indexed.sorted[a];
        both.insert(both.end(), indexed.sorted[c].begin(), indexed.sorted[c].end());
        std::ranges::sort(both);
        const auto set = std::ranges::find(indexed.sorted, both);
        if (set == indexed.sorted.end()) continue;
        const auto s = static_cast<size_t>(set - indexed.sorted.begin());
        const RuleMetrics metrics = MetricsOf(indexed.list.supports[s], indexed.list.supports[a], indexed.list.supports[c], kBaskets);
        if (metrics.confidence < filter.min_confidence || metrics.lift < filter.min_lift) continue;
        if (filter.max_consequent_length == 1 && indexed.sorted[c].size() > 1) continue;
        if (!filter.antecedent_contains.empty() && !Contains(indexed.sorted[a], wanted)) continue;
        if (!filter.consequent_contains.empty() && !Contains(indexed.sorted[c], wanted)) continue;
        expected.insert({a, c, s});
      }
    }
    RuleList rules;
    int64_t count = 0;
    const auto middle = static_cast<int64_t>(n / 2);
    ASSERT_OK(FindRules(indexed.View(), kBaskets, {0, middle}, filter, {}, {}, &count, &rules));
    ASSERT_OK(FindRules(indexed.View(), kBaskets, {middle, static_cast<int64_t>(n)}, filter, {}, {}, &count, &rules));
    EXPECT_EQ(rules.sets.size(), expected.size());
    EXPECT_EQ(count, static_cast<int64_t>(expected.size()));
    total += expected.size();
    for (size_t i = 0; i < rules.sets.size(); ++i) {
      EXPECT_TRUE(expected.contains(
          {static_cast<size_t>(rules.antecedents[i]), static_cast<size_t>(rules.consequents[i]), static_cast<size_t>(rules.sets[i])}));
    }
    if (expected.empty()) continue;
    filter.max_rules = static_cast<int64_t>(expected.size()) - 1;
    count = 0;
    EXPECT_FALSE(FindRules(indexed.View(), kBaskets, {0, static_cast<int64_t>(n)}, filter, {}, {}, &count, &rules).ok());
  }
  EXPECT_GT(total, 500U);
}

TEST(Rules, TheOrderIsByMetricThenSupportConfidenceAndPosition) {
  Random random(6);
  constexpr int64_t kBaskets = 40;
  const Indexed indexed(RandomBaskets(&random, kBaskets, 8, 7), 2);
  RuleList list;
  int64_t count = 0;
  ASSERT_OK(FindRules(indexed.View(), kBaskets, {0, indexed.View().size()}, Limited(1'000'000), {}, {}, &count, &list));
  const RulesView rules{list.antecedents, list.consequents, list.sets};
  std::vector<double> metrics(5 * list.sets.size());
  ASSERT_OK(MeasureRules(indexed.View(), kBaskets, rules, metrics));
  std::vector<int32_t> order(list.sets.size());
  ASSERT_OK(OrderRules(indexed.View(), kBaskets, rules, RuleMetric::kConviction, {}, order));
  const auto key = [&](int32_t rule) {
    const auto r = static_cast<size_t>(rule);
    return std::tuple(-metrics[3 * list.sets.size() + r], -indexed.list.supports[static_cast<size_t>(list.sets[r])], -metrics[r],
                      list.antecedents[r], list.consequents[r]);
  };
  for (size_t i = 1; i < order.size(); ++i) EXPECT_LT(key(order[i - 1]), key(order[i]));
  std::vector<int32_t> best(5);
  ASSERT_OK(OrderRules(indexed.View(), kBaskets, rules, RuleMetric::kConviction, {}, best));
  EXPECT_TRUE(std::ranges::equal(best, std::span(order).first(5)));
}

TEST(Rules, ThreadsCountTogether) {
  Random random(13);
  const Indexed indexed(RandomBaskets(&random, 200, 12, 10), 2);
  const ItemsetsView sets = indexed.View();
  int64_t count = 0;
  RuleList expected;
  ASSERT_OK(FindRules(sets, 200, {0, sets.size()}, Limited(1'000'000), {}, {}, &count, &expected));
  const std::vector<RowRange> shards = Shards(sets.size(), sets.size() / 4 + 1);
  std::vector<RuleList> lists(shards.size());
  int64_t shared_count = 0;
  OnThreads(std::ssize(shards), [&](int64_t t) {
    const auto s = static_cast<size_t>(t);
    EXPECT_OK(FindRules(sets, 200, shards[s], Limited(1'000'000), {}, {}, &shared_count, &lists[s]));
  });
  RuleList found;
  for (const RuleList& list : lists) {
    found.antecedents.insert(found.antecedents.end(), list.antecedents.begin(), list.antecedents.end());
    found.consequents.insert(found.consequents.end(), list.consequents.begin(), list.consequents.end());
    found.sets.insert(found.sets.end(), list.sets.begin(), list.sets.end());
  }
  EXPECT_EQ(shared_count, count);
  EXPECT_EQ(found.antecedents, expected.antecedents);
  EXPECT_EQ(found.consequents, expected.consequents);
  EXPECT_EQ(found.sets, expected.sets);
}

TEST(Rules, SetsWithoutTheirSubsetsAreRefused) {
  // {1} is missing.
  const std::vector<int32_t> items{0, 1};
  const std::vector<uint8_t> lengths{1, 2};
  const std::vector<int32_t> supports{2, 2};
  std::vector<int32_t> parents(2);
  std::vector<int32_t> table(4);
  ASSERT_OK(IndexItemsets(items, lengths, {}, parents, table));
  const ItemsetsView view{items, lengths, supports, parents, table};
  std::vector<uint8_t> flags(2);
  EXPECT_CODE(StatusCode::kInvalidArgument, FlagSupersets(view, {}, {}, flags));
  RuleList rules;
  int64_t count = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument, FindRules(view, 2, {0, 2}, Limited(9), {}, {}, &count, &rules));
  const std::vector<uint8_t> jump{2, 1};
  EXPECT_CODE(StatusCode::kInvalidArgument, IndexItemsets(items, jump, {}, parents, table));
}

}  // namespace
}  // namespace couponcast
