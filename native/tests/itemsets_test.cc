#include "couponcast/itemsets.h"

#include "itemsets_for_test.h"
#include "threads_for_test.h"

namespace couponcast {
namespace {

using ::couponcast::testing::Baskets;
using ::couponcast::testing::BruteForce;
using ::couponcast::testing::Csr;
using ::couponcast::testing::MineAll;
using ::couponcast::testing::Mined;
using ::couponcast::testing::OnThreads;
using ::couponcast::testing::Random;
using ::couponcast::testing::RandomBaskets;
using ::couponcast::testing::RankAll;
using ::couponcast::testing::Ranked;
using ::couponcast::testing::Sets;
using ::couponcast::testing::SetsOf;

constexpr std::array kAlgorithms{MiningAlgorithm::kAuto, MiningAlgorithm::kFpGrowth, MiningAlgorithm::kEclat, MiningAlgorithm::kApriori};

TEST(Itemsets, GoldenBaskets) {
  // ABC, AB, AC, BC, ABCD: formulas.md, "Association rules".
  const Baskets baskets{{0, 1, 2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2, 3}};
  for (const MiningAlgorithm algorithm : kAlgorithms) {
    const Mined mined = MineAll(Csr(baskets), {.min_count = 2, .max_itemsets = 100, .algorithm = algorithm});
    ASSERT_OK(mined.status);
    EXPECT_EQ(SetsOf(mined.list), (Sets{{{0}, 4}, {{1}, 4}, {{2}, 4}, {{0, 1}, 3}, {{0, 2}, 3}, {{1, 2}, 3}, {{0, 1, 2}, 2}}));
    EXPECT_EQ(mined.list.items, (std::vector<int32_t>{0, 1, 2, 2, 1, 2, 2}));
    EXPECT_EQ(mined.list.lengths, (std::vector<uint8_t>{1, 2, 3, 2, 1, 2, 1}));
  }
}

TEST(Itemsets, EveryAlgorithmPlanAndTargetFindsTheSetsOfBruteForceInOneOrder) {
  Random random(7);
  for (int trial = 0; trial < 60; ++trial) {
    const int64_t size = 1 + random.Below(9);
    const Baskets baskets = RandomBaskets(&random, random.Below(trial < 50 ? 40 : 900), 1 + random.Below(20), size);
    const Csr csr(baskets, 3);
    MiningOptions options{.min_count = 1 + random.Below(4), .max_length = random.Below(5), .max_itemsets = 1'000'000};
    const Sets expected = BruteForce(baskets, options.min_count, options.max_length);
    std::optional<ItemsetList> first;
    const auto check = [&](const Mined& mined) {
      ASSERT_OK(mined.status);
      if (!first.has_value()) {
        first = mined.list;
        EXPECT_EQ(SetsOf(*first), expected);
      }
      EXPECT_EQ(mined.list.items, first->items);
      EXPECT_EQ(mined.list.lengths, first->lengths);
      EXPECT_EQ(mined.list.supports, first->supports);
    };
    for (const MiningAlgorithm algorithm : kAlgorithms) {
      options.algorithm = algorithm;
      check(MineAll(csr, options));
      check(MineAll(csr, options, {.shard_baskets = 1 + random.Below(20), .ranks_per_share = 1, .parts = 1 + random.Below(4)}));
    }
    options.algorithm = MiningAlgorithm::kEclat;
    testing::ForEachTarget([&] { check(MineAll(csr, options)); });
  }
}

TEST(Itemsets, ThreadsShareOneSearch) {
  Random random(12);
  const Csr csr(RandomBaskets(&random, 400, 20, 12));
  MiningOptions options{.min_count = 3, .max_itemsets = 1'000'000};
  const Sets expected = SetsOf(MineAll(csr, options).list);
  const Ranked ranked = RankAll(csr, options, {.ranks_per_share = 1});
  ASSERT_OK(ranked.status);
  for (const MiningAlgorithm algorithm : kAlgorithms) {
    options.algorithm = algorithm;
    int64_t next_share = 0;
    int64_t num_itemsets = 0;
    std::vector<ItemsetList> lists(4);
    OnThreads(4, [&](int64_t t) {
      EXPECT_OK(MineItemsets(ranked.View(), ranked.shares, options, {}, {}, {&next_share, &num_itemsets}, &lists[static_cast<size_t>(t)]));
    });
    Sets found;
    size_t shares = 0;
    for (const ItemsetList& list : lists) {
      found.merge(SetsOf(list));
      shares += list.shares.size();
    }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(num_itemsets, static_cast<int64_t>(expected.size()));
    EXPECT_EQ(shares, ranked.shares.size());
  }
}

TEST(Itemsets, NothingComesOfNothing) {
  for (const MiningAlgorithm algorithm : kAlgorithms) {
    const MiningOptions options{.min_count = 3, .max_itemsets = 10, .algorithm = algorithm};
    for (const Baskets& baskets : {Baskets{}, Baskets{{}, {}, {}}, Baskets{{0, 1}, {0, 1}}}) {
      const Mined mined = MineAll(Csr(baskets), options);
      ASSERT_OK(mined.status);
      EXPECT_TRUE(mined.list.items.empty());
    }
    const Mined one = MineAll(Csr({{5}, {5}, {5}}), options);
    ASSERT_OK(one.status);
    EXPECT_EQ(SetsOf(one.list), (Sets{{{5}, 3}}));
  }
}

TEST(Itemsets, MoreSetsThanWantedAreRefused) {
  std::vector<int32_t> all(40);
  for (int32_t i = 0; i < 40; ++i) all[static_cast<size_t>(i)] = i;
  const Csr equal(Baskets(5, all));
  const Csr few(Baskets(5, {0, 1, 2}));
  for (const MiningAlgorithm algorithm : kAlgorithms) {
    MiningOptions options{.min_count = 5, .max_itemsets = 100'000, .algorithm = algorithm};
    // 2^40 - 1 sets.
    EXPECT_CODE(StatusCode::kOutOfRange, MineAll(equal, options).status);
    options.max_length = 2;
    const Mined pairs = MineAll(equal, options);
    ASSERT_OK(pairs.status);
    EXPECT_EQ(pairs.list.items.size(), 40U + 780U);
    options.max_length = 0;
    options.max_itemsets = 7;
    ASSERT_OK(MineAll(few, options).status);
    options.max_itemsets = 6;
    EXPECT_CODE(StatusCode::kOutOfRange, MineAll(few, options).status);
    // What other calls have found counts, too.
    int64_t next_share = 0;
    int64_t num_itemsets = 1;
    ItemsetList list;
    options.max_itemsets = 7;
    const Ranked ranked = RankAll(few, options);
    EXPECT_CODE(StatusCode::kOutOfRange, MineItemsets(ranked.View(), ranked.shares, options, {}, {}, {&next_share, &num_itemsets}, &list));
  }
}

TEST(Itemsets, LongBasketsAreLeftOutAndCounted) {
  const Mined mined = MineAll(Csr({{0, 1}, {0, 1, 2}, {}, {1, 2}}), {.min_count = 1, .max_itemsets = 100}, {.max_basket_items = 2});
  ASSERT_OK(mined.status);
  EXPECT_EQ(mined.num_too_long, 1);
  EXPECT_EQ(SetsOf(mined.list), (Sets{{{0}, 1}, {{1}, 2}, {{2}, 1}, {{0, 1}, 1}, {{1, 2}, 1}}));
}

TEST(Itemsets, ACallStopsWhenAsked) {
  Random random(3);
  const Csr csr(RandomBaskets(&random, 2000, 40, 20));
  const int32_t flag = 1;
  for (const MiningAlgorithm algorithm : kAlgorithms) {
    EXPECT_EQ(MineAll(csr, {.min_count = 1, .max_itemsets = 1'000'000'000, .algorithm = algorithm}, {}, CancelFlag(&flag)).status.code(),
              StatusCode::kCancelled);
  }
}

TEST(Itemsets, WhatIsNoBasketIsRefused) {
  const MiningOptions options{.min_count = 1, .max_itemsets = 100};
  Csr csr({{0, 1}, {1, 2}});
  csr.items[1] = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, options).status);
  csr.items[1] = 3;
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, options).status);
  csr.items[1] = -1;
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, options).status);
  csr.items[1] = 1;
  csr.indptr[1] = 5;
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, options).status);
  csr.indptr[1] = 2;
  ASSERT_OK(MineAll(csr, options).status);
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, {.min_count = 0, .max_itemsets = 100}).status);
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, {.min_count = 1, .max_itemsets = 0}).status);
  EXPECT_CODE(StatusCode::kInvalidArgument, MineAll(csr, {.min_count = 1, .max_length = -1, .max_itemsets = 9}).status);
}

}  // namespace
}  // namespace couponcast
