#include "couponcast/affinity.h"

#include <algorithm>
#include <vector>

#include "base/add_rows.h"
#include "base/check.h"
#include "recommend/cover_lists.h"
#include "recommend/list_shape.h"
#include "similarity/for_each_user_neighbours.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 64;

}  // namespace

Status ScopeWeightsOfItems(const NeighbourLists& model, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                           std::span<float> weights) {
  const int64_t columns = AffinityColumns(scopes);
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, model.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), range.size() * columns));
  if (scopes.items != model.rows) return InvalidArgument("scopes and model have different numbers of items");
  if (!HasListShape(model)) return InvalidArgument("the model's indices, scores and counts do not fit rows x k");
  const Result<CoverLists> cover = InvertScopes(scopes);
  if (!cover.ok()) return cover.status();
  std::ranges::fill(weights, 0.0F);
  for (int64_t item = range.begin; item < range.end; ++item) {
    if ((item - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* row = weights.data() + (item - range.begin) * columns;
    for (int64_t j = 0; j < model.counts[static_cast<size_t>(item)]; ++j) {
      const auto at = static_cast<size_t>(item * model.k + j);
      for (const int32_t coupon : cover.value().Of(model.indices[at])) row[coupon] += model.scores[at];
      row[columns - 1] += model.scores[at];
    }
  }
  return {};
}

Status ScopeWeightsOfUsers(const CsrView& users, const ScopeView& scopes, RowRange range, CancelFlag cancel, std::span<float> weights) {
  const int64_t columns = AffinityColumns(scopes);
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), range.size() * columns));
  if (scopes.items != users.cols) return InvalidArgument("scopes and matrix have different numbers of items");
  const Result<CoverLists> cover = InvertScopes(scopes);
  if (!cover.ok()) return cover.status();
  std::ranges::fill(weights, 0.0F);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* row = weights.data() + (user - range.begin) * columns;
    const auto items = users.row_indices(user);
    const auto values = users.row_values(user);
    for (size_t i = 0; i < items.size(); ++i) {
      for (const int32_t coupon : cover.value().Of(items[i])) row[coupon] += values[i];
      row[columns - 1] += values[i];
    }
  }
  return {};
}

Status AffinityFromItems(const CsrView& users, std::span<const float> weights, int64_t columns, const WeightingParams& transform,
                         RowRange range, CancelFlag cancel, std::span<float> affinity) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), users.cols * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity", affinity.size(), range.size() * columns));
  const auto lambda = static_cast<float>(transform.lambda);
  std::ranges::fill(affinity, 0.0F);
  std::vector<float> saturated;
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* row = affinity.data() + (user - range.begin) * columns;
    const auto items = users.row_indices(user);
    const auto values = users.row_values(user);
    if (transform.weighting != Weighting::kSaturation) {
      AddRows(items, values, weights.data(), columns, row);
      continue;
    }
    saturated.clear();
    for (const float value : values) saturated.push_back(TermFrequency<Weighting::kSaturation>(value, lambda, 0));
    AddRows(items, saturated, weights.data(), columns, row);
  }
  return {};
}

Status AffinityFromUsers(const CsrView& by_user, const CsrView& by_item, const DocumentWeights& document_weights, int64_t k,
                         std::span<const float> weights, int64_t columns, RowRange range, CancelFlag cancel, std::span<float> affinity) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, by_user.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(by_user, by_item));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), by_user.rows * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity", affinity.size(), range.size() * columns));
  std::ranges::fill(affinity, 0.0F);
  return ForEachUserNeighbours(by_user, by_item, document_weights, k, range, cancel,
                               [&](int64_t user, std::span<const int32_t> neighbours, std::span<const float> similarities) {
                                 float* row = affinity.data() + (user - range.begin) * columns;
                                 AddRows(neighbours, similarities, weights.data(), columns, row);
                               });
}

Status AffinitySums(std::span<const float> affinity, int64_t columns, std::span<const int32_t> labels, int64_t segments, RowRange range,
                    std::span<double> sums, std::span<double> shares, std::span<int64_t> counts) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("groups", segments < 0 ? 0 : segments + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, static_cast<int64_t>(labels.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity", affinity.size(), static_cast<int64_t>(labels.size()) * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", sums.size(), (segments + 1) * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shares", shares.size(), columns - 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), segments + 1));
  std::ranges::fill(sums, 0.0);
  std::ranges::fill(shares, 0.0);
  std::ranges::fill(counts, 0);
  const auto width = static_cast<size_t>(columns);
  for (auto user = static_cast<size_t>(range.begin); user < static_cast<size_t>(range.end); ++user) {
    if (labels[user] < -1 || labels[user] >= segments) return OutOfRange("label " + std::to_string(labels[user]) + " is no segment");
    const auto row = affinity.subspan(user * width, width);
    const auto total = static_cast<double>(row.back());
    if (!(total > 0)) continue;
    const auto add = [&](size_t group) {
      ++counts[group];
      for (size_t c = 0; c < width; ++c) sums[group * width + c] += static_cast<double>(row[c]);
    };
    if (labels[user] >= 0) add(static_cast<size_t>(labels[user]));
    add(static_cast<size_t>(segments));
    for (size_t c = 0; c + 1 < width; ++c) shares[c] += static_cast<double>(row[c]) / total;
  }
  return {};
}

}  // namespace couponcast
