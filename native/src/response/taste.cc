#include "couponcast/taste.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/portable_math.h"
#include "response/journal.h"

namespace couponcast {
namespace {

constexpr int64_t kEventsPerPoll = 65'536;
constexpr double kLeastChance = 1e-6;

// A user's events by behaviour: how many in all, and in each coupon's scope.
class Counts {
 public:
  explicit Counts(const MomentParams& params)
      : params_(params), all_(params.weights.size()), scope_(params.weights.size() * params.prior_share.size()) {}

  void Clear() {
    std::ranges::fill(all_, 0.0);
    std::ranges::fill(scope_, 0.0);
  }

  void Add(size_t item, size_t behaviour) {
    all_[behaviour] += 1;
    for (const int32_t coupon : CouponsOf(item)) scope_[static_cast<size_t>(coupon) * all_.size() + behaviour] += 1;
  }

  // Adds the loss of an event with this item, and its slopes.
  double Loss(size_t item, std::span<double> gradient) {
    double weight = params_.prior_weight;
    for (size_t b = 0; b < all_.size(); ++b) weight += params_.weights[b] * all_[b];
    std::span<const int32_t> mine = CouponsOf(item);
    double loss = 0;
    for (size_t c = 0; c < params_.prior_share.size(); ++c) {
      const bool is_hit = !mine.empty() && static_cast<size_t>(mine.front()) == c;
      if (is_hit) mine = mine.subspan(1);
      const double* counts = scope_.data() + c * all_.size();
      double in_scope = params_.prior_weight * params_.prior_share[c];
      for (size_t b = 0; b < all_.size(); ++b) in_scope += params_.weights[b] * counts[b];
      const double p = in_scope / weight;
      loss -= Log(std::max(is_hit ? p : 1 - p, kLeastChance));
      if (!(p > kLeastChance) || !(p < 1 - kLeastChance)) continue;
      const double slope = is_hit ? -1 / p : 1 / (1 - p);
      for (size_t b = 0; b < all_.size(); ++b) gradient[b] += slope * (counts[b] - p * all_[b]) / weight;
    }
    return loss;
  }

 private:
  // Ascending.
  std::span<const int32_t> CouponsOf(size_t item) const {
    const auto begin = static_cast<size_t>(params_.item_indptr[item]);
    return params_.item_coupons.subspan(begin, static_cast<size_t>(params_.item_indptr[item + 1]) - begin);
  }

  const MomentParams& params_;
  std::vector<double> all_;    // [behaviours]
  std::vector<double> scope_;  // [coupons * behaviours]
};

}  // namespace

Status TasteLoss(const MomentParams& params, const TasteTargets& targets, RowRange range, CancelFlag cancel, double* loss,
                 std::span<double> gradient) {
  COUPONCAST_RETURN_IF_ERROR(CheckMomentParams(params));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("places", targets.places.size(), static_cast<int64_t>(targets.users.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(targets.users.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("gradient", gradient.size(), static_cast<int64_t>(params.weights.size())));
  for (size_t item = 0; item < params.log_price.size(); ++item) {
    const auto begin = params.item_coupons.begin();
    if (!std::is_sorted(begin + params.item_indptr[item], begin + params.item_indptr[item + 1])) {
      return InvalidArgument("the coupons of item " + std::to_string(item) + " do not ascend");
    }
  }
  const JournalView& journal = params.journal;
  Counts counts(params);
  std::ranges::fill(gradient, 0.0);
  *loss = 0;
  int64_t user = -1;
  int64_t next = 0;
  int64_t seen = 0;
  RowRange events;
  for (int64_t m = range.begin; m < range.end; ++m) {
    const int32_t owner = targets.users[static_cast<size_t>(m)];
    if (owner < 0 || owner >= journal.users()) return OutOfRange("target " + std::to_string(m) + " names a user that does not exist");
    const bool is_same = owner == user;
    if (!is_same) {
      COUPONCAST_RETURN_IF_ERROR(EventsOf(journal, owner, &events));
      user = owner;
      next = events.begin;
      counts.Clear();
    }
    const int64_t place = targets.places[static_cast<size_t>(m)];
    if (place < 0 || place >= events.size()) return OutOfRange("target " + std::to_string(m) + " names an event that does not exist");
    const int64_t target = events.begin + place;
    COUPONCAST_RETURN_IF_ERROR(CheckEvent(params, target, journal.times[static_cast<size_t>(target)]));
    const int64_t until = journal.times[static_cast<size_t>(target)] - targets.gap_micros;
    seen += 1 - next;
    for (; next < target && journal.times[static_cast<size_t>(next)] <= until; ++next) {
      const auto e = static_cast<size_t>(next);
      COUPONCAST_RETURN_IF_ERROR(CheckEvent(params, next, next > events.begin ? journal.times[e - 1] : journal.times[e]));
      counts.Add(static_cast<size_t>(journal.items[e]), journal.behaviours[e]);
    }
    seen += next;
    if (seen >= kEventsPerPoll) {
      if (cancel.IsSet()) return Cancelled();
      seen = 0;
    }
    *loss += counts.Loss(static_cast<size_t>(journal.items[static_cast<size_t>(target)]), gradient);
  }
  return {};
}

}  // namespace couponcast
