// Parts of a step that calls on several threads take as they come: one that begins late, or is held up, takes fewer.
#ifndef COUPONCAST_BASE_SHARED_PARTS_H_
#define COUPONCAST_BASE_SHARED_PARTS_H_

#include <hwy/cache_control.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <thread>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

class SharedParts {
 public:
  static constexpr size_t kCounters = 2;

  // counters [kCounters]: shared by the calls, zeros before the first one.
  SharedParts(std::span<int32_t> counters, int64_t parts) : taken_(counters[0]), finished_(counters[1]), parts_(parts) {}

  // Calls `visit` with parts until all are taken, of whichever call; returns its first error.
  template <typename Visit>
  Status ForEach(Visit visit) const {
    for (;;) {
      const int64_t part = std::atomic_ref(taken_).fetch_add(1, std::memory_order_relaxed);
      if (part >= parts_) return {};
      COUPONCAST_RETURN_IF_ERROR(visit(part));
      std::atomic_ref(finished_).fetch_add(1, std::memory_order_release);
    }
  }

  // Waits for the parts that others have taken, once all are; what was written for them can be read then. Nobody waits for
  // a call that has not begun. A part that failed never finishes: whoever learns of it sets the flag.
  Status Wait(CancelFlag cancel) const {
    constexpr int kPauses = 1024;
    for (int pauses = 0; std::atomic_ref(finished_).load(std::memory_order_acquire) < parts_; ++pauses) {
      if (cancel.IsSet()) return Cancelled();
      if (pauses < kPauses) {
        hwy::Pause();
      } else {
        std::this_thread::yield();
      }
    }
    return {};
  }

 private:
  int32_t& taken_;
  int32_t& finished_;
  int64_t parts_;
};

}  // namespace couponcast

#endif  // COUPONCAST_BASE_SHARED_PARTS_H_
