#include <algorithm>
#include <utility>
#include <vector>

#include "couponcast/sequences.h"
#include "sequence/check_sequences.h"

namespace couponcast {
namespace {

constexpr size_t kEventsPerPoll = 1 << 20;

}  // namespace

Status GroupEvents(std::span<const int32_t> users, std::span<const uint8_t> behaviours, std::span<const int64_t> times, CancelFlag cancel,
                   std::span<int64_t> indptr, std::span<uint8_t> out_behaviours, std::span<int64_t> out_times) {
  const auto events = static_cast<int64_t>(users.size());
  if (indptr.empty()) return InvalidArgument("expected an indptr of users + 1 numbers");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("behaviours", behaviours.size(), events));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("times", times.size(), events));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out behaviours", out_behaviours.size(), events));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out times", out_times.size(), events));
  const size_t count = indptr.size() - 1;
  std::ranges::fill(indptr, 0);
  for (size_t i = 0; i < users.size(); ++i) {
    if (i % kEventsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    if (users[i] < 0 || static_cast<size_t>(users[i]) >= count) {
      return OutOfRange("event " + std::to_string(i) + ": expected a user in [0, " + std::to_string(count) + ") but received " +
                        std::to_string(users[i]));
    }
    ++indptr[static_cast<size_t>(users[i]) + 1];
  }
  for (size_t u = 0; u < count; ++u) indptr[u + 1] += indptr[u];
  std::vector<int64_t> next(indptr.begin(), indptr.end() - 1);
  for (size_t i = 0; i < users.size(); ++i) {
    if (i % kEventsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto at = static_cast<size_t>(next[static_cast<size_t>(users[i])]++);
    out_behaviours[at] = behaviours[i];
    out_times[at] = times[i];
  }
  return {};
}

Status SortSequences(std::span<const int64_t> indptr, std::span<uint8_t> behaviours, std::span<int64_t> times, RowRange range,
                     CancelFlag cancel) {
  COUPONCAST_RETURN_IF_ERROR(CheckIndptr(indptr, behaviours.size(), times.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(indptr.size()) - 1));
  std::vector<std::pair<int64_t, uint8_t>> events;
  for (int64_t user = range.begin; user < range.end; ++user) {
    if (ShouldStop(user, range, cancel)) return Cancelled();
    RowRange of;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(indptr, user, &of));
    events.clear();
    for (auto i = static_cast<size_t>(of.begin); i < static_cast<size_t>(of.end); ++i) events.emplace_back(times[i], behaviours[i]);
    if (std::ranges::is_sorted(events)) continue;
    std::ranges::sort(events);
    for (size_t i = 0; i < events.size(); ++i) {
      times[static_cast<size_t>(of.begin) + i] = events[i].first;
      behaviours[static_cast<size_t>(of.begin) + i] = events[i].second;
    }
  }
  return {};
}

}  // namespace couponcast
