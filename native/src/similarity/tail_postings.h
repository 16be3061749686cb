// The sparse part of a sparse product: postings packed into 4 bytes, added into the sums of a block.
#ifndef COUPONCAST_SIMILARITY_TAIL_POSTINGS_H_
#define COUPONCAST_SIMILARITY_TAIL_POSTINGS_H_

#include <bit>
#include <cstdint>

namespace couponcast {

struct TailTerm {
  int32_t term;
  float weight;
};

// A weight rounded to bfloat16 above a place of 16 bits.
inline uint32_t PackPosting(float weight, uint32_t place) { return ((std::bit_cast<uint32_t>(weight) + 0x8000U) & 0xFFFF0000U) | place; }

// sums[place] += terms[i].weight * weight for each posting (weight, place) of [begin[term], begin[term + 1]) of each term, in
// order. Multiplies, then adds: the same bits on every target.
void AddPostings(const TailTerm* terms, int64_t count, const uint32_t* begin, const uint32_t* postings, float* sums);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_TAIL_POSTINGS_H_
