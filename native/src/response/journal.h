// What the kernels over a journal check before they walk it.
#ifndef COUPONCAST_RESPONSE_JOURNAL_H_
#define COUPONCAST_RESPONSE_JOURNAL_H_

#include "couponcast/moments.h"

namespace couponcast {

Status CheckJournal(const JournalView& journal);
Status CheckMomentParams(const MomentParams& params);
// The events of a user that exists.
Status EventsOf(const JournalView& journal, int64_t user, RowRange* events);
// That event `e` names an item and a behaviour that exist, and is not before `last`.
Status CheckEvent(const MomentParams& params, int64_t e, int64_t last);

}  // namespace couponcast

#endif  // COUPONCAST_RESPONSE_JOURNAL_H_
