#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "allocate/best_response.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 4096;
constexpr size_t kMaxMoves = size_t{1} << 22;
constexpr int kMaxPasses = 20;
constexpr size_t kExchangeMoves = 512;  // gains and losses that are paired
constexpr int kMaxExchanges = 20000;
constexpr size_t kNone = std::numeric_limits<size_t>::max();

// A change of one user's set: take `add` (or nothing), give back `remove` (or nothing).
struct Move {
  double reduced = 0;  // change of the sum of reduced values
  int64_t value = 0;   // change of the value
  int64_t user = 0;
  size_t add = kNone;
  size_t remove = kNone;
};

bool BetterMove(const Move& a, const Move& b) {
  if (a.reduced != b.reduced) return a.reduced > b.reduced;
  if (a.value != b.value) return a.value > b.value;
  if (a.add != b.add) return a.add < b.add;
  return a.remove < b.remove;
}

class Polisher {
 public:
  Polisher(const AllocationProblem& problem, const Multipliers& multipliers, CancelFlag cancel, std::span<uint8_t> chosen)
      : problem_(problem), multipliers_(multipliers), cancel_(cancel), chosen_(chosen), budget_left_(Limit(problem.budget)) {
    for (const int64_t stock : problem.stock) stock_left_.push_back(Limit(stock));
    for (const int64_t budget : problem.coupon_budget) coupon_left_.push_back(Limit(budget));
    for (int64_t user = 0; user < problem.users; ++user) {
      for (size_t at = FirstPlace(problem, user); at < EndPlace(problem, user); ++at) {
        if (chosen[at] != 0) Consume(at);
      }
    }
  }

  // Gives candidates back until nothing is overdrawn: always those that lose the least reduced value for what they free,
  // which is a piece of stock, or cost.
  Status Repair(PolishStats* stats) {
    const auto per_piece = [](double reduced, int64_t) { return reduced; };
    const auto per_cost = [](double reduced, int64_t cost) { return cost > 0 ? reduced / static_cast<double>(cost) : INFINITY; };
    COUPONCAST_RETURN_IF_ERROR(DropWhile([this](size_t at) { return stock_left_[CouponAt(at)] < 0; }, per_piece, stats));
    COUPONCAST_RETURN_IF_ERROR(
        DropWhile([this](size_t at) { return coupon_left_[CouponAt(at)] < 0 && problem_.cost[at] > 0; }, per_cost, stats));
    return DropWhile([this](size_t at) { return budget_left_ < 0 && problem_.cost[at] > 0; }, per_cost, stats);
  }

  // Additions and upgrades until none fits.
  Status Improve(PolishStats* stats) {
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      std::vector<Move> moves;
      COUPONCAST_RETURN_IF_ERROR(Collect([](const Move& move) { return move.value > 0; }, kMaxMoves, &moves));
      int64_t applied = 0;
      int64_t until_poll = 0;
      for (const Move& planned : moves) {
        if (--until_poll < 0) {
          if (cancel_.IsSet()) return Cancelled();
          until_poll = kUsersPerPoll;
        }
        // The user's set may have changed since the move was planned.
        if (chosen_[planned.add] != 0) continue;
        Move move = planned;
        Plan(&move);
        if (move.value <= 0 || !Fits(move)) continue;
        Apply(move);
        ++applied;
      }
      stats->moves += applied;
      if (applied == 0) return {};
    }
    return {};
  }

  // Gains that do not fit alone and a smaller loss elsewhere that makes room for them: pairs first, then one loss for
  // several gains.
  Status Exchange(PolishStats* stats) {
    for (int round = 0; round < kMaxExchanges; ++round) {
      if (cancel_.IsSet()) return Cancelled();
      std::vector<Move> gains;
      std::vector<Move> losses;
      COUPONCAST_RETURN_IF_ERROR(Collect([](const Move& move) { return move.value > 0; }, kExchangeMoves, &gains));
      COUPONCAST_RETURN_IF_ERROR(CollectLosses(&losses));
      int64_t applied = ExchangePairs(gains, losses);
      if (applied == 0) applied = Refill(gains, losses);
      if (applied == 0) {
        // The multipliers are off where few users decide; the plain value is the other natural order.
        std::ranges::sort(gains,
                          [](const Move& a, const Move& b) { return a.value > b.value || (a.value == b.value && BetterMove(a, b)); });
        applied = Refill(gains, losses);
      }
      stats->exchanges += applied;
      if (applied == 0) return {};
      COUPONCAST_RETURN_IF_ERROR(Improve(stats));
      // A large problem is close to its bound long before pairs matter; one round is enough there.
      if (problem_.users * problem_.width > (int64_t{1} << 20)) return {};
    }
    return {};
  }

 private:
  int64_t ExchangePairs(const std::vector<Move>& gains, const std::vector<Move>& losses) {
    int64_t applied = 0;
    for (const Move& gain : gains) {
      if (Stale(gain)) continue;
      for (const Move& loss : losses) {
        if (loss.user == gain.user || gain.value + loss.value <= 0 || Stale(loss)) continue;
        Apply(loss);
        Apply(gain);
        if (budget_left_ >= 0 && WithinCoupon(gain) && WithinCoupon(loss)) {
          ++applied;
          break;
        }
        Undo(gain);
        Undo(loss);
      }
    }
    return applied;
  }

  // For each loss: takes it, then every gain that fits, in the order given; kept if that is worth more than before.
  int64_t Refill(const std::vector<Move>& gains, const std::vector<Move>& losses) {
    int64_t applied = 0;
    std::vector<Move> taken;
    for (const Move& loss : losses) {
      if (Stale(loss)) continue;
      taken.clear();
      int64_t value = loss.value;
      Apply(loss);
      for (const Move& gain : gains) {
        if (Stale(gain) || !Fits(gain)) continue;
        Apply(gain);
        value += gain.value;
        taken.push_back(gain);
      }
      if (value > 0 && budget_left_ >= 0 && WithinCoupon(loss)) {
        ++applied;
        continue;
      }
      for (; !taken.empty(); taken.pop_back()) Undo(taken.back());
      Undo(loss);
    }
    return applied;
  }

  // Only what was consumed is ever released, so the largest number cannot overflow.
  static int64_t Limit(int64_t limit) { return limit < 0 ? std::numeric_limits<int64_t>::max() : limit; }

  size_t CouponAt(size_t at) const { return static_cast<size_t>(problem_.coupons[at]); }
  void Consume(size_t at) {
    budget_left_ -= problem_.cost[at];
    coupon_left_[CouponAt(at)] -= problem_.cost[at];
    --stock_left_[CouponAt(at)];
  }
  void Release(size_t at) {
    budget_left_ += problem_.cost[at];
    coupon_left_[CouponAt(at)] += problem_.cost[at];
    ++stock_left_[CouponAt(at)];
  }
  void Add(size_t at) {
    chosen_[at] = 1;
    Consume(at);
  }
  void Remove(size_t at) {
    chosen_[at] = 0;
    Release(at);
  }
  // Drops chosen candidates that are `overdrawn`, least loss first (ties: the later place), as long as they still are.
  template <typename Overdrawn, typename Loss>
  Status DropWhile(Overdrawn&& overdrawn, Loss&& loss, PolishStats* stats) {
    struct Drop {
      double loss;
      size_t at;
    };
    std::vector<Drop> drops;
    for (int64_t user = 0; user < problem_.users; ++user) {
      if (user % kUsersPerPoll == 0 && cancel_.IsSet()) return Cancelled();
      for (size_t at = FirstPlace(problem_, user); at < EndPlace(problem_, user); ++at) {
        if (chosen_[at] != 0 && overdrawn(at)) drops.push_back({loss(ReducedValue(problem_, multipliers_, at), problem_.cost[at]), at});
      }
    }
    std::ranges::sort(drops, [](const Drop& a, const Drop& b) { return a.loss < b.loss || (a.loss == b.loss && a.at > b.at); });
    for (const Drop& drop : drops) {
      if (!overdrawn(drop.at)) continue;
      Remove(drop.at);
      ++stats->dropped;
    }
    return {};
  }

  void Apply(const Move& move) {
    if (move.remove != kNone) Remove(move.remove);
    if (move.add != kNone) Add(move.add);
  }
  void Undo(const Move& move) {
    if (move.add != kNone) Remove(move.add);
    if (move.remove != kNone) Add(move.remove);
  }
  // Whether the coupon that an applied move took is within its stock and budget.
  bool WithinCoupon(const Move& move) const {
    return move.add == kNone || (stock_left_[CouponAt(move.add)] >= 0 && coupon_left_[CouponAt(move.add)] >= 0);
  }
  bool Fits(const Move& move) {
    Apply(move);
    const bool fits = budget_left_ >= 0 && WithinCoupon(move);
    Undo(move);
    return fits;
  }
  // Whether the user's set no longer is what the move was planned on.
  bool Stale(const Move& move) {
    if (move.add != kNone && chosen_[move.add] != 0) return true;
    if (move.remove != kNone && chosen_[move.remove] == 0) return true;
    if (move.add == kNone) return false;
    Move again = move;
    Plan(&again);
    return again.remove != move.remove;
  }

  // A chosen candidate of a user.
  struct Held {
    size_t at;
    double reduced;
  };
  void ListHeld(int64_t user, std::vector<Held>* held) const {
    held->clear();
    for (size_t at = FirstPlace(problem_, user); at < EndPlace(problem_, user); ++at) {
      if (chosen_[at] != 0) held->push_back({at, ReducedValue(problem_, multipliers_, at)});
    }
  }

  // Sets what taking move->add displaces: the holder of its group, else, at the cap, the held candidate of the least
  // reduced value.
  void Plan(const std::vector<Held>& held, Move* move) const {
    const int32_t group = problem_.group[CouponAt(move->add)];
    const Held* displaced = nullptr;
    if (group >= 0) {
      for (const Held& other : held) {
        if (problem_.group[CouponAt(other.at)] == group) displaced = &other;
      }
    }
    if (displaced == nullptr && static_cast<int64_t>(held.size()) >= problem_.per_user) {
      for (const Held& other : held) {
        if (displaced == nullptr || other.reduced < displaced->reduced) displaced = &other;
      }
    }
    move->value = problem_.value[move->add];
    move->reduced = ReducedValue(problem_, multipliers_, move->add);
    move->remove = kNone;
    if (displaced != nullptr) {
      move->remove = displaced->at;
      move->value -= problem_.value[displaced->at];
      move->reduced -= displaced->reduced;
    }
  }
  void Plan(Move* move) {
    ListHeld(move->user, &held_);
    Plan(held_, move);
  }

  static void Push(const Move& move, size_t limit, std::vector<Move>* moves) {
    moves->push_back(move);
    if (moves->size() >= 2 * limit) Shrink(limit, moves);
  }
  static void Shrink(size_t limit, std::vector<Move>* moves) {
    if (moves->size() <= limit) return;
    std::nth_element(moves->begin(), moves->begin() + static_cast<std::ptrdiff_t>(limit), moves->end(), BetterMove);
    moves->resize(limit);
  }

  // The best `limit` moves that take an unchosen candidate and pass `wanted`, best first.
  template <typename Wanted>
  Status Collect(Wanted&& wanted, size_t limit, std::vector<Move>* moves) {
    for (int64_t user = 0; user < problem_.users; ++user) {
      if (user % kUsersPerPoll == 0 && cancel_.IsSet()) return Cancelled();
      ListHeld(user, &held_);
      for (size_t at = FirstPlace(problem_, user); at < EndPlace(problem_, user); ++at) {
        if (chosen_[at] != 0) continue;
        Move move;
        move.user = user;
        move.add = at;
        Plan(held_, &move);
        if (wanted(move)) Push(move, limit, moves);
      }
    }
    Shrink(limit, moves);
    std::ranges::sort(*moves, BetterMove);
    return {};
  }

  // Downgrades, and chosen candidates given back.
  Status CollectLosses(std::vector<Move>* moves) {
    COUPONCAST_RETURN_IF_ERROR(Collect([](const Move& move) { return move.value <= 0; }, kExchangeMoves, moves));
    for (int64_t user = 0; user < problem_.users; ++user) {
      if (user % kUsersPerPoll == 0 && cancel_.IsSet()) return Cancelled();
      for (size_t at = FirstPlace(problem_, user); at < EndPlace(problem_, user); ++at) {
        if (chosen_[at] == 0) continue;
        Push({-ReducedValue(problem_, multipliers_, at), -problem_.value[at], user, kNone, at}, kExchangeMoves, moves);
      }
    }
    Shrink(kExchangeMoves, moves);
    std::ranges::sort(*moves, BetterMove);
    return {};
  }

  const AllocationProblem& problem_;
  const Multipliers& multipliers_;
  CancelFlag cancel_;
  std::span<uint8_t> chosen_;
  int64_t budget_left_;
  std::vector<int64_t> stock_left_;
  std::vector<int64_t> coupon_left_;
  std::vector<Held> held_;  // scratch
};

}  // namespace

Status RepairAndPolish(const AllocationProblem& problem, const Multipliers& multipliers, CancelFlag cancel, std::span<uint8_t> chosen,
                       PolishStats* stats) {
  COUPONCAST_RETURN_IF_ERROR(CheckProblem(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckMultipliers(problem, multipliers));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), problem.users * problem.width));
  *stats = {};
  Polisher polisher(problem, multipliers, cancel, chosen);
  COUPONCAST_RETURN_IF_ERROR(polisher.Repair(stats));
  COUPONCAST_RETURN_IF_ERROR(polisher.Improve(stats));
  COUPONCAST_RETURN_IF_ERROR(polisher.Exchange(stats));
  PolishStats totals;
  COUPONCAST_RETURN_IF_ERROR(CheckFeasible(problem, chosen, &totals));
  stats->value = totals.value;
  stats->spend = totals.spend;
  stats->assigned = totals.assigned;
  return {};
}

}  // namespace couponcast
