#include "couponcast/large_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace couponcast {

void PreferLargePages(std::span<uint8_t> memory) {
#ifdef MADV_HUGEPAGE
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  // Whole pages only: their neighbours belong to somebody else.
  const size_t before = (page - reinterpret_cast<uintptr_t>(memory.data()) % page) % page;
  if (before >= memory.size()) return;
  const size_t size = (memory.size() - before) / page * page;
  if (size > 0) ::madvise(memory.data() + before, size, MADV_HUGEPAGE);
#endif
}

}  // namespace couponcast
