// What every way of computing similarities shares, so that all give the same bits and similarity(d, e) is similarity(e, d).
#ifndef COUPONCAST_SIMILARITY_PAIR_SCORE_H_
#define COUPONCAST_SIMILARITY_PAIR_SCORE_H_

#include <algorithm>

#include "couponcast/weighting.h"

namespace couponcast {

// Of weights up to this, products and their sums stay finite in float32.
inline constexpr float kLargestWeight = 1e15F;

// w_dt of a cell: its tf times the term's weight, which is 1 where the weighting has none.
template <Weighting kWeighting>
float CellWeight(float value, float length, float k1_plus_1, float term_weight) {
  const float tf = TermFrequency<kWeighting>(value, length, k1_plus_1);
  constexpr bool kHasIdf = kWeighting == Weighting::kTfIdf || kWeighting == Weighting::kBm25;
  return kHasIdf ? tf * term_weight : tf;
}

// The score of two documents from the sum of their products. The larger scale comes first: neither order of the two
// documents nor norms far from 1 matter then.
inline float PairScore(float sum, float scale, float other_scale) {
  return sum * std::max(scale, other_scale) * std::min(scale, other_scale);
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_SCORE_H_
