#include "couponcast/huge_pages.h"

#ifdef __linux__
#include <sys/mman.h>

#include <memory>
#endif

namespace couponcast {

void AdviseHugePages([[maybe_unused]] std::span<std::byte> memory) {
#ifdef __linux__
  constexpr size_t kHugePage = size_t{2} << 20U;
  void* begin = memory.data();
  size_t bytes = memory.size();
  if (std::align(kHugePage, kHugePage, begin, bytes) == nullptr) return;
  // A hint: without huge pages everything works as well, only slower.
  static_cast<void>(madvise(begin, bytes / kHugePage * kHugePage, MADV_HUGEPAGE));
#endif
}

}  // namespace couponcast
