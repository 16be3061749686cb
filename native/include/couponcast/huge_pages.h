#ifndef COUPONCAST_HUGE_PAGES_H_
#define COUPONCAST_HUGE_PAGES_H_

#include <cstddef>
#include <span>

namespace couponcast {

// Asks for huge pages for memory that has not been touched yet, as far as it covers whole ones: rows gathered from anywhere
// cost fewer look-ups of addresses, and first touches fewer faults.
void AdviseHugePages(std::span<std::byte> memory);

}  // namespace couponcast

#endif  // COUPONCAST_HUGE_PAGES_H_
