#include "couponcast/weighting.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/portable_math.h"
#include "similarity/dispatch_weighting.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 4096;

template <Weighting kWeighting>
Status ScaleRows(const CsrView& documents, const DocumentWeights& weights, RowRange range, CancelFlag cancel, std::span<float> scale) {
  const auto k1_plus_1 = static_cast<float>(weights.params.k1 + 1.0);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if ((row - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto indices = documents.row_indices(row);
    const auto values = documents.row_values(row);
    double sum = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
      auto weight = static_cast<double>(TermFrequency<kWeighting>(values[i], weights.length[static_cast<size_t>(row)], k1_plus_1));
      if constexpr (kWeighting == Weighting::kTfIdf) weight *= static_cast<double>(weights.term_weight[static_cast<size_t>(indices[i])]);
      sum += weight * weight;
    }
    scale[static_cast<size_t>(row)] = sum > 0 ? static_cast<float>(1.0 / std::sqrt(sum)) : 0.0F;
  }
  return {};
}

}  // namespace

Status WeighTerms(const CsrView& documents, const CsrView& terms, const WeightingParams& params, CancelFlag cancel,
                  std::span<float> term_weight, std::span<float> length) {
  if (!(params.k1 >= 0) || !(params.b >= 0) || !(params.b <= 1) || !(params.lambda > 0) || !std::isfinite(params.k1) ||
      !std::isfinite(params.lambda)) {
    return InvalidArgument("expected k1 >= 0, b in [0, 1] and lambda > 0");
  }
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("term_weight", term_weight.size(), documents.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("length", length.size(), documents.rows));
  const bool has_idf = params.weighting == Weighting::kTfIdf || params.weighting == Weighting::kBm25;
  std::ranges::fill(term_weight, 1.0F);
  for (int64_t term = 0; term < (has_idf ? terms.rows : 0); ++term) {
    const double share = static_cast<double>(documents.rows) / (1.0 + static_cast<double>(terms.degree(term)));
    term_weight[static_cast<size_t>(term)] = share > 1 ? static_cast<float>(Log(share)) : 0.0F;
  }
  std::ranges::fill(length, static_cast<float>(params.lambda));
  if (params.weighting == Weighting::kBm25) {
    std::vector<double> sums(static_cast<size_t>(documents.rows), 0.0);
    double total = 0;
    for (int64_t row = 0; row < documents.rows; ++row) {
      if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      for (const float value : documents.row_values(row)) sums[static_cast<size_t>(row)] += std::max(value, 0.0F);
      total += sums[static_cast<size_t>(row)];
    }
    const double mean = total > 0 ? total / static_cast<double>(documents.rows) : 1.0;
    for (size_t row = 0; row < sums.size(); ++row) {
      length[row] = static_cast<float>(params.k1 * (1.0 - params.b + params.b * sums[row] / mean));
    }
  }
  return cancel.IsSet() ? Cancelled() : Status();
}

Status ScaleDocuments(const CsrView& documents, const DocumentWeights& weights, RowRange range, CancelFlag cancel, std::span<float> scale) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("term_weight", weights.term_weight.size(), documents.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("length", weights.length.size(), documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", scale.size(), documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  const Weighting weighting = weights.params.weighting;
  if (weighting == Weighting::kBm25 || weighting == Weighting::kSaturation) {
    std::ranges::fill(scale.subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size())), 1.0F);
    return cancel.IsSet() ? Cancelled() : Status();
  }
  return DispatchWeighting(weighting,
                           [&]<Weighting kWeighting>() { return ScaleRows<kWeighting>(documents, weights, range, cancel, scale); });
}

}  // namespace couponcast
