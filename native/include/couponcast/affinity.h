// Affinity of users to coupons: item scores summed over each coupon's scope, without scoring items one by one.
//
// Item scores are linear in the user's row, so  sum_{j in scope c} score(u, j) = sum_i tf(r_ui) W_ic  with
// W_ic = sum_{j in scope c} s_ij. W is items x coupons and is computed once; then a user costs degree x coupons.
#ifndef COUPONCAST_AFFINITY_H_
#define COUPONCAST_AFFINITY_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Items of each coupon's scope.
struct ScopeView {
  int64_t items = 0;
  std::span<const int64_t> indptr;   // [coupons + 1]
  std::span<const int32_t> indices;  // items, in [0, items), unique within a coupon

  int64_t coupons() const { return static_cast<int64_t>(indptr.size()) - 1; }
};

// Columns of all affinity arrays: the coupons, then one column for "all items" (the user's total).
inline int64_t AffinityColumns(const ScopeView& scopes) { return scopes.coupons() + 1; }

// weights [range.size() * AffinityColumns] out: W for the items of `range`; the last column is sum_j s_ij.
// Sums in float32 in the order of the lists. Cost: one addition per (neighbour, coupon that covers it).
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status ScopeWeightsOfItems(const NeighbourLists& model, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                           std::span<float> weights);

// weights [range.size() * AffinityColumns] out: sum of r_uj over the scope, for the users of `range` (user-knn).
Status ScopeWeightsOfUsers(const CsrView& users, const ScopeView& scopes, RowRange range, CancelFlag cancel, std::span<float> weights);

// affinity [range.size() * columns] out: sum_i tf(r_ui) W_ic. weights [items * columns]. SIMD over the columns, each
// column summed in ascending order of the item by multiply then add: the same bits on every SIMD target.
// Cost: degree x columns multiply-adds a user. Source: formulas.md, `item-knn` and `saturated`, summed over a scope.
Status AffinityFromItems(const CsrView& users, std::span<const float> weights, int64_t columns, const WeightingParams& transform,
                         RowRange range, CancelFlag cancel, std::span<float> affinity);

// affinity [range.size() * columns] out: sum_v s_uv W_vc over the k most similar users; weights [users * columns] of
// ScopeWeightsOfUsers, `document_weights` of by_user. Source: formulas.md, `user-knn`, summed over a scope.
Status AffinityFromUsers(const CsrView& by_user, const CsrView& by_item, const DocumentWeights& document_weights, int64_t k,
                         std::span<const float> weights, int64_t columns, RowRange range, CancelFlag cancel, std::span<float> affinity);

// Sums for the means that stand in for users without affinity of their own (total 0), over the users of `range` whose
// total is above 0. Groups are the segments of `labels` [users] (-1: none), then all users.
//   sums    [(segments + 1) * columns] float64 out: affinity, group by group
//   shares  [columns - 1] float64 out: affinity / total
//   counts  [segments + 1] out
// Adding the shards' sums in their order gives the same bytes for any number of threads. Cost: one pass.
// Errors: kInvalidArgument, kOutOfRange.
Status AffinitySums(std::span<const float> affinity, int64_t columns, std::span<const int32_t> labels, int64_t segments, RowRange range,
                    std::span<double> sums, std::span<double> shares, std::span<int64_t> counts);

}  // namespace couponcast

#endif  // COUPONCAST_AFFINITY_H_
