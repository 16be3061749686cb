// The exact subproblem of one unit: the set of candidates of the largest sum of reduced values under nested caps.
#ifndef COUPONCAST_ALLOCATE_UNIT_CHOICE_H_
#define COUPONCAST_ALLOCATE_UNIT_CHOICE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "allocate/best_two.h"
#include "couponcast/allocate.h"

namespace couponcast {

// What a unit holds against its caps.
class CapUse {
 public:
  static constexpr int32_t kNone = -2;    // no cap is reached
  static constexpr int32_t kRoot = -1;    // per_user
  static constexpr int32_t kCoupon = -3;  // the unit holds this coupon already

  explicit CapUse(const AllocationProblem& problem) : problem_(problem), held_(problem.group_cap.size(), 0) {}

  void Clear() {
    for (const int32_t coupon : coupons_) Count(coupon, -1);
    coupons_.clear();
  }
  void Add(int32_t coupon) {
    Count(coupon, 1);
    coupons_.push_back(coupon);
  }
  // The innermost cap that keeps one more of `coupon` out: whoever makes room is within it, and so within all around it.
  int32_t Reached(int32_t coupon) const {
    if (std::ranges::find(coupons_, coupon) != coupons_.end()) return kCoupon;
    for (int32_t g = Group(coupon); g >= 0; g = problem_.group_parent[static_cast<size_t>(g)]) {
      if (held_[static_cast<size_t>(g)] >= problem_.group_cap[static_cast<size_t>(g)]) return g;
    }
    return static_cast<int64_t>(coupons_.size()) >= problem_.per_user ? kRoot : kNone;
  }
  // Whether `other`, held, counts against the cap that keeps `coupon` out.
  bool Within(int32_t other, int32_t reached, int32_t coupon) const {
    if (reached == kCoupon) return other == coupon;
    if (reached == kRoot) return true;
    for (int32_t g = Group(other); g >= 0; g = problem_.group_parent[static_cast<size_t>(g)]) {
      if (g == reached) return true;
    }
    return false;
  }

 private:
  int32_t Group(int32_t coupon) const { return problem_.group[static_cast<size_t>(coupon)]; }
  void Count(int32_t coupon, int32_t change) {
    for (int32_t g = Group(coupon); g >= 0; g = problem_.group_parent[static_cast<size_t>(g)]) held_[static_cast<size_t>(g)] += change;
  }

  const AllocationProblem& problem_;
  std::vector<int32_t> held_;
  std::vector<int32_t> coupons_;
};

class UnitChoice {
 public:
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();
  // Taking `add` (or nothing) for `remove` (or nothing): what that loses.
  struct Change {
    double margin = std::numeric_limits<double>::infinity();
    size_t add = kNone;
    size_t remove = kNone;
  };

  explicit UnitChoice(const AllocationProblem& problem)
      : one_(problem.per_user == 1 && std::ranges::all_of(problem.group_cap, [](int32_t cap) { return cap >= 1; })), caps_(problem) {}

  // Whether a unit gets one coupon at most, and nothing else: what FindBestTwo answers.
  bool one() const { return one_; }
  const std::vector<size_t>& Take(const BestTwo& two) {
    chosen_.clear();
    if (two.best >= 0) chosen_.push_back(static_cast<size_t>(two.best));
    return chosen_;
  }
  static Change NearestOf(std::span<const double> w, const BestTwo& two) {
    if (two.best < 0)
      return two.second < 0 ? Change() : Change{-w[static_cast<size_t>(two.second)], static_cast<size_t>(two.second), kNone};
    const auto best = static_cast<size_t>(two.best);
    if (two.second < 0 || w[static_cast<size_t>(two.second)] <= 0) return {w[best], kNone, best};
    return {w[best] - w[static_cast<size_t>(two.second)], static_cast<size_t>(two.second), best};
  }

  // Not with one(). Chooses from the places 0 ... w.size() - 1 by w descending (ties: the smaller place) while w > 0 and the caps allow.
  template <typename CouponAt>
  const std::vector<size_t>& Choose(std::span<const double> w, CouponAt&& coupon_at) {
    chosen_.clear();
    order_.clear();
    for (size_t at = 0; at < w.size(); ++at) {
      if (w[at] > 0) order_.push_back(at);
    }
    std::ranges::sort(order_, [&](size_t a, size_t b) { return w[a] > w[b] || (w[a] == w[b] && a < b); });
    caps_.Clear();
    for (const size_t at : order_) {
      if (caps_.Reached(coupon_at(at)) != CapUse::kNone) continue;
      caps_.Add(coupon_at(at));
      chosen_.push_back(at);
    }
    return chosen_;
  }

  // The change of the set chosen last that loses the least (ties: removals first, then the smaller place); not with one().
  template <typename CouponAt>
  Change Nearest(std::span<const double> w, CouponAt&& coupon_at) const {
    Change nearest;
    const auto offer = [&](double margin, size_t add, size_t remove) {
      if (margin < nearest.margin) nearest = {margin, add, remove};
    };
    for (const size_t held : chosen_) offer(w[held], kNone, held);
    for (size_t at = 0; at < w.size(); ++at) {
      if (std::ranges::find(chosen_, at) != chosen_.end()) continue;
      const int32_t coupon = coupon_at(at);
      const int32_t reached = caps_.Reached(coupon);
      if (reached == CapUse::kNone) offer(-w[at], at, kNone);
      size_t displaced = kNone;
      for (const size_t held : chosen_) {
        if (reached == CapUse::kNone || !caps_.Within(coupon_at(held), reached, coupon)) continue;
        if (displaced == kNone || w[held] < w[displaced]) displaced = held;
      }
      if (displaced != kNone) offer(w[displaced] - w[at], at, displaced);
    }
    return nearest;
  }

  // Whether the set chosen last stays the best for every w within `radius`: no addition, removal or swap can gain.
  template <typename CouponAt>
  bool IsFixed(std::span<const double> w, std::span<const double> radius, CouponAt&& coupon_at) const {
    const auto low = [&](size_t at) { return w[at] - radius[at]; };
    if (one_) {
      const size_t chosen = chosen_.empty() ? w.size() : chosen_[0];
      if (chosen_.empty()) {
        bool fixed = true;
        for (size_t at = 0; at < w.size(); ++at) fixed &= w[at] + radius[at] <= 0;
        return fixed;
      }
      const double least = low(chosen);
      bool fixed = least > 0;
      for (size_t at = 0; at < w.size(); ++at) fixed &= at == chosen || w[at] + radius[at] < least;
      return fixed;
    }
    if (!std::ranges::all_of(chosen_, [&](size_t at) { return low(at) > 0; })) return false;
    for (size_t at = 0; at < w.size(); ++at) {
      const double high = w[at] + radius[at];
      if (high <= 0 || std::ranges::find(chosen_, at) != chosen_.end()) continue;
      const int32_t coupon = coupon_at(at);
      const int32_t reached = caps_.Reached(coupon);
      if (reached == CapUse::kNone) return false;
      for (const size_t held : chosen_) {
        if (caps_.Within(coupon_at(held), reached, coupon) && low(held) <= high) return false;
      }
    }
    return true;
  }

 private:
  bool one_;
  CapUse caps_;
  std::vector<size_t> order_;
  std::vector<size_t> chosen_;
};

}  // namespace couponcast

#endif  // COUPONCAST_ALLOCATE_UNIT_CHOICE_H_
