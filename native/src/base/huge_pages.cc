#include "couponcast/huge_pages.h"

#ifdef __linux__
#include <sys/mman.h>

#include <cstdint>
#endif

namespace couponcast {

void AdviseHugePages([[maybe_unused]] std::span<const std::byte> memory) {
#ifdef __linux__
  constexpr uintptr_t kHugePage = uintptr_t{2} << 20U;
  const auto begin = (reinterpret_cast<uintptr_t>(memory.data()) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = (reinterpret_cast<uintptr_t>(memory.data()) + memory.size()) / kHugePage * kHugePage;
  // A hint: without huge pages everything works as well, only slower.
  if (begin < end) static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
#endif
}

}  // namespace couponcast
