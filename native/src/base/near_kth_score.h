#ifndef COUPONCAST_BASE_NEAR_KTH_SCORE_H_
#define COUPONCAST_BASE_NEAR_KTH_SCORE_H_

#include <cstdint>

#include "couponcast/scored_index.h"

namespace couponcast {

// A score that at least k and few more of the entries reach, exactly the k-th where many are equal. 1 <= k <= count; all
// scores above 0. Cheaper than a selection of the k best.
float NearKthScore(const ScoredIndex* entries, int64_t count, int64_t k);

}  // namespace couponcast

#endif  // COUPONCAST_BASE_NEAR_KTH_SCORE_H_
