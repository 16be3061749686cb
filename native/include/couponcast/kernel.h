// What every kernel shares: a row range to work on and a flag that asks it to stop.
#ifndef COUPONCAST_KERNEL_H_
#define COUPONCAST_KERNEL_H_

#include <atomic>
#include <cstdint>

namespace couponcast {

// Half-open: rows begin, begin + 1, ..., end - 1.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

// A view of an int32 that another thread sets to non-zero to cancel. Kernels poll it at least every few
// milliseconds of work and return kCancelled; what they wrote so far is then meaningless.
class CancelFlag {
 public:
  CancelFlag() = default;
  explicit CancelFlag(const int32_t* flag) : flag_(flag) {}

  bool IsSet() const {
    // std::atomic_ref<const T> comes with C++26; the flag is only read here.
    return flag_ != nullptr && std::atomic_ref<int32_t>(*const_cast<int32_t*>(flag_)).load(std::memory_order_relaxed) != 0;
  }

 private:
  const int32_t* flag_ = nullptr;
};

}  // namespace couponcast

#endif  // COUPONCAST_KERNEL_H_
