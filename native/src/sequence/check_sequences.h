#ifndef COUPONCAST_SEQUENCE_CHECK_SEQUENCES_H_
#define COUPONCAST_SEQUENCE_CHECK_SEQUENCES_H_

#include <algorithm>
#include <limits>
#include <string>

#include "base/check.h"
#include "couponcast/sequences.h"

namespace couponcast {

inline constexpr int64_t kUsersPerPoll = 1024;
inline constexpr int64_t kMaxStates = 256;

// O(1): the shape, not the content.
inline Status CheckIndptr(std::span<const int64_t> indptr, size_t behaviours, size_t times) {
  if (indptr.empty() || indptr.front() != 0) return InvalidArgument("expected an indptr of users + 1 numbers from 0");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("behaviours", behaviours, indptr.back()));
  return CheckSize("times", times, indptr.back());
}

inline Status CheckSequences(const SequencesView& sequences, RowRange range) {
  COUPONCAST_RETURN_IF_ERROR(CheckIndptr(sequences.indptr, sequences.behaviours.size(), sequences.times.size()));
  if (sequences.states < 1 || sequences.states > kMaxStates) {
    return InvalidArgument("expected 1 to 256 states but received " + std::to_string(sequences.states));
  }
  return CheckRange(range, sequences.users());
}

// The events of a user, if its pointers are within the `events` of all.
inline Status EventsOf(std::span<const int64_t> indptr, int64_t user, RowRange* events) {
  *events = {indptr[static_cast<size_t>(user)], indptr[static_cast<size_t>(user) + 1]};
  if (events->begin >= 0 && events->begin <= events->end && events->end <= indptr.back()) return {};
  return CorruptFile("user " + std::to_string(user) + ": its events are [" + std::to_string(events->begin) + ", " +
                     std::to_string(events->end) + ") of " + std::to_string(indptr.back()));
}

// Microseconds from one time to a later one, at most the largest number; 0 to an earlier one.
inline int64_t MicrosBetween(int64_t from, int64_t to) {
  if (to <= from) return 0;
  const uint64_t difference = static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  return static_cast<int64_t>(std::min<uint64_t>(difference, std::numeric_limits<int64_t>::max()));
}

inline bool ShouldStop(int64_t user, RowRange range, CancelFlag cancel) {
  return (user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet();
}

}  // namespace couponcast

#endif  // COUPONCAST_SEQUENCE_CHECK_SEQUENCES_H_
