#ifndef COUPONCAST_RESPONSE_PAIR_FEATURES_H_
#define COUPONCAST_RESPONSE_PAIR_FEATURES_H_

#include <array>
#include <span>

#include "couponcast/response.h"

namespace couponcast {

// The order that a coupon leads to, in minor units.
struct PairOrder {
  double order = 0;
  double discount = 0;
};

PairOrder OrderOf(const PairInputs& inputs, int64_t user, int64_t coupon);
// What usual orders may be, in shares of what they are thought to be: equally likely, 1 in the mean. Log-normal of that spread.
using OrderFactors = std::array<double, 7>;
OrderFactors FactorsOf(double spread);
// Order and discount in the mean over what the usual order may be.
PairOrder MeanOrderOf(const PairInputs& inputs, int64_t user, int64_t coupon, const OrderFactors& factors);
// features [kPairFeatures] out; user and coupon must exist.
void OnePairFeatures(const PairInputs& inputs, int64_t user, int64_t coupon, const PairOrder& order, double horizon_days,
                     std::span<double> features);
// The coupon's horizon; 0 where none is given.
double HorizonOf(const PairInputs& inputs, int64_t coupon);
Status CheckPairInputs(const PairInputs& inputs);

}  // namespace couponcast

#endif  // COUPONCAST_RESPONSE_PAIR_FEATURES_H_
