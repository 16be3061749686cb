#include "couponcast/moments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "response/journal.h"

namespace couponcast {
namespace {

constexpr int64_t kEventsPerPoll = 65'536;
constexpr double kDayMicros = 86'400'000'000.0;

// One user's walk along time.
class Walk {
 public:
  explicit Walk(const MomentParams& params) : params_(params), scope_(params.prior_share.size()) {}

  Status Begin(int64_t user) {
    RowRange events;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(params_.journal, user, &events));
    next_ = events.begin;
    end_ = events.end;
    numbers_ = {};
    weight_ = 0;
    std::ranges::fill(scope_, 0.0);
    first_ = last_ = last_order_ = 0;
    return {};
  }

  // Takes the events before `time`; adds how many to `seen`.
  Status Until(int64_t time, int64_t* seen) {
    const JournalView& journal = params_.journal;
    for (; next_ < end_; ++next_, ++*seen) {
      const auto e = static_cast<size_t>(next_);
      if (journal.times[e] >= time) return {};
      COUPONCAST_RETURN_IF_ERROR(CheckEvent(params_, next_, numbers_[0] > 0 ? last_ : journal.times[e]));
      Add(e, journal.items[e], journal.behaviours[e]);
    }
    return {};
  }

  void Write(int64_t time, std::span<float> shares, std::span<double> numbers) const {
    std::ranges::copy(numbers_, numbers.begin());
    if (numbers_[0] > 0) {
      numbers[4] = Days(first_, time);
      numbers[5] = Days(last_, time);
    }
    if (numbers_[2] > 0) numbers[6] = Days(last_order_, time);
    if (shares.empty()) return;
    const double total = weight_ + params_.prior_weight;
    for (size_t c = 0; c < scope_.size(); ++c) {
      shares[c] = static_cast<float>((scope_[c] + params_.prior_weight * params_.prior_share[c]) / total);
    }
    shares[scope_.size()] = 1.0F;
  }

 private:
  static double Days(int64_t from, int64_t to) { return (static_cast<double>(to) - static_cast<double>(from)) / kDayMicros; }

  void Add(size_t e, int32_t item, uint8_t behaviour) {
    const JournalView& journal = params_.journal;
    const int64_t time = journal.times[e];
    if (numbers_[0] == 0) first_ = time;
    last_ = time;
    numbers_[0] += 1;
    if (behaviour == params_.purchase) {
      numbers_[1] += 1;
      numbers_[3] += journal.values[e];
      if (journal.orders[e] != 0) {
        numbers_[2] += 1;
        last_order_ = time;
      }
    }
    const double price = params_.log_price[static_cast<size_t>(item)];
    if (!std::isnan(price)) {
      numbers_[7] += price;
      numbers_[8] += 1;
    }
    const double weight = params_.weights[behaviour];
    weight_ += weight;
    for (int64_t at = params_.item_indptr[static_cast<size_t>(item)]; at < params_.item_indptr[static_cast<size_t>(item) + 1]; ++at) {
      scope_[static_cast<size_t>(params_.item_coupons[static_cast<size_t>(at)])] += weight;
    }
  }

  const MomentParams& params_;
  std::vector<double> scope_;
  std::array<double, kMomentNumbers> numbers_ = {};
  double weight_ = 0;
  int64_t next_ = 0;
  int64_t end_ = 0;
  int64_t first_ = 0;
  int64_t last_ = 0;
  int64_t last_order_ = 0;
};

}  // namespace

Status UserMoments(const MomentParams& params, std::span<const int32_t> users, std::span<const int64_t> times, RowRange range,
                   CancelFlag cancel, std::span<float> shares, std::span<double> numbers) {
  COUPONCAST_RETURN_IF_ERROR(CheckMomentParams(params));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("times", times.size(), static_cast<int64_t>(users.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(users.size())));
  const auto columns = static_cast<int64_t>(params.prior_share.size()) + 1;
  if (!shares.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("shares", shares.size(), range.size() * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("numbers", numbers.size(), range.size() * kMomentNumbers));
  Walk walk(params);
  int64_t user = -1;
  int64_t time = 0;
  int64_t seen = 0;
  for (int64_t m = range.begin; m < range.end; ++m) {
    const int32_t next = users[static_cast<size_t>(m)];
    const int64_t moment = times[static_cast<size_t>(m)];
    if (next < 0 || next >= params.journal.users()) return OutOfRange("moment " + std::to_string(m) + " names a user that does not exist");
    if (next != user || moment < time) COUPONCAST_RETURN_IF_ERROR(walk.Begin(next));
    user = next;
    time = moment;
    ++seen;
    COUPONCAST_RETURN_IF_ERROR(walk.Until(moment, &seen));
    if (seen >= kEventsPerPoll) {
      if (cancel.IsSet()) return Cancelled();
      seen = 0;
    }
    const int64_t row = m - range.begin;
    walk.Write(moment, shares.empty() ? shares : shares.subspan(static_cast<size_t>(row * columns), static_cast<size_t>(columns)),
               numbers.subspan(static_cast<size_t>(row * kMomentNumbers), static_cast<size_t>(kMomentNumbers)));
  }
  return {};
}

Status ListOrders(const JournalView& journal, std::span<const int32_t> users, CancelFlag cancel, std::span<int32_t> owners,
                  std::span<int64_t> times, std::span<double> values) {
  COUPONCAST_RETURN_IF_ERROR(CheckJournal(journal));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("times", times.size(), static_cast<int64_t>(owners.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("values", values.size(), static_cast<int64_t>(owners.size())));
  size_t next = 0;
  int64_t seen = 0;
  for (size_t i = 0; i < users.size(); ++i) {
    if (users[i] < 0 || users[i] >= journal.users()) return OutOfRange("users[" + std::to_string(i) + "] does not exist");
    RowRange events;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(journal, users[i], &events));
    const size_t first = next;
    for (auto e = static_cast<size_t>(events.begin); e < static_cast<size_t>(events.end); ++e) {
      if (journal.orders[e] != 0) {
        if (next == owners.size()) return InvalidArgument("expected room for all orders");
        owners[next] = static_cast<int32_t>(i);
        times[next] = journal.times[e];
        values[next++] = 0;
      }
      if (next > first) values[next - 1] += journal.values[e];
    }
    seen += events.size();
    if (seen >= kEventsPerPoll) {
      if (cancel.IsSet()) return Cancelled();
      seen = 0;
    }
  }
  if (next != owners.size()) return InvalidArgument("expected " + std::to_string(next) + " orders but received room for others");
  return {};
}

}  // namespace couponcast
