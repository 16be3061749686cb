#include "similarity/tail_postings.h"

namespace couponcast {

void AddPostings(const TailTerm* terms, int64_t count, const uint32_t* begin, const uint32_t* postings, uint16_t* sums) {
  constexpr int64_t kAhead = 3;     // terms whose postings are fetched early
  constexpr int64_t kFarAhead = 8;  // terms whose places are
  constexpr int64_t kTogether = 4;  // postings whose products do not wait for each other
  const auto add = [&](uint32_t packed, uint32_t level) {
    sums[packed & 0xFFFFU] = static_cast<uint16_t>(sums[packed & 0xFFFFU] + ((packed >> 16U) * level >> 16U));
  };
  for (int64_t i = 0; i < count; ++i) {
    if (i + kFarAhead < count) __builtin_prefetch(begin + terms[i + kFarAhead].term);
    if (i + kAhead < count) {
      const uint32_t* next = postings + begin[terms[i + kAhead].term];
      for (int64_t line = 0; line < 3; ++line) __builtin_prefetch(next + 16 * line);
    }
    const auto [term, level] = terms[i];
    const uint32_t* at = postings + begin[term];
    const uint32_t* end = postings + begin[term + 1];
    for (; end - at >= kTogether; at += kTogether) {
      for (int64_t u = 0; u < kTogether; ++u) add(at[u], level);
    }
    for (; at < end; ++at) add(*at, level);
  }
}

}  // namespace couponcast
