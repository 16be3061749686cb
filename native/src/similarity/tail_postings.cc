#include "similarity/tail_postings.h"

namespace couponcast {

void AddPostings(const TailTerm* terms, int64_t count, const uint32_t* begin, const uint32_t* postings, uint16_t* sums) {
  constexpr int64_t kAhead = 3;      // terms whose postings are fetched early
  constexpr uint32_t kTogether = 4;  // postings whose products do not wait for each other
  const auto add = [&](uint32_t packed, uint32_t level) {
    sums[packed & 0xFFFFU] = static_cast<uint16_t>(sums[packed & 0xFFFFU] + ((packed >> 16U) * level >> 16U));
  };
  for (int64_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      const uint32_t* next = postings + begin[terms[i + kAhead].term];
      for (int64_t line = 0; line < 3; ++line) __builtin_prefetch(next + 16 * line);
    }
    const auto [term, level] = terms[i];
    uint32_t j = begin[term];
    const uint32_t end = begin[term + 1];
    for (; j + kTogether <= end; j += kTogether) {
      for (uint32_t u = 0; u < kTogether; ++u) add(postings[j + u], level);
    }
    for (; j < end; ++j) add(postings[j], level);
  }
}

}  // namespace couponcast
