#include <algorithm>
#include <limits>

#include "couponcast/sequences.h"
#include "sequence/check_sequences.h"

namespace couponcast {
namespace {

Status Unsorted(int64_t user) {
  return CorruptFile("user " + std::to_string(user) + ": expected its events by time and, at one time, by behaviour");
}

Status UnknownBehaviour(int64_t user, uint8_t behaviour, int64_t states) {
  return CorruptFile("user " + std::to_string(user) + ": expected a behaviour in [0, " + std::to_string(states) + ") but found " +
                     std::to_string(behaviour));
}

}  // namespace

Status CountTransitions(const SequencesView& sequences, std::span<const int32_t> labels, RowRange range, CancelFlag cancel,
                        const TransitionCounts& out) {
  COUPONCAST_RETURN_IF_ERROR(CheckSequences(sequences, range));
  const int64_t states = sequences.states;
  const auto groups = static_cast<int64_t>(out.starts.size()) / states;
  if (groups < 1) return InvalidArgument("expected at least one group of states");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("starts", out.starts.size(), groups * states));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("ends", out.ends.size(), groups * states));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", out.counts.size(), groups * states * states));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gap_sums", out.gap_sums.size(), groups * states * states));
  if (!labels.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), sequences.users()));
  for (const auto& integers : {out.counts, out.starts, out.ends}) std::ranges::fill(integers, 0);
  std::ranges::fill(out.gap_sums, 0.0);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if (ShouldStop(user, range, cancel)) return Cancelled();
    RowRange events;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(sequences.indptr, user, &events));
    const int64_t label = labels.empty() ? -1 : labels[static_cast<size_t>(user)];
    if (label < -1 || label >= std::max<int64_t>(groups - 1, 0)) {
      return OutOfRange("user " + std::to_string(user) + ": expected a label in [-1, " + std::to_string(groups - 1) + ") but received " +
                        std::to_string(label));
    }
    if (events.size() == 0) continue;
    const int64_t group = label < 0 ? groups - 1 : label;
    int64_t* counts = out.counts.data() + group * states * states;
    double* gaps = out.gap_sums.data() + group * states * states;
    auto at = static_cast<size_t>(events.begin);
    uint8_t from = sequences.behaviours[at];
    int64_t time = sequences.times[at];
    if (from >= states) return UnknownBehaviour(user, from, states);
    ++out.starts[static_cast<size_t>(group * states + from)];
    for (++at; at < static_cast<size_t>(events.end); ++at) {
      const uint8_t to = sequences.behaviours[at];
      const int64_t next = sequences.times[at];
      if (to >= states) return UnknownBehaviour(user, to, states);
      if (next < time || (next == time && to < from)) return Unsorted(user);
      const int64_t place = from * states + to;
      ++counts[place];
      gaps[place] += static_cast<double>(MicrosBetween(time, next));
      from = to;
      time = next;
    }
    ++out.ends[static_cast<size_t>(group * states + from)];
  }
  return {};
}

Status ListGaps(const SequencesView& sequences, RowRange range, CancelFlag cancel, std::span<int64_t> cursors, std::span<int64_t> gaps) {
  COUPONCAST_RETURN_IF_ERROR(CheckSequences(sequences, range));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cursors", cursors.size(), sequences.states * sequences.states));
  for (int64_t user = range.begin; user < range.end; ++user) {
    if (ShouldStop(user, range, cancel)) return Cancelled();
    RowRange events;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(sequences.indptr, user, &events));
    for (auto i = static_cast<size_t>(events.begin) + 1; i < static_cast<size_t>(std::max(events.end, events.begin + 1)); ++i) {
      const auto place = static_cast<size_t>(sequences.behaviours[i - 1]) * static_cast<size_t>(sequences.states) + sequences.behaviours[i];
      if (place >= cursors.size() || cursors[place] < 0 || static_cast<size_t>(cursors[place]) >= gaps.size()) {
        return OutOfRange("user " + std::to_string(user) + ": the sequences are not those that were counted");
      }
      gaps[static_cast<size_t>(cursors[place]++)] = MicrosBetween(sequences.times[i - 1], sequences.times[i]);
    }
  }
  return {};
}

double MedianGap(std::span<int64_t> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  const auto upper = static_cast<double>(*middle);
  if (values.size() % 2 == 1) return upper;
  const auto lower = static_cast<double>(*std::max_element(values.begin(), middle));
  return lower + (upper - lower) / 2;
}

}  // namespace couponcast
