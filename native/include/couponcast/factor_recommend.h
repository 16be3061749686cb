// What vectors of users and items (see als.h) say: the best items for users, similar items, affinity to coupons.
#ifndef COUPONCAST_FACTOR_RECOMMEND_H_
#define COUPONCAST_FACTOR_RECOMMEND_H_

#include <cstdint>
#include <span>

#include "couponcast/affinity.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/status.h"

namespace couponcast {

// Vectors of `factors` numbers each.
struct FactorsView {
  int64_t factors = 0;
  std::span<const float> users;  // [users * factors], finite
  std::span<const float> items;  // [items * factors], finite
};

// score(u, j) = x_u . y_j, summed in float32 in the order of the factors. Keeps scores > 0, at most n, best first, of equal
// scores the smaller item; what is missing is filled up as in RecommendFromItems. `normalise` counts nothing.
//
// Exact: items are taken by the length of their vectors, and a user is done when no length that is left can reach his n-th
// score. Cost: at most items x factors multiply-adds a user, and a sort of the items a call. Memory: a copy of `items`.
// Errors: kInvalidArgument, kOutOfRange, kCorruptFile (item vectors that are not finite), kCancelled.
Status RecommendFromFactors(const CsrView& users, const FactorsView& model, RowRange range, const RecommendOptions& options,
                            CancelFlag cancel, const RecommendOutput& output);

// For each row of `range` the k other rows with the largest cosine > 0 of their vectors, as SimilarRows answers.
// rows [n * factors], finite; a vector of 0 is similar to none. indices, scores [range.size() * k], counts [range.size()] out.
// Errors: as above.
Status SimilarFactors(std::span<const float> rows, int64_t factors, RowRange range, int64_t k, CancelFlag cancel,
                      std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts);

// weights [range.size() * AffinityColumns] out: for the factors of `range`, the sum of factor k over the items of each scope,
// and over all items in the last column; in float32 in the order of the items. Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status ScopeWeightsOfFactors(const FactorsView& model, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                             std::span<float> weights);

// affinity [range.size() * columns] out: sum_k x_uk W_kc. weights [factors * columns] of all factors.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status AffinityFromFactors(const FactorsView& model, std::span<const float> weights, int64_t columns, RowRange range, CancelFlag cancel,
                           std::span<float> affinity);

}  // namespace couponcast

#endif  // COUPONCAST_FACTOR_RECOMMEND_H_
