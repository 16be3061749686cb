#include "couponcast/kmeans_batch.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "cluster/kmeans_check.h"
#include "cluster/kmeans_rows.h"
#include "couponcast/kmeans_filter.h"

namespace couponcast {
namespace {

// The gathered rows as bytes, and all that KmeansAssignFiltered wants to know when it knows nothing yet.
class Coded {
 public:
  Status Encode(std::span<const float> points, int64_t dims, std::span<const float> centroids, int64_t k, const KmeansFrame& frame,
                CancelFlag cancel, bool* usable) {
    const int64_t rows = static_cast<int64_t>(points.size()) / dims;
    const int64_t bytes = KmeansCodeBytes(dims);
    codes_.resize(static_cast<size_t>(KmeansCodesSize(rows, dims)));
    norms_.resize(static_cast<size_t>(rows * 3));
    COUPONCAST_RETURN_IF_ERROR(KmeansEncode(points, dims, frame.centre, frame.steps, {0, rows}, cancel, codes_, norms_));
    order_.resize(static_cast<size_t>(k));
    std::iota(order_.begin(), order_.end(), 0);
    panel_.resize(static_cast<size_t>(KmeansCodeColumns(k) * bytes));
    starts_.resize(static_cast<size_t>(KmeansCodeColumns(k)));
    lower_.resize(static_cast<size_t>(rows));
    moves_.resize(static_cast<size_t>(k), std::numeric_limits<double>::infinity());
    scale_.resize(3);
    return KmeansEncodeCentroids(centroids, dims, frame.centre, frame.steps, order_, kKmeansColumnsAtOnce, panel_, starts_, scale_, usable);
  }

  KmeansCodes codes() { return {codes_, norms_, order_, panel_, starts_, scale_, lower_, moves_}; }

 private:
  std::vector<uint8_t> codes_;
  std::vector<float> norms_;
  std::vector<int32_t> order_;
  std::vector<int8_t> panel_;
  std::vector<int32_t> starts_;
  std::vector<double> scale_;
  std::vector<float> lower_;
  std::vector<double> moves_;
};

}  // namespace

Status KmeansAssignRows(std::span<const float> points, int64_t dims, std::span<const float> weights, std::span<const float> centroids,
                        const KmeansFrame& frame, std::span<const int32_t> rows, CancelFlag cancel, std::span<int32_t> labels,
                        std::span<float> distances, KmeansPartial* partial) {
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansPoints(points, dims, weights, {}));
  int64_t k = 0;
  COUPONCAST_RETURN_IF_ERROR(CheckKmeansCentroids(centroids, dims, &k));
  COUPONCAST_RETURN_IF_ERROR(CheckRows(rows, static_cast<int64_t>(points.size()) / dims));
  const auto width = static_cast<size_t>(dims);
  std::vector<float> gathered(rows.size() * width);
  std::vector<float> gathered_weights(weights.empty() ? 0 : rows.size());
  const auto rows_per_poll = static_cast<size_t>(std::max<int64_t>(1, kKmeansWorkPerPoll / dims));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % rows_per_poll == 0 && cancel.IsSet()) return Cancelled();
    const auto row = static_cast<size_t>(rows[i]);
    std::ranges::copy(points.subspan(row * width, width), gathered.begin() + static_cast<int64_t>(i) * dims);
    if (!weights.empty()) gathered_weights[i] = weights[row];
  }
  const RowRange all{0, static_cast<int64_t>(rows.size())};
  if (!frame.centre.empty() && dims <= kKmeansCodeDims) {
    Coded coded;
    bool usable = false;
    COUPONCAST_RETURN_IF_ERROR(coded.Encode(gathered, dims, centroids, k, frame, cancel, &usable));
    if (usable) {
      std::ranges::fill(labels, 0);
      return KmeansAssignFiltered(gathered, dims, gathered_weights, centroids, coded.codes(), all, cancel, labels, distances, partial);
    }
  }
  return KmeansAssign(gathered, dims, gathered_weights, centroids, all, cancel, labels, distances, partial);
}

}  // namespace couponcast
