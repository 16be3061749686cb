// One ranking from several: lists of several methods for the same users, fused by rank or by calibrated score.
#ifndef COUPONCAST_BLEND_H_
#define COUPONCAST_BLEND_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/recommend.h"
#include "couponcast/status.h"

namespace couponcast {

// Lists of one method for the users of a range, best first.
struct BlendPart {
  float weight = 0;                 // >= 0
  std::span<const int32_t> items;   // [users * depth], distinct within a user up to his count
  std::span<const float> scores;    // [users * depth]
  std::span<const int32_t> counts;  // [users], in [0, depth]
  // Of the blend by score: a score is worth what is interpolated between the points (x ascending), and the first or last y
  // outside of them. Empty: blend by rank.
  std::span<const float> curve_x;
  std::span<const float> curve_y;
};

// Fuses the parts and takes the best n of each user of `range` (users: for the users' own rows).
//   by rank (reciprocal rank fusion): sum over parts of weight / (rank_offset + rank), rank from 1
//   by score: sum over parts of weight * curve(score)
// An item that a part does not list gets nothing from it. Sums in float32, parts in order. Ties to the smaller item.
// Cost: depth additions a part and user. Errors: kInvalidArgument, kOutOfRange, kCancelled.
// Source: Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods" (2009).
Status BlendLists(const CsrView& users, std::span<const BlendPart> parts, int64_t depth, double rank_offset, RowRange range,
                  const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output);

// out [size] float32: sum over parts of weight * affinity / total, in order of the parts; columns as in affinity.h, total the
// part's last column of the same row. A row whose total is not above 0 gets nothing from that part, so a user's last column
// is the sum of the weights of the parts that know him. Errors: kInvalidArgument.
Status BlendAffinity(std::span<const std::span<const float>> parts, std::span<const float> weights, int64_t columns, CancelFlag cancel,
                     std::span<float> out);

}  // namespace couponcast

#endif  // COUPONCAST_BLEND_H_
