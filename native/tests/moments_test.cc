#include "couponcast/moments.h"

#include <gtest/gtest.h>

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

struct Answer {
  std::vector<float> shares;
  std::vector<double> numbers;
};

Answer Ask(const Shop& shop, int64_t shard) {
  Answer answer;
  const auto count = static_cast<int64_t>(shop.users.size());
  for (int64_t begin = 0; begin < count; begin += shard) {
    const RowRange range{begin, std::min(begin + shard, count)};
    std::vector<float> shares(static_cast<size_t>(range.size() * (kCoupons + 1)), -1.0F);
    std::vector<double> numbers(static_cast<size_t>(range.size() * kMomentNumbers), -1.0);
    EXPECT_OK(UserMoments(shop.params(), shop.users, shop.moments, range, {}, shares, numbers));
    answer.shares.insert(answer.shares.end(), shares.begin(), shares.end());
    answer.numbers.insert(answer.numbers.end(), numbers.begin(), numbers.end());
  }
  return answer;
}

TEST(UserMoments, CountWhatCameBeforeAndNothingElse) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const Shop shop(seed);
    const Answer answer = Ask(shop, 1 << 20);
    for (size_t m = 0; m < shop.users.size(); ++m) {
      const auto user = static_cast<size_t>(shop.users[m]);
      const int64_t now = shop.moments[m];
      std::vector<double> want(kMomentNumbers, 0.0);
      std::vector<double> scope(kCoupons, 0.0);
      double weight = 0;
      for (auto e = static_cast<size_t>(shop.indptr[user]); e < static_cast<size_t>(shop.indptr[user + 1]); ++e) {
        if (shop.times[e] >= now) continue;
        const double days = static_cast<double>(now - shop.times[e]) / static_cast<double>(kDay);
        const auto item = static_cast<size_t>(shop.items[e]);
        if (want[0] == 0) want[4] = days;
        want[0] += 1;
        want[5] = days;
        if (shop.behaviours[e] == 2) {
          want[1] += 1;
          want[2] += shop.orders[e];
          want[3] += shop.values[e];
          if (shop.orders[e] == 1) want[6] = days;
        }
        if (!std::isnan(shop.log_price[item])) {
          want[7] += shop.log_price[item];
          want[8] += 1;
        }
        weight += shop.weights[shop.behaviours[e]];
        for (auto at = static_cast<size_t>(shop.item_indptr[item]); at < static_cast<size_t>(shop.item_indptr[item + 1]); ++at)
          scope[static_cast<size_t>(shop.item_coupons[at])] += shop.weights[shop.behaviours[e]];
      }
      for (size_t k = 0; k < kMomentNumbers; ++k) EXPECT_NEAR(answer.numbers[m * kMomentNumbers + k], want[k], 1e-9) << k;
      for (size_t c = 0; c < kCoupons; ++c) {
        EXPECT_NEAR(answer.shares[m * (kCoupons + 1) + c], (scope[c] + 10 * shop.prior_share[c]) / (weight + 10), 1e-6);
      }
      EXPECT_EQ(answer.shares[m * (kCoupons + 1) + kCoupons], 1.0F);
    }
  }
}

TEST(UserMoments, DoNotDependOnShardsOrOnWhatComesLater) {
  Shop shop(3);
  const Answer whole = Ask(shop, 1 << 20);
  const Answer pieces = Ask(shop, 1);
  EXPECT_EQ(whole.shares, pieces.shares);
  EXPECT_EQ(whole.numbers, pieces.numbers);
  // Other items, behaviours and values after each user's last moment.
  std::vector<int64_t> last(kUsers, 0);
  for (size_t m = 0; m < shop.users.size(); ++m) {
    last[static_cast<size_t>(shop.users[m])] = std::max(last[static_cast<size_t>(shop.users[m])], shop.moments[m]);
  }
  int changed = 0;
  for (size_t u = 0; u < kUsers; ++u) {
    for (auto e = static_cast<size_t>(shop.indptr[u]); e < static_cast<size_t>(shop.indptr[u + 1]); ++e) {
      if (shop.times[e] < last[u]) continue;
      shop.items[e] = static_cast<int32_t>((shop.items[e] + 7) % kItems);
      shop.behaviours[e] = 2;
      shop.orders[e] = 1;
      shop.values[e] += 1e6;
      ++changed;
    }
  }
  ASSERT_GT(changed, 50);
  const Answer after = Ask(shop, 1 << 20);
  EXPECT_EQ(whole.shares, after.shares);
  EXPECT_EQ(whole.numbers, after.numbers);
}

TEST(ListOrders, AddUpTheLinesUntilTheNextOrder) {
  const Shop shop(5);
  std::vector<int32_t> users;
  std::vector<int32_t> want_owners;
  std::vector<double> want_values;
  for (int32_t u = 0; u < kUsers; u += 3) {
    const size_t first = want_owners.size();
    for (auto e = static_cast<size_t>(shop.indptr[static_cast<size_t>(u)]);
         e < static_cast<size_t>(shop.indptr[static_cast<size_t>(u) + 1]); ++e) {
      if (shop.orders[e] == 1) {
        want_owners.push_back(static_cast<int32_t>(users.size()));
        want_values.push_back(0);
      }
      if (want_owners.size() > first) want_values.back() += shop.values[e];
    }
    users.push_back(u);
  }
  const JournalView journal = shop.params().journal;
  std::vector<int32_t> owners(want_owners.size());
  std::vector<int64_t> times(owners.size());
  std::vector<double> values(owners.size());
  ASSERT_OK(ListOrders(journal, users, {}, owners, times, values));
  EXPECT_EQ(owners, want_owners);
  EXPECT_EQ(values, want_values);
  owners.pop_back();
  times.pop_back();
  values.pop_back();
  EXPECT_EQ(ListOrders(journal, users, {}, owners, times, values).code(), StatusCode::kInvalidArgument);
}

TEST(UserMoments, RefuseWhatDoesNotFit) {
  const Shop good(1);
  const auto status = [](const Shop& shop) {
    std::vector<double> numbers(shop.users.size() * kMomentNumbers);
    return UserMoments(shop.params(), shop.users, shop.moments, {0, static_cast<int64_t>(shop.users.size())}, {}, {}, numbers).code();
  };
  EXPECT_EQ(status(good), StatusCode::kOk);
  Shop bad = good;
  bad.users[0] = kUsers;
  EXPECT_EQ(status(bad), StatusCode::kOutOfRange);
  bad = good;
  bad.moments.assign(bad.moments.size(), 100 * kDay);
  bad.items.assign(bad.items.size(), kItems);
  EXPECT_EQ(status(bad), StatusCode::kCorruptFile);
  bad = good;
  bad.item_coupons[0] = kCoupons;
  EXPECT_EQ(status(bad), StatusCode::kOutOfRange);
  bad = good;
  bad.values.pop_back();
  EXPECT_EQ(status(bad), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace couponcast
