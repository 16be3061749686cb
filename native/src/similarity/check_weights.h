#ifndef COUPONCAST_SIMILARITY_CHECK_WEIGHTS_H_
#define COUPONCAST_SIMILARITY_CHECK_WEIGHTS_H_

#include "base/check.h"
#include "couponcast/matrix.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Whether the weights have the sizes of the documents that they belong to.
inline Status CheckWeights(const CsrView& documents, const DocumentWeights& weights) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("term_weight", weights.term_weight.size(), documents.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("length", weights.length.size(), documents.rows));
  return CheckSize("scale", weights.scale.size(), documents.rows);
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_CHECK_WEIGHTS_H_
