// Large pages for memory that is read in no order: each small one would have its address looked up anew.
#ifndef COUPONCAST_BASE_LARGE_PAGES_H_
#define COUPONCAST_BASE_LARGE_PAGES_H_

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdint>
#include <span>

namespace couponcast {

// Asks the system for large pages behind `memory`, best before it is first written. A wish: without an answer nothing changes.
template <typename T>
void AskForLargePages([[maybe_unused]] std::span<T> memory) {
#ifdef __linux__
  constexpr uintptr_t kPage = 4096;
  const auto begin = (reinterpret_cast<uintptr_t>(memory.data()) + kPage - 1) / kPage * kPage;
  const auto end = reinterpret_cast<uintptr_t>(memory.data() + memory.size()) / kPage * kPage;
  if (begin < end) static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
#endif
}

}  // namespace couponcast

#endif  // COUPONCAST_BASE_LARGE_PAGES_H_
