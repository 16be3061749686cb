// Behaviour sequences: each user's events in the order of time, as kernels over ranges of users.
#ifndef COUPONCAST_SEQUENCES_H_
#define COUPONCAST_SEQUENCES_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// The sequence of user u is [indptr[u], indptr[u + 1]): ascending by time, of equal times by behaviour. So it depends on
// the events alone and not on the order in which they came.
struct SequencesView {
  std::span<const int64_t> indptr;      // [users + 1] from 0 to events
  std::span<const uint8_t> behaviours;  // [events] in [0, states)
  std::span<const int64_t> times;       // [events] microseconds since 1970
  int64_t states = 0;                   // 1 to 256

  int64_t users() const { return static_cast<int64_t>(indptr.size()) - 1; }
};

// Brings events together by user, in the order in which they came.
//
// users           [events] in [0, number of users)
// behaviours      [events]
// times           [events]
// indptr          [number of users + 1] out
// out_behaviours  [events] out
// out_times       [events] out
//
// Cost: two passes, one of them in the order of the users. Memory: 8 bytes a user.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status GroupEvents(std::span<const int32_t> users, std::span<const uint8_t> behaviours, std::span<const int64_t> times, CancelFlag cancel,
                   std::span<int64_t> indptr, std::span<uint8_t> out_behaviours, std::span<int64_t> out_times);

// Sorts the sequences of the users in `range` by time, of equal times by behaviour; those that are sorted already cost
// one pass. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status SortSequences(std::span<const int64_t> indptr, std::span<uint8_t> behaviours, std::span<int64_t> times, RowRange range,
                     CancelFlag cancel);

// What one shard of users adds to the counts; groups are the segments and, last, the users in none.
struct TransitionCounts {
  std::span<int64_t> counts;   // [groups * states * states] row: from, column: to
  std::span<double> gap_sums;  // [groups * states * states] microseconds between the two
  std::span<int64_t> starts;   // [groups * states] sequences that begin so
  std::span<int64_t> ends;     // [groups * states] sequences that end so
};

// Counts the transitions of the users in `range`, one between each event and the user's next.
//
// labels  [users] in [-1, groups - 1), -1 counts as the last group; or empty: all in one group
//
// Checks the content of the sequences on the way. Gaps are added in float64 in the order of users and events.
// Cost: one pass. Allocates nothing. Errors: kInvalidArgument, kCorruptFile (order, unknown behaviour), kOutOfRange,
// kCancelled. Source: formulas.md, "Behaviour transitions".
Status CountTransitions(const SequencesView& sequences, std::span<const int32_t> labels, RowRange range, CancelFlag cancel,
                        const TransitionCounts& out);

// Writes the microseconds of each transition of the users in `range` behind those of its kind: gaps[cursors[from * states
// + to]++]. cursors [states * states] in/out; gaps [transitions of all users]. The sequences must have been counted.
// Errors: kInvalidArgument, kOutOfRange (a cursor beyond the gaps), kCancelled.
Status ListGaps(const SequencesView& sequences, RowRange range, CancelFlag cancel, std::span<int64_t> cursors, std::span<int64_t> gaps);

// The median of `values`, of an even number the mean of the middle two; NaN of none. Reorders them. Cost: linear.
double MedianGap(std::span<int64_t> values);

// Bins of waiting time: whole seconds below 4, then four a doubling, the last for all beyond 2^32 s.
inline constexpr int64_t kWaitBins = 128;
// Bin of a wait (a negative one counts as 0), and the seconds where a bin begins; WaitBinStart(kWaitBins) is infinite.
int64_t WaitBin(int64_t microseconds);
double WaitBinStart(int64_t bin);

// How long it took from each behaviour to the next one of the same user.
//
// waits     [states * kWaitBins * states] out: from, bin, to
// censored  [states * kWaitBins] out: users whose last behaviour is this, by the time from it to `as_of`
//
// The sequences must have been counted. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status CountWaits(const SequencesView& sequences, int64_t as_of, RowRange range, CancelFlag cancel, std::span<int64_t> waits,
                  std::span<int64_t> censored);

// For the moments [begin, end) of `range`, each a user and a time, the chance that the user's next behaviour comes within
// `horizon_seconds` from then and is the one of the column, given the last behaviour before and the time since.
//
// waits, censored  of CountWaits, over all users
// users            [moments] in [0, users)
// times            [moments] microseconds since 1970; events of this very time are not before it
// probabilities    [range.size() * states] out; 0 for users without events before
//
// A life table with competing risks: in bin b of n still waiting, c of them out of sight during it, d go on to j, so the
// hazard is d / (n - c / 2), within a part of the bin that part of it; chances of the bins add up, each times the chance
// to be still waiting. Cost: kWaitBins * states a moment at most. Memory: 8 states^2 kWaitBins bytes.
// Errors: kInvalidArgument, kOutOfRange, kCorruptFile, kCancelled.
// Source: Cutler & Ederer 1958; Aalen & Johansen 1978.
Status NextWithin(const SequencesView& sequences, std::span<const int64_t> waits, std::span<const int64_t> censored,
                  std::span<const int32_t> users, std::span<const int64_t> times, double horizon_seconds, RowRange range, CancelFlag cancel,
                  std::span<float> probabilities);

}  // namespace couponcast

#endif  // COUPONCAST_SEQUENCES_H_
