// Content-based scores: items have profiles (sparse rows of features of unit length), a user's profile is the weighted mean
// of his items' profiles, and a score is the cosine of the two. Items without history take part like any other.
//
//   score(u, j) = p_u . P_j / |p_u|   with   p_u = sum_i r_ui P_i
#ifndef COUPONCAST_PROFILES_H_
#define COUPONCAST_PROFILES_H_

#include <cstdint>
#include <span>

#include "couponcast/affinity.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/status.h"

namespace couponcast {

// Profiles of all items; both orientations of one matrix.
struct ProfileView {
  CsrView by_item;     // items x features, rows of length 1, or empty
  CsrView by_feature;  // features x items
};

// The n items of the highest score for the users of `range`; users.cols = items. Sums in float32 in ascending order of the
// item, then of the feature; the length of p_u in float64. Ties to the smaller item. Cost: one multiply-add per (item of the
// user, feature) and per (feature of the user, item that has it). Memory: 4 bytes an item and a feature.
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status RecommendFromProfiles(const CsrView& users, const ProfileView& profiles, RowRange range, const RecommendOptions& options,
                             CancelFlag cancel, const RecommendOutput& output);

// weights [range.size() * AffinityColumns] out: Q_fc = sum_{j in scope c} P_jf for the features of `range`, the last column
// over all items. Sums in float32 in ascending order of the item. Cost: one addition per (cell, coupon that covers it).
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status ScopeWeightsOfFeatures(const ProfileView& profiles, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                              std::span<float> weights);

// affinity [range.size() * columns] out: sum_{j in scope c} score(u, j) = sum_f p_uf Q_fc / |p_u|. weights [features *
// columns] of ScopeWeightsOfFeatures. Features in ascending order. Cost: one multiply-add per (feature of the user, column).
// Errors: kInvalidArgument, kOutOfRange, kCancelled.
Status AffinityFromProfiles(const CsrView& users, const ProfileView& profiles, std::span<const float> weights, int64_t columns,
                            RowRange range, CancelFlag cancel, std::span<float> affinity);

}  // namespace couponcast

#endif  // COUPONCAST_PROFILES_H_
