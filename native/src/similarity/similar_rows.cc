#include "base/check.h"
#include "couponcast/similarity.h"
#include "similarity/check_weights.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/scatter_rows.h"
#include "similarity/tiled_rows.h"

namespace couponcast {

Status SimilarRows(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                   bool include_self, CancelFlag cancel, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts,
                   ProgressGauge progress) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", indices.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), range.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  if (TilingPays(documents, terms, range, k)) {
    bool applies = false;
    COUPONCAST_RETURN_IF_ERROR(
        SimilarRowsTiled(documents, terms, weights, range, k, include_self, cancel, progress, indices, scores, counts, &applies));
    if (applies) return {};
  }
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() -> Status {
    ScatterRows<kWeighting> rows(documents, terms, weights, k, include_self, cancel);
    const auto width = static_cast<size_t>(k);
    for (int64_t row = range.begin; row < range.end; ++row) {
      const auto at = static_cast<size_t>(row - range.begin);
      COUPONCAST_RETURN_IF_ERROR(rows.Row(row, indices.subspan(at * width, width), scores.subspan(at * width, width), &counts[at]));
    }
    return {};
  });
}

Result<int64_t> SimilarRowsPerCall(const CsrView& documents, const CsrView& terms, RowRange range, int64_t k, int64_t threads) {
  Status status = CheckRange(range, documents.rows);
  if (status.ok()) status = CheckTransposed(documents, terms);
  if (status.ok()) status = CheckCount("threads", threads);
  if (!status.ok()) return status;
  constexpr int64_t kPlainRows = 65'536;
  if (!TilingPays(documents, terms, range, k)) return kPlainRows;
  const int64_t passes = (range.size() + threads * kTiledQueries - 1) / (threads * kTiledQueries);
  return (range.size() + threads * passes - 1) / (threads * passes);
}

Status SimilarityWork(const CsrView& documents, const CsrView& terms, RowRange range, std::span<double> work) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("work", work.size(), range.size()));
  for (int64_t row = range.begin; row < range.end; ++row) {
    double madds = 0;
    for (const int32_t term : documents.row_indices(row)) madds += static_cast<double>(terms.degree(term));
    work[static_cast<size_t>(row - range.begin)] = madds;
  }
  return {};
}

}  // namespace couponcast
