// Argument checks of the kernels that take each pair once.
#ifndef COUPONCAST_SIMILARITY_CHECK_PAIRS_H_
#define COUPONCAST_SIMILARITY_CHECK_PAIRS_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "couponcast/all_pairs.h"
#include "similarity/check_weights.h"

namespace couponcast {

inline Status CheckOrder(std::span<const int32_t> order, int64_t documents) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), documents));
  std::vector<bool> seen(order.size());
  for (const int32_t document : order) {
    if (document < 0 || document >= documents || seen[static_cast<size_t>(document)]) {
      return InvalidArgument("expected each document once in order but met " + std::to_string(document));
    }
    seen[static_cast<size_t>(document)] = true;
  }
  return {};
}

inline Status CheckSquareRanks(const CsrView& documents, int64_t ranks) {
  if (ranks >= 0 && ranks <= documents.rows && ranks % kPairTile == 0) return {};
  return InvalidArgument("expected a multiple of 64 up to the documents for the ranks of the square but received " + std::to_string(ranks));
}

inline Status CheckSquare(const CsrView& documents, int64_t ranks, std::span<const float> square) {
  COUPONCAST_RETURN_IF_ERROR(CheckSquareRanks(documents, ranks));
  return CheckSize("square", square.size(), ranks * ranks);
}

inline Status CheckStrip(const CsrView& documents, int64_t square_ranks, int64_t ranks, std::span<const float> strip) {
  COUPONCAST_RETURN_IF_ERROR(CheckSquareRanks(documents, square_ranks));
  if (ranks < 0 || ranks > square_ranks || ranks % kPairTile != 0) {
    return InvalidArgument("expected a multiple of 64 up to those of the square for the ranks of the strip but received " +
                           std::to_string(ranks));
  }
  return CheckSize("strip", strip.size(), ranks * documents.rows);
}

// Sizes only, but for the order: the rest is what the other kernels made of it.
inline Status CheckPairLists(const CsrView& documents, int64_t terms, const PairLists& lists) {
  COUPONCAST_RETURN_IF_ERROR(CheckOrder(lists.order, documents.rows));
  if (lists.largest < 0 || lists.largest > kLargestWholePair) {
    return InvalidArgument("expected 0 to 15 for largest but received " + std::to_string(lists.largest));
  }
  const PairLayout layout = PairLayoutOf(lists.largest);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("places", lists.places.size(), terms + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("head", lists.head.size(), lists.places.back().row * layout.row_floats));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("tail", lists.tail.size(), lists.places.back().cell * layout.cell_bytes));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("before", lists.before.size(), documents.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSquare(documents, lists.square_ranks, lists.square));
  return CheckStrip(documents, lists.square_ranks, lists.strip_ranks, lists.strip);
}

inline Status CheckPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  if (lists.largest > 0 && weights.params.weighting != Weighting::kCosine) {
    return InvalidArgument("expected cosine's weights where largest is above 0");
  }
  return CheckPairLists(documents, terms.rows, lists);
}

// Rank of each document of a checked order.
inline std::vector<int32_t> RanksOf(std::span<const int32_t> order) {
  std::vector<int32_t> ranks(order.size());
  for (size_t rank = 0; rank < order.size(); ++rank) ranks[static_cast<size_t>(order[rank])] = static_cast<int32_t>(rank);
  return ranks;
}

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_CHECK_PAIRS_H_
