// Top-N items for users: from similar items, from similar users, and what cold users get instead.
#ifndef COUPONCAST_RECOMMEND_H_
#define COUPONCAST_RECOMMEND_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

// Neighbour lists of fixed width: what SimilarRows writes for all rows.
struct NeighbourLists {
  int64_t rows = 0;
  int64_t k = 0;
  std::span<const int32_t> indices;  // [rows * k], in [0, rows) up to the row's count, unique within it
  std::span<const float> scores;     // [rows * k], finite
  std::span<const int32_t> counts;   // [rows], in [0, k]
};

// Checks what the comments of NeighbourLists promise, but for uniqueness: a row twice in a list only spoils its score. Errors:
// kCorruptFile, its message beginning with `name`.
Status CheckNeighbours(const NeighbourLists& lists, const std::string& name);

// Which stage scored a row of the answer. Stable numbers.
enum class ScoreSource : uint8_t { kNone = 0, kModel = 1, kSegment = 2, kPopularity = 3 };

// Ranked items by list: the lists of the segments, then the list of all users.
struct PopularityView {
  std::span<const int32_t> labels;  // [users] segment of each user, -1 for none; empty: only the last list is used
  std::span<const int64_t> indptr;  // [lists + 1]
  std::span<const int32_t> items;   // by score descending, then by index
  std::span<const float> scores;    // share of the list's users that hold the item, in (0, 1]
};

struct RecommendOptions {
  int64_t n = 20;
  bool filter_seen = true;           // leave out items of the user's own row
  bool normalise = false;            // weighted mean instead of the sum
  std::span<const uint8_t> allowed;  // [items], 0 keeps an item out; empty: all
  PopularityView fallback;           // no lists: no fallback
};

// Where answers go: n places a row, best first, unused ones -1 / 0 / kNone.
struct RecommendOutput {
  std::span<int32_t> items;    // [range.size() * n]
  std::span<float> scores;     // [range.size() * n]
  std::span<uint8_t> sources;  // [range.size() * n], ScoreSource
  std::span<int32_t> counts;   // [range.size()]
};

// score(u, j) = sum_i tf(r_ui) s_ij over the items i of u's row, divided by sum_i s_ij if `normalise`, with s_ij
// from i's list. Keeps scores > 0, at most n, best first, of equal scores the smaller item. Rows with fewer than n
// answers are filled from the segment's popular items, then from everybody's; these scores are shares of users, on
// another scale, and always rank behind the model's. `transform` is kCosine (tf = r) or kSaturation.
// Cost: one multiply-add per list entry touched. Memory: O(items). Errors: kInvalidArgument, kOutOfRange, kCancelled.
// Source: formulas.md, `item-knn` and `saturated`.
Status RecommendFromItems(const CsrView& users, const NeighbourLists& model, const WeightingParams& transform, RowRange range,
                          const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output);

// score(u, j) = sum_v s_uv r_vj over the k users v most similar to u, u itself left out (`normalise`: divided by
// the sum of s_uv over the v that hold j). `weights` belongs to by_user. Else as above.
// Source: formulas.md, `user-knn`.
Status RecommendFromUsers(const CsrView& by_user, const CsrView& by_item, const DocumentWeights& weights, int64_t k, RowRange range,
                          const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output);

// score(u, j) = sum_k f(r_uk) f(r_kj) with k an item first and a user then: the article's literal form, for
// teaching and tests. Needs users = items. Errors: kInvalidArgument. Source: formulas.md, `seed-literal`.
Status RecommendSeedLiteral(const CsrView& users, const WeightingParams& transform, RowRange range, const RecommendOptions& options,
                            CancelFlag cancel, const RecommendOutput& output);

struct PopularityLists {
  std::vector<int64_t> indptr;
  std::vector<int32_t> items;
  std::vector<float> scores;
};

// Ranks the items of each segment, then of all users, by the share of users that hold them (ties: smaller index).
// `items` is the transpose of `users`. labels [users] in [-1, segments) or empty for no segments. Cost: one pass over the
// cells of users with a segment, and the sorts.
// Errors: kInvalidArgument, kOutOfRange (a label), kCancelled.
Result<PopularityLists> RankPopularItems(const CsrView& users, const CsrView& items, std::span<const int32_t> labels, int64_t segments,
                                         CancelFlag cancel);

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_H_
