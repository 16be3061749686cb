#include "response/journal.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"

namespace couponcast {

Status CheckJournal(const JournalView& journal) {
  if (journal.indptr.empty() || journal.indptr.front() != 0) return InvalidArgument("expected an indptr of users + 1 numbers from 0");
  const int64_t events = journal.indptr.back();
  COUPONCAST_RETURN_IF_ERROR(CheckSize("times", journal.times.size(), events));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items", journal.items.size(), events));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("behaviours", journal.behaviours.size(), events));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("orders", journal.orders.size(), events));
  return CheckSize("values", journal.values.size(), events);
}

Status EventsOf(const JournalView& journal, int64_t user, RowRange* events) {
  *events = {journal.indptr[static_cast<size_t>(user)], journal.indptr[static_cast<size_t>(user) + 1]};
  if (events->begin >= 0 && events->begin <= events->end && events->end <= journal.indptr.back()) return {};
  return CorruptFile("user " + std::to_string(user) + ": its events lie outside of all");
}

Status CheckMomentParams(const MomentParams& params) {
  COUPONCAST_RETURN_IF_ERROR(CheckJournal(params.journal));
  const auto items = static_cast<int64_t>(params.log_price.size());
  COUPONCAST_RETURN_IF_ERROR(CheckSize("item indptr", params.item_indptr.size(), items + 1));
  if (params.item_indptr.front() != 0 || params.item_indptr.back() != static_cast<int64_t>(params.item_coupons.size()) ||
      !std::ranges::is_sorted(params.item_indptr)) {
    return InvalidArgument("the items' indptr does not span their coupons");
  }
  const auto coupons = static_cast<int64_t>(params.prior_share.size());
  if (std::ranges::any_of(params.item_coupons, [coupons](int32_t c) { return c < 0 || c >= coupons; })) {
    return OutOfRange("an item names a coupon that does not exist");
  }
  if (!(params.prior_weight > 0) || !std::isfinite(params.prior_weight)) return InvalidArgument("expected a positive prior weight");
  return {};
}

Status CheckEvent(const MomentParams& params, int64_t e, int64_t last) {
  const JournalView& journal = params.journal;
  const auto at = static_cast<size_t>(e);
  const int32_t item = journal.items[at];
  if (item < 0 || static_cast<size_t>(item) >= params.log_price.size() || journal.behaviours[at] >= params.weights.size()) {
    return CorruptFile("event " + std::to_string(e) + " names an item or behaviour that does not exist");
  }
  if (journal.times[at] < last) return CorruptFile("event " + std::to_string(e) + " is out of order");
  return {};
}

}  // namespace couponcast
