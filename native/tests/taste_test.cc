#include "couponcast/taste.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/journal_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::kCoupons;
using testing::kDay;
using testing::kItems;
using testing::kUsers;
using testing::Shop;

struct Targets {
  std::vector<int32_t> users;
  std::vector<int64_t> places;

  explicit Targets(const Shop& shop) {
    testing::Random random(7);
    for (int32_t u = 0; u < kUsers; ++u) {
      const int64_t events = shop.indptr[static_cast<size_t>(u) + 1] - shop.indptr[static_cast<size_t>(u)];
      std::vector<int64_t> own;
      for (int64_t n = events > 0 ? random.Below(4) : 0; n > 0; --n) own.push_back(random.Below(events));
      std::ranges::sort(own);
      for (const int64_t place : own) {
        users.push_back(u);
        places.push_back(place);
      }
    }
  }
};

bool IsInScope(const Shop& shop, int32_t item, int32_t coupon) {
  const auto begin = shop.item_coupons.begin();
  const auto i = static_cast<size_t>(item);
  return std::find(begin + shop.item_indptr[i], begin + shop.item_indptr[i + 1], coupon) != begin + shop.item_indptr[i + 1];
}

double PlainLoss(const Shop& shop, const Targets& targets, int64_t gap) {
  double loss = 0;
  for (size_t m = 0; m < targets.users.size(); ++m) {
    const int64_t first = shop.indptr[static_cast<size_t>(targets.users[m])];
    const auto target = static_cast<size_t>(first + targets.places[m]);
    for (int32_t c = 0; c < kCoupons; ++c) {
      double scope = 10 * shop.prior_share[static_cast<size_t>(c)];
      double all = 10;
      for (auto e = static_cast<size_t>(first); e < target; ++e) {
        if (shop.times[e] > shop.times[target] - gap) continue;
        const double weight = shop.weights[shop.behaviours[e]];
        all += weight;
        if (IsInScope(shop, shop.items[e], c)) scope += weight;
      }
      const double p = scope / all;
      loss -= std::log(std::max(IsInScope(shop, shop.items[target], c) ? p : 1 - p, 1e-6));
    }
  }
  return loss;
}

struct Answer {
  double loss = 0;
  std::vector<double> gradient = std::vector<double>(3);
};

Answer Ask(const Shop& shop, const Targets& targets, int64_t gap, int64_t shard) {
  Answer answer;
  const auto count = static_cast<int64_t>(targets.users.size());
  for (int64_t begin = 0; begin < count; begin += shard) {
    double loss = -1;
    std::vector<double> gradient(3, -1);
    EXPECT_OK(TasteLoss(shop.params(), {targets.users, targets.places, gap}, {begin, std::min(begin + shard, count)}, {}, &loss, gradient));
    answer.loss += loss;
    for (size_t b = 0; b < gradient.size(); ++b) answer.gradient[b] += gradient[b];
  }
  return answer;
}

TEST(TasteLoss, IsThePlainSumAndItsGradient) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    Shop shop(seed);
    const Targets targets(shop);
    ASSERT_GT(targets.users.size(), 20U);
    for (const int64_t gap : {int64_t{0}, kDay}) {
      const Answer answer = Ask(shop, targets, gap, 1 << 20);
      EXPECT_NEAR(answer.loss, PlainLoss(shop, targets, gap), 1e-9 * answer.loss);
      for (size_t b = 0; b < shop.weights.size(); ++b) {
        const double at = shop.weights[b];
        shop.weights[b] = at + 1e-5;
        const double more = PlainLoss(shop, targets, gap);
        shop.weights[b] = at - 1e-5;
        const double less = PlainLoss(shop, targets, gap);
        shop.weights[b] = at;
        EXPECT_NEAR(answer.gradient[b], (more - less) / 2e-5, 1e-4);
      }
    }
  }
}

TEST(TasteLoss, DoesNotDependOnShards) {
  const Shop shop(3);
  const Targets targets(shop);
  const Answer whole = Ask(shop, targets, kDay, 1 << 20);
  const Answer pieces = Ask(shop, targets, kDay, 1);
  EXPECT_NEAR(whole.loss, pieces.loss, 1e-9 * whole.loss);
  for (size_t b = 0; b < 3; ++b) EXPECT_NEAR(whole.gradient[b], pieces.gradient[b], 1e-9);
}

TEST(TasteLoss, AScopeOfEverythingCostsNothing) {
  Shop shop(1);
  shop.prior_share.assign(kCoupons, 1.0);
  shop.item_coupons.clear();
  shop.item_indptr.assign(1, 0);
  for (int64_t i = 0; i < kItems; ++i) {
    for (int32_t c = 0; c < kCoupons; ++c) shop.item_coupons.push_back(c);
    shop.item_indptr.push_back(static_cast<int64_t>(shop.item_coupons.size()));
  }
  const Answer answer = Ask(shop, Targets(shop), 0, 1 << 20);
  EXPECT_EQ(answer.loss, 0);
  EXPECT_EQ(answer.gradient, std::vector<double>(3, 0.0));
}

TEST(TasteLoss, RefusesWhatDoesNotFit) {
  const Shop good(1);
  const Targets targets(good);
  const auto status = [](const Shop& shop, const Targets& of) {
    double loss = 0;
    std::vector<double> gradient(3);
    const RowRange all{0, static_cast<int64_t>(of.users.size())};
    return TasteLoss(shop.params(), {of.users, of.places, 0}, all, {}, &loss, gradient).code();
  };
  EXPECT_EQ(status(good, targets), StatusCode::kOk);
  Targets wrong = targets;
  wrong.users[0] = kUsers;
  EXPECT_EQ(status(good, wrong), StatusCode::kOutOfRange);
  wrong = targets;
  wrong.places[0] = 1000;
  EXPECT_EQ(status(good, wrong), StatusCode::kOutOfRange);
  wrong = targets;
  wrong.places.pop_back();
  EXPECT_EQ(status(good, wrong), StatusCode::kInvalidArgument);
  Shop bad = good;
  bad.items.assign(bad.items.size(), kItems);
  EXPECT_EQ(status(bad, targets), StatusCode::kCorruptFile);
  bad = good;
  std::ranges::reverse(bad.item_coupons);
  EXPECT_EQ(status(bad, targets), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace couponcast
