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
Status ComputeScale(const CsrView& documents, float k1_plus_1, CancelFlag cancel, std::span<const float> term_weight,
                    std::span<const float> length, std::span<float> scale) {
  for (int64_t row = 0; row < documents.rows; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto indices = documents.row_indices(row);
    const auto values = documents.row_values(row);
    double sum = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
      auto weight = static_cast<double>(TermFrequency<kWeighting>(values[i], length[static_cast<size_t>(row)], k1_plus_1));
      if constexpr (kWeighting == Weighting::kTfIdf) weight *= static_cast<double>(term_weight[static_cast<size_t>(indices[i])]);
      sum += weight * weight;
    }
    scale[static_cast<size_t>(row)] = sum > 0 ? static_cast<float>(1.0 / std::sqrt(sum)) : 0.0F;
  }
  return {};
}

}  // namespace

Status ComputeDocumentWeights(const CsrView& documents, const CsrView& terms, const WeightingParams& params, CancelFlag cancel,
                              std::span<float> term_weight, std::span<float> length, std::span<float> scale) {
  if (!(params.k1 >= 0) || !(params.b >= 0) || !(params.b <= 1) || !(params.lambda > 0) || !std::isfinite(params.k1) ||
      !std::isfinite(params.lambda)) {
    return InvalidArgument("expected k1 >= 0, b in [0, 1] and lambda > 0");
  }
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("term_weight", term_weight.size(), documents.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("length", length.size(), documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scale", scale.size(), documents.rows));
  const bool has_idf = params.weighting == Weighting::kTfIdf || params.weighting == Weighting::kBm25;
  for (int64_t term = 0; term < terms.rows; ++term) {
    const double share = static_cast<double>(documents.rows) / (1.0 + static_cast<double>(terms.degree(term)));
    const double idf = share > 1 ? Log(share) : 0.0;
    term_weight[static_cast<size_t>(term)] = has_idf ? static_cast<float>(idf) : 1.0F;
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
  if (params.weighting == Weighting::kBm25 || params.weighting == Weighting::kSaturation) {
    std::ranges::fill(scale, 1.0F);
    return cancel.IsSet() ? Cancelled() : Status();
  }
  const auto k1_plus_1 = static_cast<float>(params.k1 + 1.0);
  return DispatchWeighting(params.weighting, [&]<Weighting kWeighting>() {
    return ComputeScale<kWeighting>(documents, k1_plus_1, cancel, term_weight, length, scale);
  });
}

}  // namespace couponcast
