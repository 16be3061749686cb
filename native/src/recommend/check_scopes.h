#ifndef COUPONCAST_RECOMMEND_CHECK_SCOPES_H_
#define COUPONCAST_RECOMMEND_CHECK_SCOPES_H_

#include <algorithm>
#include <string>

#include "couponcast/affinity.h"

namespace couponcast {

inline Status CheckScopes(const ScopeView& scopes) {
  if (scopes.indptr.empty() || scopes.indptr.front() != 0 || scopes.indptr.back() != static_cast<int64_t>(scopes.indices.size()) ||
      !std::ranges::is_sorted(scopes.indptr)) {
    return InvalidArgument("the scopes' indptr does not span their indices");
  }
  for (const int32_t item : scopes.indices) {
    if (item < 0 || item >= scopes.items) return OutOfRange("a scope names item " + std::to_string(item) + " outside the matrix");
  }
  return {};
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_CHECK_SCOPES_H_
