// Checks and polling that the kernels of sparse K-means share.
#ifndef COUPONCAST_CLUSTER_SPARSE_KMEANS_CHECK_H_
#define COUPONCAST_CLUSTER_SPARSE_KMEANS_CHECK_H_

#include "base/check.h"
#include "couponcast/sparse_kmeans.h"

namespace couponcast {

inline Status CheckSparseAssign(const CsrView& matrix, std::span<const float> factors, std::span<const double> squares,
                                std::span<const float> centroids, std::span<const double> norms, RowRange range, std::span<int32_t> labels,
                                std::span<int64_t> counts) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  const auto k = static_cast<int64_t>(norms.size());
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("factors", factors.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("squares", squares.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("centroids", centroids.size(), matrix.cols * SparseKmeansLanes(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), matrix.rows));
  return CheckSize("counts", counts.size(), k);
}

// float32 holds the scale of shorts and its inverse.
inline Status CheckShortScale(double scale) {
  if (scale >= 0x1p-126 && scale <= 0x1p126) return {};
  return InvalidArgument("expected a scale of the shorts in [2^-126, 2^126]");
}

// Calls `visit` with parts of `range`, with a look at the cancel flag before each.
template <typename Visit>
Status ForEachSparsePoll(const CsrView& matrix, int64_t lanes, RowRange range, CancelFlag cancel, Visit visit) {
  constexpr int64_t kWorkPerPoll = int64_t{1} << 20;
  for (int64_t begin = range.begin; begin < range.end;) {
    if (cancel.IsSet()) return Cancelled();
    int64_t end = begin + 1;
    for (int64_t work = 0; end < range.end && work < kWorkPerPoll; ++end) work += (matrix.degree(end) + 1) * lanes;
    visit(RowRange{begin, end});
    begin = end;
  }
  return {};
}

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_SPARSE_KMEANS_CHECK_H_
