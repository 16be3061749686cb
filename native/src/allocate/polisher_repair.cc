// What makes a choice feasible: raising what is below its floor, dropping what is overdrawn.
#include <algorithm>
#include <vector>

#include "allocate/polisher.h"

namespace couponcast {
namespace {

constexpr size_t kUnitsPerPoll = 4096;
constexpr size_t kPlacesPerPoll = 16 * kUnitsPerPoll;

}  // namespace

Status Polisher::Repair(PolishStats* stats) {
  const auto each = [&](bool floors, auto&& action) -> Status {
    for (size_t r = 0; r < left_.size(); ++r) {
      if ((problem_.floor[r] != 0) == floors && left_[r] < 0) COUPONCAST_RETURN_IF_ERROR(action(r));
    }
    return {};
  };
  COUPONCAST_RETURN_IF_ERROR(each(true, [&](size_t r) { return RaiseToFloor(r); }));
  COUPONCAST_RETURN_IF_ERROR(each(false, [&](size_t r) { return DropOverdrawn(r, true, stats); }));
  // What still is overdrawn stands between two floors: the limit goes first.
  return each(false, [&](size_t r) { return DropOverdrawn(r, false, stats); });
}

// Takes what costs the least reduced value for what it adds to the constraint, limits aside: what is overdrawn then is
// dropped elsewhere.
Status Polisher::RaiseToFloor(size_t constraint) {
  struct Raise {
    double loss;
    Move move;
  };
  const auto gain = [&](const Move& move) {
    const int64_t lost = move.remove != kNoPlace && IsIn(move.remove, constraint) ? MeasureAt(constraint, move.remove) : 0;
    return MeasureAt(constraint, move.add) - lost;
  };
  std::vector<Raise> raises;
  for (size_t unit = 0; unit < table_.units(); ++unit) {
    if (unit % kUnitsPerPoll == 0 && cancel_.IsSet()) return Cancelled();
    ListHeld(unit);
    for (size_t at = table_.indptr[unit]; at < table_.indptr[unit + 1]; ++at) {
      if (chosen_[at] != 0 || !IsIn(at, constraint)) continue;
      Move move;
      move.unit = unit;
      move.add = at;
      PlanAmongHeld(&move);
      if (move.remove == kNoPlace && caps_.Reached(CouponAt(at)) != CapUse::kNone) continue;
      const int64_t gained = gain(move);
      if (gained > 0) raises.push_back({-move.reduced / static_cast<double>(std::min(gained, -left_[constraint])), move});
    }
  }
  std::ranges::sort(raises,
                    [](const Raise& a, const Raise& b) { return a.loss < b.loss || (a.loss == b.loss && BetterMove(a.move, b.move)); });
  // First without overdrawing anything further, then whatever it takes.
  for (const bool within_limits : {true, false}) {
    for (const Raise& raise : raises) {
      if (left_[constraint] >= 0) return {};
      if (chosen_[raise.move.add] != 0) continue;
      Move move = raise.move;
      Plan(&move);
      if (gain(move) <= 0 || (move.remove != kNoPlace && !KeepsFloors(move.remove) && !IsIn(move.remove, constraint))) continue;
      Apply(move);
      if (within_limits) {
        const auto touched = ConstraintsAt(move.add);
        if (std::ranges::any_of(
                touched, [&](int32_t r) { return problem_.floor[static_cast<size_t>(r)] == 0 && left_[static_cast<size_t>(r)] < 0; }))
          Undo(move);
      }
    }
  }
  return {};
}

// Whether all floors hold without the candidate.
bool Polisher::KeepsFloors(size_t at) const {
  return std::ranges::all_of(ConstraintsAt(at), [&](int32_t constraint) {
    const auto r = static_cast<size_t>(constraint);
    return problem_.floor[r] == 0 || left_[r] >= MeasureAt(r, at);
  });
}

// Gives candidates back until the constraint holds: always those that lose the least reduced value for what they free
// (ties: the later place).
Status Polisher::DropOverdrawn(size_t constraint, bool keep_floors, PolishStats* stats) {
  struct Drop {
    double loss;
    size_t at;
  };
  std::vector<Drop> drops;
  for (size_t at = 0; at < chosen_.size(); ++at) {
    if (at % kPlacesPerPoll == 0 && cancel_.IsSet()) return Cancelled();
    if (chosen_[at] == 0 || !IsIn(at, constraint)) continue;
    const int64_t freed = MeasureAt(constraint, at);
    if (freed > 0) drops.push_back({w_[at] / static_cast<double>(freed), at});
  }
  std::ranges::sort(drops, [](const Drop& a, const Drop& b) { return a.loss < b.loss || (a.loss == b.loss && a.at > b.at); });
  for (const Drop& drop : drops) {
    if (left_[constraint] >= 0) break;
    if (keep_floors && !KeepsFloors(drop.at)) continue;
    Remove(drop.at);
    ++stats->dropped;
  }
  return {};
}

}  // namespace couponcast
