// The most similar users of one user after the other, without holding the lists of all.
#ifndef COUPONCAST_SIMILARITY_FOR_EACH_USER_NEIGHBOURS_H_
#define COUPONCAST_SIMILARITY_FOR_EACH_USER_NEIGHBOURS_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "couponcast/similarity.h"

namespace couponcast {

// Calls visit(user, neighbours, similarities) for each user of `range`: at most k others, best first.
// Memory: the lists of a batch of users. Errors: kInvalidArgument (k < 1) and those of SimilarRows.
template <typename Visit>
Status ForEachUserNeighbours(const CsrView& by_user, const CsrView& by_item, const DocumentWeights& weights, int64_t k, RowRange range,
                             CancelFlag cancel, Visit&& visit) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  k = std::min(k, std::max<int64_t>(by_user.rows, 1));
  // Bounds the lists at 2^22 entries, whatever k is.
  const int64_t users_per_batch = std::clamp<int64_t>((int64_t{1} << 22) / k, 1, 256);
  const auto width = static_cast<size_t>(k);
  std::vector<int32_t> neighbours(static_cast<size_t>(users_per_batch) * width);
  std::vector<float> similarities(neighbours.size());
  std::vector<int32_t> counts(static_cast<size_t>(users_per_batch));
  for (int64_t begin = range.begin; begin < range.end; begin += users_per_batch) {
    const RowRange batch{begin, std::min(begin + users_per_batch, range.end)};
    const auto size = static_cast<size_t>(batch.size());
    COUPONCAST_RETURN_IF_ERROR(SimilarRows(by_user, by_item, weights, batch, k, /*include_self=*/false, cancel,
                                           std::span(neighbours).first(size * width), std::span(similarities).first(size * width),
                                           std::span(counts).first(size)));
    for (size_t place = 0; place < size; ++place) {
      const auto count = static_cast<size_t>(counts[place]);
      visit(begin + static_cast<int64_t>(place), std::span<const int32_t>(neighbours).subspan(place * width, count),
            std::span<const float>(similarities).subspan(place * width, count));
    }
  }
  return {};
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_FOR_EACH_USER_NEIGHBOURS_H_
