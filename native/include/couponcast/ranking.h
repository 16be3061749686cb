// Quality of ranked lists against items that turned out to be relevant.
#ifndef COUPONCAST_RANKING_H_
#define COUPONCAST_RANKING_H_

#include <cstdint>
#include <span>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/status.h"

namespace couponcast {

// Means over the users that have relevant items; K is the length of the lists, R the number of the user's relevant items.
enum class RankingMetric : uint8_t {
  kPrecision,   // hits / K
  kRecall,      // hits / R
  kMap,         // sum of precision at each hit / min(K, R)
  kMapByK,      // ... / K
  kNdcg,        // sum of 1 / log2(1 + rank) over hits / the same over ranks 1 to min(K, R)
  kNdcgByK,     // ... over ranks 1 to K
  kMrr,         // 1 / rank of the first hit, 0 without
  kHitRate,     // whether there is a hit
  kNovelty,     // mean of -log2((holders + 1) / (users + 1)) over the list; 0 for an empty list
  kPopularity,  // mean of holders / users over the list; 0 for an empty list
  kHistory,     // mean of holders / users over the user's own row; 0 for an empty row
  kDiversity,   // 1 - mean cosine of the pairs of the list, items as columns of the matrix; 0 below two items
};
inline constexpr int64_t kNumRankingMetrics = 12;

struct RankedLists {
  int64_t k = 0;
  std::span<const int32_t> items;  // [users * width] best first, width >= k; those of the first k that are below count are used
  int64_t width = 0;
  std::span<const int32_t> counts;  // [users], in [0, width]
};

struct RankingOutput {
  std::span<double> sums;       // [groups * kNumRankingMetrics] sums over the group's evaluated users
  std::span<double> squares;    // [groups * kNumRankingMetrics] sums of squares
  std::span<int64_t> users;     // [groups] evaluated users: those with relevant items
  std::span<int64_t> exposure;  // [items] evaluated users whose list holds the item
};

// Sums of the metrics over the users of `range`, by group: the segments of `labels` [users] (-1: none; empty: no segments),
// then everybody. `history` is what the lists were made from, users x items, and its transpose; `relevant` is users x items,
// its values count nothing. Adding the outputs of fixed shards in order gives the same bytes for any number of threads.
// Cost: K log R a user, and for diversity, which may be left out and is 0 then, one pass over the matrix and the columns of each
// list. Memory: 8 bytes a user.
// Errors: kInvalidArgument, kOutOfRange, kCancelled. Source: formulas.md, "Ranking metrics".
Status SumRankingMetrics(const CsrView& history, const CsrView& history_by_item, const CsrView& relevant, const RankedLists& lists,
                         std::span<const int32_t> labels, int64_t segments, bool diversity, RowRange range, CancelFlag cancel,
                         const RankingOutput& output);

}  // namespace couponcast

#endif  // COUPONCAST_RANKING_H_
