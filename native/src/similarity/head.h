// The head: terms that so many documents hold that whole rows of a block are added faster than their postings.
#ifndef COUPONCAST_SIMILARITY_HEAD_H_
#define COUPONCAST_SIMILARITY_HEAD_H_

#include <cstdint>
#include <vector>

#include "couponcast/matrix.h"

namespace couponcast {

struct Head {
  std::vector<int32_t> terms;  // the most frequent first
  std::vector<int32_t> slot;   // of each term: its place in `terms`, or ~place in the tail, where frequent terms come first
};

Head ChooseHead(const CsrView& terms, int64_t num_documents);

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_HEAD_H_
