#ifndef COUPONCAST_RECOMMEND_TRANSFORM_H_
#define COUPONCAST_RECOMMEND_TRANSFORM_H_

#include "couponcast/weighting.h"

namespace couponcast {

// How much a cell r of a user's row counts: r, or r / (r + lambda) where the model is one of saturated cells.
inline float Transform(const WeightingParams& params, float r) {
  return params.weighting == Weighting::kSaturation ? TermFrequency<Weighting::kSaturation>(r, static_cast<float>(params.lambda), 0) : r;
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_TRANSFORM_H_
