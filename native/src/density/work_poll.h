// Asks the cancel flag every few milliseconds of comparing leaves.
#ifndef COUPONCAST_DENSITY_WORK_POLL_H_
#define COUPONCAST_DENSITY_WORK_POLL_H_

#include <bit>
#include <cstdint>

#include "couponcast/kernel.h"

namespace couponcast {

class WorkPoll {
 public:
  WorkPoll(CancelFlag cancel, int64_t dims) : cancel_(cancel), dims_(dims) {}

  // Counts a comparison of `slots` points with a leaf; true once the call should end.
  bool Cancelled(uint32_t slots) {
    work_ += dims_ * (1 + std::popcount(slots));
    if (work_ >= kWorkPerPoll) {
      work_ = 0;
      cancelled_ = cancelled_ || cancel_.IsSet();
    }
    return cancelled_;
  }

 private:
  static constexpr int64_t kWorkPerPoll = 200'000;

  CancelFlag cancel_;
  int64_t dims_;
  int64_t work_ = kWorkPerPoll;
  bool cancelled_ = false;
};

}  // namespace couponcast

#endif  // COUPONCAST_DENSITY_WORK_POLL_H_
