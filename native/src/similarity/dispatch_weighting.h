// Turns the run-time weighting into a compile-time one, outside the inner loops.
#ifndef COUPONCAST_SIMILARITY_DISPATCH_WEIGHTING_H_
#define COUPONCAST_SIMILARITY_DISPATCH_WEIGHTING_H_

#include "couponcast/weighting.h"

namespace couponcast {

template <typename Function>
auto DispatchWeighting(Weighting weighting, Function&& function) {
  switch (weighting) {
    case Weighting::kTfIdf:
      return function.template operator()<Weighting::kTfIdf>();
    case Weighting::kBm25:
      return function.template operator()<Weighting::kBm25>();
    case Weighting::kSaturation:
      return function.template operator()<Weighting::kSaturation>();
    case Weighting::kCosine:
      break;
  }
  return function.template operator()<Weighting::kCosine>();
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_DISPATCH_WEIGHTING_H_
