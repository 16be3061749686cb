#ifndef COUPONCAST_RECOMMEND_CHECK_OPTIONS_H_
#define COUPONCAST_RECOMMEND_CHECK_OPTIONS_H_

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "couponcast/recommend.h"

namespace couponcast {

inline Status CheckOutput(const RecommendOutput& output, int64_t rows, int64_t n) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items", output.items.size(), rows * n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", output.scores.size(), rows * n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sources", output.sources.size(), rows * n));
  return CheckSize("counts", output.counts.size(), rows);
}

// All but the labels, which belong to users.
inline Status CheckOptions(const RecommendOptions& options, int64_t items) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("n", options.n));
  if (!options.allowed.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("allowed", options.allowed.size(), items));
  const PopularityView& fallback = options.fallback;
  if (fallback.indptr.empty()) return {};
  const auto size = static_cast<int64_t>(fallback.items.size());
  if (fallback.scores.size() == fallback.items.size() && fallback.indptr.front() == 0 && fallback.indptr.back() == size &&
      std::ranges::is_sorted(fallback.indptr) &&
      std::ranges::all_of(fallback.items, [&](int32_t item) { return item >= 0 && item < items; })) {
    return {};
  }
  return InvalidArgument("the fallback's lists are inconsistent or name items outside the matrix");
}

// Of a call that recommends to users of a range.
inline Status CheckRecommend(const CsrView& users, RowRange range, const RecommendOptions& options, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckOptions(options, users.cols));
  const PopularityView& fallback = options.fallback;
  if (!fallback.labels.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", fallback.labels.size(), users.rows));
  return CheckOutput(output, range.size(), options.n);
}

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_CHECK_OPTIONS_H_
