// The choice of some units with what it leaves of every constraint, and moves that keep it feasible and make it better.
#ifndef COUPONCAST_ALLOCATE_POLISHER_H_
#define COUPONCAST_ALLOCATE_POLISHER_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "allocate/unit_choice.h"
#include "allocate/unit_table.h"
#include "couponcast/allocate.h"

namespace couponcast {

inline constexpr size_t kNoPlace = std::numeric_limits<size_t>::max();

// A change of one unit's set: take `add` (or nothing), give back `remove` (or nothing).
struct Move {
  double reduced = 0;  // change of the sum of reduced values
  int64_t value = 0;   // change of the value
  size_t unit = 0;
  size_t add = kNoPlace;
  size_t remove = kNoPlace;
};

inline bool BetterMove(const Move& a, const Move& b) {
  if (a.reduced != b.reduced) return a.reduced > b.reduced;
  if (a.value != b.value) return a.value > b.value;
  if (a.add != b.add) return a.add < b.add;
  return a.remove < b.remove;
}

class Polisher {
 public:
  Polisher(const AllocationProblem& problem, const UnitTable& table, std::span<const double> prices, std::span<const int64_t> left,
           CancelFlag cancel, std::vector<uint8_t>* chosen);

  // Makes what is below its floor and what is overdrawn right, as far as that goes.
  Status Repair(PolishStats* stats);
  // Additions and upgrades until none fits.
  Status Improve(PolishStats* stats);
  // Gains that do not fit alone and a smaller loss elsewhere that makes room for them: pairs first, then one loss for
  // several gains.
  Status Exchange(PolishStats* stats);

  // Of what is chosen, milli.
  int64_t Value() const;
  // First constraint that is broken, and by how much.
  void FindBroken(PolishStats* stats) const;

 private:
  static constexpr int32_t kFits = -1;
  struct Held {
    size_t at;
    double reduced;
  };

  Status RaiseToFloor(size_t constraint);
  Status DropOverdrawn(size_t constraint, bool keep_floors, PolishStats* stats);
  bool KeepsFloors(size_t at) const;

  int64_t ExchangePairs(const std::vector<Move>& gains, const std::vector<Move>& losses);
  int64_t Refill(const std::vector<Move>& gains, const std::vector<Move>& losses);

  std::span<const int32_t> ConstraintsAt(size_t at) const { return ConstraintsOf(problem_, table_.cells[at]); }
  int64_t MeasureAt(size_t constraint, size_t at) const { return MeasureOf(problem_, constraint, table_.cost[at], table_.FaceAt(at)); }
  int32_t CouponAt(size_t at) const { return table_.cells[at] % static_cast<int32_t>(problem_.num_coupons()); }
  bool IsIn(size_t at, size_t constraint) const;

  void Use(size_t at, int64_t times);
  void Add(size_t at);
  void Remove(size_t at);
  void Apply(const Move& move);
  void Undo(const Move& move);
  // Whether the constraints that an applied move touches hold.
  bool Holds(const Move& move) const;
  // What the move takes of what is left of the constraint.
  int64_t Needs(const Move& move, size_t constraint) const;
  // The first constraint that leaves no room for the move, or kFits.
  int32_t Blocks(const Move& move) const;
  // Whether the unit's set no longer is what the move was planned on.
  bool Stale(const Move& move);

  void ListHeld(size_t unit);
  // Sets what taking move->add displaces: the held candidate of the least reduced value within the innermost cap that
  // is reached. ListHeld was called for its unit.
  void PlanAmongHeld(Move* move);
  void Plan(Move* move);

  template <typename Wanted>
  Status Collect(Wanted&& wanted, size_t limit, std::vector<Move>* moves);
  Status CollectLosses(std::vector<Move>* moves);

  const AllocationProblem& problem_;
  const UnitTable& table_;
  CancelFlag cancel_;
  std::vector<uint8_t>& chosen_;  // [places of the table]
  std::vector<double> w_;
  std::vector<int64_t> left_;
  std::vector<Held> held_;  // of the unit listed last
  CapUse caps_;
};

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_POLISHER_H_
