#include "couponcast/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::Shards;

constexpr int64_t kSecond = 1'000'000;

struct Event {
  int32_t user;
  int64_t time;
  uint8_t behaviour;
  auto operator<=>(const Event&) const = default;
};

struct Owned {
  std::vector<int64_t> indptr;
  std::vector<uint8_t> behaviours;
  std::vector<int64_t> times;
  int64_t states;
  SequencesView view() const { return {indptr, behaviours, times, states}; }
};

Owned Sequences(const std::vector<Event>& events, int64_t users, int64_t states, int64_t shard = 7) {
  std::vector<int32_t> of;
  std::vector<uint8_t> behaviours;
  std::vector<int64_t> times;
  for (const Event& event : events) {
    of.push_back(event.user);
    behaviours.push_back(event.behaviour);
    times.push_back(event.time);
  }
  Owned owned{std::vector<int64_t>(static_cast<size_t>(users) + 1, -7), std::vector<uint8_t>(events.size()),
              std::vector<int64_t>(events.size()), states};
  EXPECT_OK(GroupEvents(of, behaviours, times, {}, owned.indptr, owned.behaviours, owned.times));
  for (const RowRange range : Shards(users, shard)) EXPECT_OK(SortSequences(owned.indptr, owned.behaviours, owned.times, range, {}));
  return owned;
}

std::vector<Event> RandomEvents(int64_t users, int64_t states, int64_t count, int64_t times, uint64_t seed) {
  Random random(seed);
  std::vector<Event> events;
  for (int64_t i = 0; i < count; ++i) {
    // Half of the users have most of the events, some have none.
    const int64_t user = random.Below(3) == 0 ? random.Below(users) : random.Below(users / 2 + 1);
    events.push_back({static_cast<int32_t>(user), random.Below(times) * kSecond, static_cast<uint8_t>(random.Below(states))});
  }
  return events;
}

struct Counts {
  std::vector<int64_t> counts, starts, ends;
  std::vector<double> gap_sums;
  Counts(int64_t groups, int64_t states)
      : counts(static_cast<size_t>(groups * states * states), -7),
        starts(static_cast<size_t>(groups * states), -7),
        ends(starts),
        gap_sums(counts.size(), -7) {}
  TransitionCounts view() { return {counts, gap_sums, starts, ends}; }
};

Counts Count(const SequencesView& sequences, const std::vector<int32_t>& labels, int64_t groups, int64_t shard) {
  Counts all(groups, sequences.states);
  for (auto* list : {&all.counts, &all.starts, &all.ends}) std::ranges::fill(*list, 0);
  std::ranges::fill(all.gap_sums, 0.0);
  for (const RowRange range : Shards(sequences.users(), shard)) {
    Counts part(groups, sequences.states);
    EXPECT_OK(CountTransitions(sequences, labels, range, {}, part.view()));
    for (size_t i = 0; i < all.counts.size(); ++i) {
      all.counts[i] += part.counts[i];
      all.gap_sums[i] += part.gap_sums[i];
    }
    for (size_t i = 0; i < all.starts.size(); ++i) {
      all.starts[i] += part.starts[i];
      all.ends[i] += part.ends[i];
    }
  }
  return all;
}

TEST(Transitions, CountTheGoldenSequences) {
  // b,b,s,p,b / s,b,p / b,s,s with b = 0, s = 1, p = 2.
  const std::vector<Event> events = {{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, 4, 2}, {0, 5, 0}, {1, 1, 1},
                                     {1, 2, 0}, {1, 3, 2}, {2, 1, 0}, {2, 2, 1}, {2, 3, 1}};
  const Owned owned = Sequences(events, 3, 3);
  const Counts counts = Count(owned.view(), {}, 1, 2);
  EXPECT_EQ(counts.counts, (std::vector<int64_t>{1, 2, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(counts.starts, (std::vector<int64_t>{2, 1, 0}));
  EXPECT_EQ(counts.ends, (std::vector<int64_t>{1, 1, 1}));
}

TEST(Transitions, EqualBruteForceForAnyShardAndOrderOfTheInput) {
  for (const auto& [users, states, count, times] :
       {std::tuple(40, 3, 600, 50), std::tuple(9, 1, 80, 1000), std::tuple(200, 7, 1500, 3), std::tuple(5, 256, 300, 100)}) {
    std::vector<Event> events = RandomEvents(users, states, count, times, 11);
    Random random(5);
    std::vector<int32_t> labels;
    for (int64_t u = 0; u < users; ++u) labels.push_back(static_cast<int32_t>(random.Below(4)) - 1);
    const Owned owned = Sequences(events, users, states);
    std::ranges::sort(events);
    Counts expected(4, states);
    for (auto* list : {&expected.counts, &expected.starts, &expected.ends}) std::ranges::fill(*list, 0);
    std::vector<std::vector<int64_t>> gaps(static_cast<size_t>(states * states));
    for (size_t i = 0; i < events.size(); ++i) {
      const int32_t label = labels[static_cast<size_t>(events[i].user)];
      const auto group = static_cast<size_t>(label < 0 ? 3 : label);
      const auto width = static_cast<size_t>(states);
      const bool first = i == 0 || events[i - 1].user != events[i].user;
      const bool last = i + 1 == events.size() || events[i + 1].user != events[i].user;
      if (first) ++expected.starts[group * width + events[i].behaviour];
      if (last) {
        ++expected.ends[group * width + events[i].behaviour];
      } else {
        const size_t place = events[i].behaviour * width + events[i + 1].behaviour;
        ++expected.counts[group * width * width + place];
        gaps[place].push_back(events[i + 1].time - events[i].time);
      }
    }
    for (const int64_t shard : {1, 3, 1000}) {
      const Counts counts = Count(owned.view(), labels, 4, shard);
      EXPECT_EQ(counts.counts, expected.counts);
      EXPECT_EQ(counts.starts, expected.starts);
      EXPECT_EQ(counts.ends, expected.ends);
    }
    std::ranges::reverse(events);
    const Owned other = Sequences(events, users, states, 3);
    EXPECT_TRUE(SameBits(owned.times, other.times));
    EXPECT_TRUE(SameBits(owned.behaviours, other.behaviours));

    std::vector<int64_t> cursors;
    int64_t total = 0;
    for (const auto& list : gaps) {
      cursors.push_back(total);
      total += static_cast<int64_t>(list.size());
    }
    std::vector<int64_t> all(static_cast<size_t>(total), -7);
    const std::vector<int64_t> starts = cursors;
    for (const RowRange range : Shards(users, 6)) EXPECT_OK(ListGaps(owned.view(), range, {}, cursors, all));
    for (size_t place = 0; place < gaps.size(); ++place) {
      const std::span<int64_t> found = std::span(all).subspan(static_cast<size_t>(starts[place]), gaps[place].size());
      const double median = MedianGap(found);
      std::vector<int64_t> sorted(found.begin(), found.end());
      std::ranges::sort(sorted);
      std::ranges::sort(gaps[place]);
      EXPECT_EQ(sorted, gaps[place]);
      if (sorted.empty()) {
        EXPECT_TRUE(std::isnan(median));
      } else {
        EXPECT_EQ(median, static_cast<double>(sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2);
      }
    }
  }
}

TEST(WaitBin, IsTheOneWhoseBoundsHoldTheWait) {
  Random random(3);
  std::vector<int64_t> waits = {-kSecond, 0, 1, kSecond - 1, std::numeric_limits<int64_t>::max()};
  for (int64_t s = 0; s < 100; ++s) waits.push_back(s * kSecond);
  for (int i = 0; i < 2000; ++i) waits.push_back(static_cast<int64_t>(random.Bits() >> (1 + random.Below(60))));
  for (const int64_t wait : waits) {
    const int64_t bin = WaitBin(wait);
    ASSERT_GE(bin, 0);
    ASSERT_LT(bin, kWaitBins);
    EXPECT_LE(WaitBinStart(bin), std::max(0.0, static_cast<double>(wait) / kSecond));
    EXPECT_LT(static_cast<double>(wait) / kSecond, WaitBinStart(bin + 1));
  }
}

struct Waits {
  std::vector<int64_t> waits, censored;
};

Waits CountAll(const SequencesView& sequences, int64_t as_of, int64_t shard) {
  const auto width = static_cast<size_t>(sequences.states * kWaitBins);
  Waits all{std::vector<int64_t>(width * static_cast<size_t>(sequences.states), 0), std::vector<int64_t>(width, 0)};
  for (const RowRange range : Shards(sequences.users(), shard)) {
    Waits part{std::vector<int64_t>(all.waits.size(), -7), std::vector<int64_t>(width, -7)};
    EXPECT_OK(CountWaits(sequences, as_of, range, {}, part.waits, part.censored));
    for (size_t i = 0; i < all.waits.size(); ++i) all.waits[i] += part.waits[i];
    for (size_t i = 0; i < width; ++i) all.censored[i] += part.censored[i];
  }
  return all;
}

// Of the users in `range`, all at one moment.
Status NextAt(const SequencesView& sequences, const Waits& waits, int64_t moment, double horizon_seconds, RowRange range,
              std::span<float> chances) {
  std::vector<int32_t> users(static_cast<size_t>(sequences.users()));
  std::iota(users.begin(), users.end(), 0);
  const std::vector<int64_t> times(users.size(), moment);
  return NextWithin(sequences, waits.waits, waits.censored, users, times, horizon_seconds, range, {}, chances);
}

TEST(NextWithin, WithoutCensoringIsTheShareOfThoseStillWaiting) {
  // Behaviour 0, then after 1, 2 or 3 seconds another; only the user asked about is still waiting, for a whole second.
  const std::vector<Event> events = {{0, 0, 0}, {0, 1 * kSecond, 1}, {1, 0, 0}, {1, 2 * kSecond, 1},
                                     {2, 0, 0}, {2, 2 * kSecond, 2}, {3, 0, 0}, {3, 3 * kSecond, 2}};
  const Owned owned = Sequences(events, 4, 3);
  const Waits waits = CountAll(owned.view(), 3 * kSecond, 2);
  const Owned asked = Sequences({{0, 100 * kSecond, 0}}, 2, 3);
  std::vector<float> chances(6, -7.0F);
  // Waited 2 s: three of the four were; within one more second, two of them went on, one to each.
  ASSERT_OK(NextAt(asked.view(), waits, 102 * kSecond, 1.0, {0, 2}, chances));
  EXPECT_FLOAT_EQ(chances[0], 0.0F);
  EXPECT_FLOAT_EQ(chances[1], 1.0F / 3);
  EXPECT_FLOAT_EQ(chances[2], 1.0F / 3);
  EXPECT_EQ(std::vector<float>(chances.begin() + 3, chances.end()), (std::vector<float>{0, 0, 0}));
  // With all the time there is, everybody goes on.
  ASSERT_OK(NextAt(asked.view(), waits, 100 * kSecond + 1, 1e12, {0, 2}, chances));
  EXPECT_FLOAT_EQ(chances[1], 0.5F);
  EXPECT_FLOAT_EQ(chances[2], 0.5F);
}

TEST(NextWithin, EqualsALifeTableForAnyShards) {
  constexpr int64_t kUsers = 300;
  constexpr int64_t kStates = 4;
  const Owned owned = Sequences(RandomEvents(kUsers, kStates, 2000, 500'000, 9), kUsers, kStates);
  const int64_t as_of = 500'000 * kSecond;
  const Waits waits = CountAll(owned.view(), as_of, 17);
  const Waits again = CountAll(owned.view(), as_of, 1000);
  EXPECT_EQ(waits.waits, again.waits);
  EXPECT_EQ(waits.censored, again.censored);
  constexpr double kHorizon = 86'400;
  std::vector<float> chances(kUsers * kStates);
  for (const RowRange range : Shards(kUsers, 41)) {
    EXPECT_OK(NextAt(owned.view(), waits, as_of, kHorizon, range,
                     std::span(chances).subspan(static_cast<size_t>(range.begin * kStates), static_cast<size_t>(range.size() * kStates))));
  }
  for (int64_t user = 0; user < kUsers; ++user) {
    const auto last = static_cast<size_t>(owned.indptr[static_cast<size_t>(user) + 1]) - 1;
    std::vector<double> expected(kStates, 0.0);
    if (owned.indptr[static_cast<size_t>(user)] < owned.indptr[static_cast<size_t>(user) + 1]) {
      const double elapsed = static_cast<double>(as_of - owned.times[last]) / kSecond;
      double waiting = 1;
      for (int64_t bin = 0; bin < kWaitBins; ++bin) {
        const double overlap = std::min(elapsed + kHorizon, WaitBinStart(bin + 1)) - std::max(elapsed, WaitBinStart(bin));
        if (overlap <= 0) continue;
        const auto at = [&](int64_t b) { return static_cast<size_t>(owned.behaviours[last] * kWaitBins + b); };
        double at_risk = -static_cast<double>(waits.censored[at(bin)]) / 2;
        for (int64_t b = bin; b < kWaitBins; ++b) {
          at_risk += static_cast<double>(waits.censored[at(b)]);
          for (size_t to = 0; to < kStates; ++to) at_risk += static_cast<double>(waits.waits[at(b) * kStates + to]);
        }
        double gone = 0;
        for (size_t to = 0; to < kStates; ++to) {
          const auto went = static_cast<double>(waits.waits[at(bin) * kStates + to]);
          const double hazard = went > 0 ? went / at_risk * overlap / (WaitBinStart(bin + 1) - WaitBinStart(bin)) : 0;
          expected[to] += waiting * hazard;
          gone += hazard;
        }
        waiting *= 1 - gone;
      }
    }
    double sum = 0;
    for (size_t to = 0; to < kStates; ++to) {
      const auto chance = static_cast<double>(chances[static_cast<size_t>(user) * kStates + to]);
      EXPECT_NEAR(chance, expected[to], 1e-6);
      sum += chance;
    }
    EXPECT_LE(sum, 1 + 1e-6);
  }
}

TEST(NextWithin, SeesOnlyWhatHadHappenedByThen) {
  constexpr int32_t kUsers = 40;
  constexpr int64_t kStates = 3;
  const std::vector<Event> events = RandomEvents(kUsers, kStates, 400, 1000, 5);
  const Owned owned = Sequences(events, kUsers, kStates);
  const Waits waits = CountAll(owned.view(), 1000 * kSecond, 7);
  Random random(6);
  std::vector<int32_t> users;
  std::vector<int64_t> times;
  for (int i = 0; i < 300; ++i) {
    users.push_back(static_cast<int32_t>(random.Below(kUsers)));
    // Often the very time of an event, which has not happened before it.
    times.push_back(random.Below(1001) * kSecond);
  }
  std::vector<float> chances(users.size() * kStates);
  ASSERT_OK(NextWithin(owned.view(), waits.waits, waits.censored, users, times, 60.0, {0, 300}, {}, chances));
  for (size_t m = 0; m < users.size(); ++m) {
    std::vector<Event> earlier;
    std::ranges::copy_if(events, std::back_inserter(earlier), [&](const Event& event) { return event.time < times[m]; });
    const Owned then = Sequences(earlier, kUsers, kStates);
    std::vector<float> expected(kStates);
    ASSERT_OK(NextAt(then.view(), waits, times[m], 60.0, {users[m], users[m] + 1}, expected));
    EXPECT_EQ(std::vector<float>(chances.begin() + static_cast<ptrdiff_t>(m) * kStates,
                                 chances.begin() + static_cast<ptrdiff_t>(m + 1) * kStates),
              expected);
  }
}

TEST(Sequences, RefuseWhatIsNone) {
  Owned owned = Sequences({{0, 5, 1}, {0, 5, 0}, {1, 9, 1}}, 2, 2);
  Counts counts(1, 2);
  const auto count = [&](RowRange range = {0, 2}, const std::vector<int32_t>& labels = {}) {
    return CountTransitions(owned.view(), labels, range, {}, counts.view());
  };
  EXPECT_OK(count());
  EXPECT_CODE(StatusCode::kOutOfRange, count({0, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, count({0, 2}, {0}));
  EXPECT_CODE(StatusCode::kOutOfRange, count({0, 2}, {0, 1}));
  EXPECT_EQ(CountTransitions(owned.view(), {}, {0, 2}, Raised(), counts.view()).code(), StatusCode::kCancelled);
  owned.states = 1;
  Counts one(1, 1);
  EXPECT_CODE(StatusCode::kCorruptFile, CountTransitions(owned.view(), {}, {0, 2}, {}, one.view()));
  owned.states = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument, count());
  owned.states = 2;
  std::swap(owned.behaviours[0], owned.behaviours[1]);
  EXPECT_CODE(StatusCode::kCorruptFile, count());
  std::swap(owned.behaviours[0], owned.behaviours[1]);
  owned.times[0] = 6;
  EXPECT_CODE(StatusCode::kCorruptFile, count());
  owned.times[0] = std::numeric_limits<int64_t>::min();
  owned.times[1] = std::numeric_limits<int64_t>::max();
  EXPECT_OK(count());
  owned.indptr[1] = 7;
  EXPECT_CODE(StatusCode::kCorruptFile, count());
  owned.indptr[1] = -1;
  EXPECT_CODE(StatusCode::kCorruptFile, count());
  EXPECT_CODE(StatusCode::kCorruptFile, SortSequences(owned.indptr, owned.behaviours, owned.times, {0, 2}, {}));
  std::vector<int64_t> indptr(2);
  const std::vector<int32_t> users = {0, 1, 0};
  EXPECT_CODE(StatusCode::kOutOfRange, GroupEvents(users, owned.behaviours, owned.times, {}, indptr, owned.behaviours, owned.times));
  std::vector<float> chances(4);
  const std::vector<int64_t> waits(2 * kWaitBins * 2);
  const std::vector<int64_t> censored(2 * kWaitBins);
  const auto next = [&](const std::vector<int32_t>& asked, const std::vector<int64_t>& times, double horizon) {
    return NextWithin(owned.view(), waits, censored, asked, times, horizon, {0, 2}, {}, chances);
  };
  EXPECT_CODE(StatusCode::kCorruptFile, next({0, 1}, {0, 0}, 1.0));
  owned.indptr[1] = 2;
  EXPECT_OK(next({0, 1}, {0, 0}, 1.0));
  EXPECT_CODE(StatusCode::kInvalidArgument, next({0, 1}, {0, 0}, 0.0));
  EXPECT_CODE(StatusCode::kInvalidArgument, next({0, 1}, {0}, 1.0));
  EXPECT_CODE(StatusCode::kOutOfRange, next({0}, {0}, 1.0));
  EXPECT_EQ(
      NextWithin(owned.view(), waits, censored, std::vector<int32_t>{0, 1}, std::vector<int64_t>{0, 0}, 1.0, {0, 2}, Raised(), chances)
          .code(),
      StatusCode::kCancelled);
  EXPECT_CODE(StatusCode::kOutOfRange, next({0, 2}, {0, 0}, 1.0));
  EXPECT_CODE(StatusCode::kOutOfRange, next({-1, 0}, {0, 0}, 1.0));
}

TEST(Sequences, OfNobodyAreEmpty) {
  const Owned owned = Sequences({}, 0, 3);
  EXPECT_EQ(Count(owned.view(), {}, 1, 5).counts, std::vector<int64_t>(9, 0));
  const Owned silent = Sequences({}, 4, 3);
  EXPECT_EQ(Count(silent.view(), {}, 1, 5).ends, std::vector<int64_t>(3, 0));
}

}  // namespace
}  // namespace couponcast
