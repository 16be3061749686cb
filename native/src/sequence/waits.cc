#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "couponcast/sequences.h"
#include "sequence/check_sequences.h"

namespace couponcast {
namespace {

constexpr int64_t kMicros = 1'000'000;

// [states * kWaitBins * states] of each behaviour and bin the share of those still waiting that goes on to each.
std::vector<double> Hazards(int64_t states, std::span<const int64_t> waits, std::span<const int64_t> censored) {
  std::vector<double> hazards(waits.size(), 0.0);
  for (int64_t from = 0; from < states; ++from) {
    int64_t waiting = 0;
    for (int64_t bin = kWaitBins - 1; bin >= 0; --bin) {
      const int64_t row = from * kWaitBins + bin;
      const auto out_of_sight = censored[static_cast<size_t>(row)];
      waiting += out_of_sight;
      for (int64_t to = 0; to < states; ++to) waiting += waits[static_cast<size_t>(row * states + to)];
      const double at_risk = static_cast<double>(waiting) - static_cast<double>(out_of_sight) / 2;
      if (!(at_risk > 0)) continue;
      for (int64_t to = 0; to < states; ++to) {
        const auto place = static_cast<size_t>(row * states + to);
        hazards[place] = static_cast<double>(waits[place]) / at_risk;
      }
    }
  }
  return hazards;
}

// Adds up to `chances` [states] what the hazards [kWaitBins * states] of a behaviour say of one who has been waiting since.
void AddChances(std::span<const double> hazards, int64_t elapsed, double horizon_seconds, std::span<double> chances) {
  const size_t states = chances.size();
  const double begin = static_cast<double>(elapsed) / static_cast<double>(kMicros);
  const double end = begin + horizon_seconds;
  double still_waiting = 1;
  for (int64_t bin = WaitBin(elapsed); bin < kWaitBins && WaitBinStart(bin) < end; ++bin) {
    const double start = WaitBinStart(bin);
    const double stop = WaitBinStart(bin + 1);
    // The last bin has no end: all of it counts.
    const double part = bin + 1 == kWaitBins ? 1.0 : (std::min(end, stop) - std::max(begin, start)) / (stop - start);
    double gone = 0;
    for (size_t to = 0; to < states; ++to) {
      const double hazard = hazards[static_cast<size_t>(bin) * states + to] * part;
      chances[to] += still_waiting * hazard;
      gone += hazard;
    }
    still_waiting *= std::max(0.0, 1 - gone);
  }
}

}  // namespace

int64_t WaitBin(int64_t microseconds) {
  const auto seconds = static_cast<uint64_t>(std::max<int64_t>(microseconds, 0) / kMicros);
  if (seconds < 4) return static_cast<int64_t>(seconds);
  const int highest = std::bit_width(seconds) - 1;
  const auto quarter = static_cast<int64_t>((seconds >> (highest - 2)) & 3);
  return std::min<int64_t>(int64_t{4} * (highest - 1) + quarter, kWaitBins - 1);
}

double WaitBinStart(int64_t bin) {
  if (bin >= kWaitBins) return std::numeric_limits<double>::infinity();
  if (bin < 4) return static_cast<double>(bin);
  return std::ldexp(1.0 + static_cast<double>(bin % 4) / 4, static_cast<int>(bin / 4 + 1));
}

Status CountWaits(const SequencesView& sequences, int64_t as_of, RowRange range, CancelFlag cancel, std::span<int64_t> waits,
                  std::span<int64_t> censored) {
  COUPONCAST_RETURN_IF_ERROR(CheckSequences(sequences, range));
  const int64_t states = sequences.states;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("waits", waits.size(), states * kWaitBins * states));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("censored", censored.size(), states * kWaitBins));
  std::ranges::fill(waits, 0);
  std::ranges::fill(censored, 0);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if (ShouldStop(user, range, cancel)) return Cancelled();
    RowRange events;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(sequences.indptr, user, &events));
    for (int64_t i = events.begin; i < events.end; ++i) {
      const auto at = static_cast<size_t>(i);
      const int64_t from = sequences.behaviours[at];
      const bool is_last = i + 1 == events.end;
      const int64_t to = is_last ? 0 : sequences.behaviours[at + 1];
      if (from >= states || to >= states) return OutOfRange("user " + std::to_string(user) + ": unknown behaviour");
      const int64_t row = from * kWaitBins + WaitBin(MicrosBetween(sequences.times[at], is_last ? as_of : sequences.times[at + 1]));
      if (is_last) {
        ++censored[static_cast<size_t>(row)];
      } else {
        ++waits[static_cast<size_t>(row * states + to)];
      }
    }
  }
  return {};
}

Status NextWithin(const SequencesView& sequences, std::span<const int64_t> waits, std::span<const int64_t> censored,
                  std::span<const int32_t> users, std::span<const int64_t> times, double horizon_seconds, RowRange range, CancelFlag cancel,
                  std::span<float> probabilities) {
  COUPONCAST_RETURN_IF_ERROR(CheckSequences(sequences, {0, sequences.users()}));
  const int64_t states = sequences.states;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("waits", waits.size(), states * kWaitBins * states));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("censored", censored.size(), states * kWaitBins));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("times", times.size(), static_cast<int64_t>(users.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(users.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("probabilities", probabilities.size(), range.size() * states));
  if (!(horizon_seconds > 0)) return InvalidArgument("expected a horizon above 0");
  const std::vector<double> hazards = Hazards(states, waits, censored);
  const auto width = static_cast<size_t>(kWaitBins * states);
  std::vector<double> chances(static_cast<size_t>(states));
  for (int64_t moment = range.begin; moment < range.end; ++moment) {
    if (ShouldStop(moment, range, cancel)) return Cancelled();
    const int64_t user = users[static_cast<size_t>(moment)];
    if (user < 0 || user >= sequences.users()) {
      return OutOfRange("moment " + std::to_string(moment) + " names a user that does not exist");
    }
    RowRange events;
    COUPONCAST_RETURN_IF_ERROR(EventsOf(sequences.indptr, user, &events));
    const int64_t now = times[static_cast<size_t>(moment)];
    const auto own = sequences.times.subspan(static_cast<size_t>(events.begin), static_cast<size_t>(events.size()));
    const auto before = static_cast<int64_t>(std::ranges::lower_bound(own, now) - own.begin());
    std::ranges::fill(chances, 0.0);
    if (before > 0) {
      const auto last = static_cast<size_t>(events.begin + before - 1);
      const auto from = size_t{sequences.behaviours[last]};
      if (from >= chances.size()) return OutOfRange("user " + std::to_string(user) + ": unknown behaviour");
      AddChances(std::span(hazards).subspan(from * width, width), MicrosBetween(sequences.times[last], now), horizon_seconds, chances);
    }
    float* out = probabilities.data() + (moment - range.begin) * states;
    for (size_t to = 0; to < chances.size(); ++to) out[to] = static_cast<float>(chances[to]);
  }
  return {};
}

}  // namespace couponcast
