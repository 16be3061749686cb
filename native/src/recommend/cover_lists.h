#ifndef COUPONCAST_RECOMMEND_COVER_LISTS_H_
#define COUPONCAST_RECOMMEND_COVER_LISTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/affinity.h"
#include "couponcast/status.h"
#include "recommend/check_scopes.h"

namespace couponcast {

// Coupons that cover each item: the transpose of the scopes.
struct CoverLists {
  std::vector<int64_t> indptr;
  std::vector<int32_t> coupons;

  std::span<const int32_t> Of(int32_t item) const {
    const auto begin = static_cast<size_t>(indptr[static_cast<size_t>(item)]);
    return std::span(coupons).subspan(begin, static_cast<size_t>(indptr[static_cast<size_t>(item) + 1]) - begin);
  }
};

inline Result<CoverLists> InvertScopes(const ScopeView& scopes) {
  const Status status = CheckScopes(scopes);
  if (!status.ok()) return status;
  CoverLists cover;
  cover.indptr.assign(static_cast<size_t>(scopes.items) + 1, 0);
  for (const int32_t item : scopes.indices) ++cover.indptr[static_cast<size_t>(item) + 1];
  for (size_t i = 1; i < cover.indptr.size(); ++i) cover.indptr[i] += cover.indptr[i - 1];
  cover.coupons.resize(scopes.indices.size());
  std::vector<int64_t> cursor(cover.indptr.begin(), cover.indptr.end() - 1);
  for (int64_t coupon = 0; coupon < scopes.coupons(); ++coupon) {
    for (int64_t i = scopes.indptr[static_cast<size_t>(coupon)]; i < scopes.indptr[static_cast<size_t>(coupon) + 1]; ++i) {
      cover.coupons[static_cast<size_t>(cursor[static_cast<size_t>(scopes.indices[static_cast<size_t>(i)])]++)] =
          static_cast<int32_t>(coupon);
    }
  }
  return cover;
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_COVER_LISTS_H_
