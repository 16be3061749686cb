#include <algorithm>
#include <vector>

#include "base/axpy.h"
#include "base/check.h"
#include "base/top_k.h"
#include "couponcast/ease.h"
#include "recommend/check_options.h"
#include "recommend/check_scopes.h"
#include "recommend/row_answer.h"

namespace couponcast {

Status RecommendFromDense(const CsrView& users, std::span<const float> weights, RowRange range, const RecommendOptions& options,
                          CancelFlag cancel, const RecommendOutput& output) {
  const int64_t items = users.cols;
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), items * items));
  COUPONCAST_RETURN_IF_ERROR(CheckOptions(options, items));
  if (!options.fallback.labels.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", options.fallback.labels.size(), users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckOutput(output, range.size(), options.n));
  std::vector<float> sums(static_cast<size_t>(items));
  TopK best(options.n);
  const RowAnswer answer(options);
  for (int64_t user = range.begin; user < range.end; ++user) {
    std::ranges::fill(sums, 0.0F);
    const auto seen = users.row_indices(user);
    const auto values = users.row_values(user);
    for (size_t i = 0; i < seen.size(); ++i) {
      if (i % 64 == 0 && cancel.IsSet()) return Cancelled();
      Axpy(values[i], weights.data() + seen[i] * items, items, sums.data());
    }
    if (options.filter_seen) {
      for (const int32_t item : seen) sums[static_cast<size_t>(item)] = 0;
    }
    best.Reset(0);
    for (int32_t item = 0; item < items; ++item) {
      const float score = sums[static_cast<size_t>(item)];
      if (score > best.threshold() && answer.Allowed(item)) best.Push(score, item);
    }
    answer.Write(best.Sorted(), user, seen, user - range.begin, output);
  }
  return {};
}

Status ScopeWeightsOfDense(std::span<const float> dense, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                           std::span<float> weights) {
  const int64_t items = scopes.items;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("dense", dense.size(), items * items));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, items));
  COUPONCAST_RETURN_IF_ERROR(CheckScopes(scopes));
  const int64_t columns = AffinityColumns(scopes);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), range.size() * columns));
  for (int64_t item = range.begin; item < range.end; ++item) {
    if (cancel.IsSet()) return Cancelled();
    const auto row = dense.subspan(static_cast<size_t>(item * items), static_cast<size_t>(items));
    float* out = weights.data() + (item - range.begin) * columns;
    for (int64_t coupon = 0; coupon + 1 < columns; ++coupon) {
      float sum = 0;
      const auto begin = static_cast<size_t>(scopes.indptr[static_cast<size_t>(coupon)]);
      const auto end = static_cast<size_t>(scopes.indptr[static_cast<size_t>(coupon) + 1]);
      for (size_t i = begin; i < end; ++i) sum += row[static_cast<size_t>(scopes.indices[i])];
      out[coupon] = sum;
    }
    float total = 0;
    for (const float weight : row) total += weight;
    out[columns - 1] = total;
  }
  return {};
}

}  // namespace couponcast
