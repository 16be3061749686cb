#include "allocate/polisher.h"

#include <algorithm>
#include <cmath>

namespace couponcast {
namespace {

constexpr size_t kUnitsPerPoll = 4096;
constexpr size_t kMaxMoves = size_t{1} << 22;
constexpr int kMaxPasses = 20;
constexpr size_t kExchangeMoves = 512;  // gains and losses that are paired
constexpr int kMaxExchanges = 20000;

void Shrink(size_t limit, std::vector<Move>* moves) {
  if (moves->size() <= limit) return;
  std::nth_element(moves->begin(), moves->begin() + static_cast<std::ptrdiff_t>(limit), moves->end(), BetterMove);
  moves->resize(limit);
}

void Push(const Move& move, size_t limit, std::vector<Move>* moves) {
  moves->push_back(move);
  if (moves->size() >= 2 * limit) Shrink(limit, moves);
}

}  // namespace

Polisher::Polisher(const AllocationProblem& problem, const UnitTable& table, std::span<const double> prices, std::span<const int64_t> left,
                   CancelFlag cancel, std::vector<uint8_t>* chosen)
    : problem_(problem),
      table_(table),
      cancel_(cancel),
      chosen_(*chosen),
      w_(table.cells.size()),
      left_(left.begin(), left.end()),
      caps_(problem) {
  ReducedValues(MakePriceTable(problem, prices), table.All(), false, w_.data());
  for (size_t at = 0; at < chosen_.size(); ++at) {
    if (chosen_[at] != 0) Use(at, 1);
  }
}

bool Polisher::IsIn(size_t at, size_t constraint) const {
  const auto in = ConstraintsAt(at);
  return std::ranges::find(in, static_cast<int32_t>(constraint)) != in.end();
}

void Polisher::Use(size_t at, int64_t times) {
  for (const int32_t constraint : ConstraintsAt(at)) {
    const auto r = static_cast<size_t>(constraint);
    const int64_t used = times * MeasureAt(r, at);
    left_[r] += problem_.floor[r] != 0 ? used : -used;
  }
}
void Polisher::Add(size_t at) {
  chosen_[at] = 1;
  Use(at, 1);
}
void Polisher::Remove(size_t at) {
  chosen_[at] = 0;
  Use(at, -1);
}
void Polisher::Apply(const Move& move) {
  if (move.remove != kNoPlace) Remove(move.remove);
  if (move.add != kNoPlace) Add(move.add);
}
void Polisher::Undo(const Move& move) {
  if (move.add != kNoPlace) Remove(move.add);
  if (move.remove != kNoPlace) Add(move.remove);
}
bool Polisher::Holds(const Move& move) const {
  for (const size_t at : {move.add, move.remove}) {
    if (at == kNoPlace) continue;
    for (const int32_t constraint : ConstraintsAt(at)) {
      if (left_[static_cast<size_t>(constraint)] < 0) return false;
    }
  }
  return true;
}
int64_t Polisher::Needs(const Move& move, size_t constraint) const {
  int64_t used = 0;
  if (move.add != kNoPlace && IsIn(move.add, constraint)) used += MeasureAt(constraint, move.add);
  if (move.remove != kNoPlace && IsIn(move.remove, constraint)) used -= MeasureAt(constraint, move.remove);
  return problem_.floor[constraint] != 0 ? -used : used;
}
int32_t Polisher::Blocks(const Move& move) const {
  for (const size_t at : {move.add, move.remove}) {
    if (at == kNoPlace) continue;
    for (const int32_t constraint : ConstraintsAt(at)) {
      if (left_[static_cast<size_t>(constraint)] < Needs(move, static_cast<size_t>(constraint))) return constraint;
    }
  }
  return kFits;
}
bool Polisher::Stale(const Move& move) {
  if (move.add != kNoPlace && chosen_[move.add] != 0) return true;
  if (move.remove != kNoPlace && chosen_[move.remove] == 0) return true;
  if (move.add == kNoPlace) return false;
  Move again = move;
  Plan(&again);
  return again.remove != move.remove;
}

void Polisher::ListHeld(size_t unit) {
  held_.clear();
  caps_.Clear();
  for (size_t at = table_.indptr[unit]; at < table_.indptr[unit + 1]; ++at) {
    if (chosen_[at] == 0) continue;
    held_.push_back({at, w_[at]});
    caps_.Add(CouponAt(at));
  }
}

void Polisher::PlanAmongHeld(Move* move) {
  const int32_t coupon = CouponAt(move->add);
  const int32_t reached = caps_.Reached(coupon);
  const Held* displaced = nullptr;
  if (reached != CapUse::kNone) {
    for (const Held& other : held_) {
      if (!caps_.Within(CouponAt(other.at), reached, coupon)) continue;
      if (displaced == nullptr || other.reduced < displaced->reduced) displaced = &other;
    }
  }
  move->value = table_.value[move->add];
  move->reduced = w_[move->add];
  move->remove = kNoPlace;
  if (displaced != nullptr) {
    move->remove = displaced->at;
    move->value -= table_.value[displaced->at];
    move->reduced -= displaced->reduced;
  }
}
void Polisher::Plan(Move* move) {
  ListHeld(move->unit);
  PlanAmongHeld(move);
}

// The best `limit` moves that take an unchosen candidate and pass `wanted`, best first.
template <typename Wanted>
Status Polisher::Collect(Wanted&& wanted, size_t limit, std::vector<Move>* moves) {
  for (size_t unit = 0; unit < table_.units(); ++unit) {
    if (unit % kUnitsPerPoll == 0 && cancel_.IsSet()) return Cancelled();
    ListHeld(unit);
    for (size_t at = table_.indptr[unit]; at < table_.indptr[unit + 1]; ++at) {
      if (chosen_[at] != 0) continue;
      Move move;
      move.unit = unit;
      move.add = at;
      PlanAmongHeld(&move);
      // A cap of 0 has nothing to give back.
      if (move.remove == kNoPlace && caps_.Reached(CouponAt(at)) != CapUse::kNone) continue;
      if (wanted(move)) Push(move, limit, moves);
    }
  }
  Shrink(limit, moves);
  std::ranges::sort(*moves, BetterMove);
  return {};
}

// Downgrades, and chosen candidates given back.
Status Polisher::CollectLosses(std::vector<Move>* moves) {
  COUPONCAST_RETURN_IF_ERROR(Collect([](const Move& move) { return move.value <= 0; }, kExchangeMoves, moves));
  for (size_t unit = 0; unit < table_.units(); ++unit) {
    if (unit % kUnitsPerPoll == 0 && cancel_.IsSet()) return Cancelled();
    for (size_t at = table_.indptr[unit]; at < table_.indptr[unit + 1]; ++at) {
      if (chosen_[at] != 0) Push({-w_[at], -table_.value[at], unit, kNoPlace, at}, kExchangeMoves, moves);
    }
  }
  Shrink(kExchangeMoves, moves);
  std::ranges::sort(*moves, BetterMove);
  return {};
}

Status Polisher::Improve(PolishStats* stats) {
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    std::vector<Move> moves;
    COUPONCAST_RETURN_IF_ERROR(Collect([](const Move& move) { return move.value > 0; }, kMaxMoves, &moves));
    int64_t applied = 0;
    size_t until_poll = 0;
    for (const Move& planned : moves) {
      if (until_poll-- == 0) {
        if (cancel_.IsSet()) return Cancelled();
        until_poll = kUnitsPerPoll;
      }
      // The unit's set may have changed since the move was planned.
      if (chosen_[planned.add] != 0) continue;
      Move move = planned;
      Plan(&move);
      if (move.value <= 0 || Blocks(move) != kFits) continue;
      Apply(move);
      ++applied;
    }
    stats->moves += applied;
    if (applied == 0) return {};
  }
  return {};
}

Status Polisher::Exchange(PolishStats* stats) {
  for (int round = 0; round < kMaxExchanges; ++round) {
    if (cancel_.IsSet()) return Cancelled();
    std::vector<Move> gains;
    std::vector<Move> losses;
    COUPONCAST_RETURN_IF_ERROR(Collect([](const Move& move) { return move.value > 0; }, kExchangeMoves, &gains));
    COUPONCAST_RETURN_IF_ERROR(CollectLosses(&losses));
    int64_t applied = ExchangePairs(gains, losses);
    if (applied == 0) applied = Refill(gains, losses);
    if (applied == 0) {
      // The prices are off where few users decide; the plain value is the other natural order.
      std::ranges::sort(gains, [](const Move& a, const Move& b) { return a.value > b.value || (a.value == b.value && BetterMove(a, b)); });
      applied = Refill(gains, losses);
    }
    stats->exchanges += applied;
    if (applied == 0) return {};
    COUPONCAST_RETURN_IF_ERROR(Improve(stats));
    // A large problem is close to its bound long before pairs matter; one round is enough there.
    if (table_.cells.size() > (size_t{1} << 16)) return {};
  }
  return {};
}

int64_t Polisher::ExchangePairs(const std::vector<Move>& gains, const std::vector<Move>& losses) {
  int64_t applied = 0;
  for (const Move& gain : gains) {
    if (Stale(gain)) continue;
    const int32_t blocks = Blocks(gain);
    if (blocks == kFits) continue;
    const auto blocked = static_cast<size_t>(blocks);
    const int64_t missing = Needs(gain, blocked) - left_[blocked];
    for (const Move& loss : losses) {
      if (loss.unit == gain.unit || gain.value + loss.value <= 0 || -Needs(loss, blocked) < missing || Stale(loss)) continue;
      Apply(loss);
      if (Blocks(gain) == kFits) {
        Apply(gain);
        if (Holds(loss)) {
          ++applied;
          break;
        }
        Undo(gain);
      }
      Undo(loss);
    }
  }
  return applied;
}

// For each loss: takes it, then every gain that fits, in the order given; kept if that is worth more than before.
int64_t Polisher::Refill(const std::vector<Move>& gains, const std::vector<Move>& losses) {
  int64_t applied = 0;
  std::vector<Move> taken;
  for (const Move& loss : losses) {
    if (Stale(loss)) continue;
    taken.clear();
    int64_t value = loss.value;
    Apply(loss);
    for (const Move& gain : gains) {
      if (Blocks(gain) != kFits || Stale(gain)) continue;
      Apply(gain);
      value += gain.value;
      taken.push_back(gain);
    }
    if (value > 0 && Holds(loss)) {
      ++applied;
      continue;
    }
    for (; !taken.empty(); taken.pop_back()) Undo(taken.back());
    Undo(loss);
  }
  return applied;
}

int64_t Polisher::Value() const {
  int64_t value = 0;
  for (size_t at = 0; at < chosen_.size(); ++at) value += chosen_[at] != 0 ? table_.value[at] : 0;
  return value;
}

void Polisher::FindBroken(PolishStats* stats) const {
  for (size_t r = 0; r < left_.size(); ++r) {
    if (left_[r] >= 0) continue;
    stats->broken = static_cast<int64_t>(r);
    stats->missing = -left_[r];
    return;
  }
}

}  // namespace couponcast
