// What was known of a user at a moment: events strictly before it, so that a model learns from nothing that came after.
#ifndef COUPONCAST_MOMENTS_H_
#define COUPONCAST_MOMENTS_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// The events of user u are [indptr[u], indptr[u + 1]), ascending by time.
struct JournalView {
  std::span<const int64_t> indptr;      // [users + 1] from 0 to events
  std::span<const int64_t> times;       // [events] microseconds since 1970
  std::span<const int32_t> items;       // [events] in [0, items)
  std::span<const uint8_t> behaviours;  // [events] in [0, weights)
  std::span<const uint8_t> orders;      // [events] 1: the first line of an order
  std::span<const double> values;       // [events] what a purchase cost, minor units; 0 otherwise

  int64_t users() const { return static_cast<int64_t>(indptr.size()) - 1; }
};

struct MomentParams {
  JournalView journal;
  std::span<const double> weights;        // [behaviours] what an event says about taste, >= 0
  int64_t purchase = 0;                   // the behaviour that is a purchase
  std::span<const double> log_price;      // [items] ln of an item's price, NaN: unknown
  std::span<const int64_t> item_indptr;   // [items + 1]
  std::span<const int32_t> item_coupons;  // coupons whose scope holds the item, in [0, coupons)
  std::span<const double> prior_share;    // [coupons] everybody's share of taste in each scope
  double prior_weight = 0;                // > 0, of the prior, in the unit of `weights`
};

// Numbers of a moment, in this order:
//   0 events  1 purchases  2 orders  3 spent, minor units
//   4 days since the first event  5 since the last  6 since the last order (each 0 for none)
//   7 sum of ln(price) over the events whose item's price is known  8 how many those are
inline constexpr int64_t kMomentNumbers = 9;

// For the moments [begin, end) of `range`, each a user and a time:
//
// users    [moments] in [0, users)
// times    [moments] microseconds since 1970
// shares   [range.size() * (coupons + 1)] out: (weight of the user's earlier events in scope + prior_weight * prior_share)
//          / (weight of all + prior_weight), the last column is 1; empty: not wanted
// numbers  [range.size() * kMomentNumbers] out
//
// Only events with a time < the moment's count. Float64 sums in the order of the events. Moments of one user that follow
// each other in time are one walk; others begin anew. Cost: the events before, times the coupons of an item; coupons a
// moment. Memory: 8 bytes a coupon. Errors: kInvalidArgument, kOutOfRange, kCorruptFile, kCancelled.
Status UserMoments(const MomentParams& params, std::span<const int32_t> users, std::span<const int64_t> times, RowRange range,
                   CancelFlag cancel, std::span<float> shares, std::span<double> numbers);

// The orders of some users, one after the other in time: when the first line was bought and what the lines up to the
// next order's first cost together.
//
// users   [..] in [0, users of the journal)
// owners  [orders of the users] out: position in `users`
// times   [orders of the users] out
// values  [orders of the users] out, minor units
//
// Cost: the users' events. Errors: kInvalidArgument (another number of orders), kOutOfRange, kCorruptFile, kCancelled.
Status ListOrders(const JournalView& journal, std::span<const int32_t> users, CancelFlag cancel, std::span<int32_t> owners,
                  std::span<int64_t> times, std::span<double> values);

}  // namespace couponcast

#endif  // COUPONCAST_MOMENTS_H_
