// What every kernel shares: a row range to work on, a flag that asks it to stop, a gauge of how far it is.
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

// A view of an int32 that a long call keeps setting to the share of its work that is done, in thousandths, for another
// thread to read.
class ProgressGauge {
 public:
  ProgressGauge() = default;
  explicit ProgressGauge(int32_t* thousandths) : thousandths_(thousandths) {}

  void Set(int64_t done, int64_t total) const {
    if (thousandths_ == nullptr || total < 1) return;
    std::atomic_ref(*thousandths_).store(static_cast<int32_t>(done * 1000 / total), std::memory_order_relaxed);
  }

 private:
  int32_t* thousandths_ = nullptr;
};

}  // namespace couponcast

#endif  // COUPONCAST_KERNEL_H_
