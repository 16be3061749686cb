// The sparse part of a sparse product: postings packed into 4 bytes, added into the sums of a block.
#ifndef COUPONCAST_SIMILARITY_TAIL_POSTINGS_H_
#define COUPONCAST_SIMILARITY_TAIL_POSTINGS_H_

#include <cstdint>

namespace couponcast {

struct TailTerm {
  int32_t term;
  uint16_t level;
};

inline uint32_t PackPosting(uint16_t level, uint32_t place) { return static_cast<uint32_t>(level) << 16U | place; }

// sums[place] += floor(terms[i].level * level / 65536) for each posting (level, place) of [begin[term], begin[term + 1]) of each
// term. The sums must stay below 65536.
void AddPostings(const TailTerm* terms, int64_t count, const uint32_t* begin, const uint32_t* postings, uint16_t* sums);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_TAIL_POSTINGS_H_
