#include "couponcast/sparse_kmeans_step.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/shared_parts.h"
#include "cluster/sparse_kmeans_check.h"
#include "cluster/sparse_kmeans_moves.h"
#include "cluster/sparse_kmeans_shards.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPart = 1024;

// Range `part` of [0, size) in `parts`.
RowRange EvenRange(int64_t size, int64_t part, int64_t parts) { return {part * size / parts, (part + 1) * size / parts}; }

}  // namespace

Status SparseKmeansStep(const CsrView& matrix, const CsrView& transpose, std::span<const float> factors, std::span<const double> squares,
                        std::span<const float> centroids, std::span<const double> norms, const SparseKmeansCodes& codes, double scale,
                        CancelFlag cancel, const SparseKmeansShared& shared, std::span<int32_t> labels, const SparseKmeansKeptSums& kept,
                        const SparseKmeansCentroids& to, const SparseKmeansTotals& totals, float* largest) {
  const auto k = static_cast<int64_t>(norms.size());
  if (k < 1) return InvalidArgument("expected k >= 1 centroids");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counters", shared.counters.size(), kSparseKmeansStepCounters));
  const int64_t calls = static_cast<int64_t>(shared.counts.size()) / k;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", shared.counts.size(), calls * k));
  if (shared.call < 0 || shared.call >= calls) return OutOfRange("expected a call of those that counts are for");
  const int64_t num_shards = SparseKmeansShards(transpose.rows);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms of the means", totals.norms.size(), num_shards * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("shifts", totals.shifts.size(), num_shards * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("products", totals.products.size(), num_shards * k));
  std::vector<double> means_scale(static_cast<size_t>(k), 0.0);
  const SparseMeansInput from{factors, {}, labels, means_scale, centroids};
  COUPONCAST_RETURN_IF_ERROR(CheckSparseMeans(transpose, from, kept, to));
  const auto parts_of = [&](size_t step, int64_t parts) {
    return SharedParts(shared.counters.subspan(step * SharedParts::kCounters, SharedParts::kCounters), parts);
  };

  const int64_t row_parts = (matrix.rows + kRowsPerPart - 1) / kRowsPerPart;
  const auto own = shared.counts.subspan(static_cast<size_t>(shared.call * k), static_cast<size_t>(k));
  std::vector<int64_t> counts(own.size());
  const SharedParts rows = parts_of(0, row_parts);
  const auto label = [&](int64_t part) -> Status {
    COUPONCAST_RETURN_IF_ERROR(SparseKmeansLabels(matrix, factors, squares, centroids, norms, codes, to.shorts, scale,
                                                  EvenRange(matrix.rows, part, row_parts), cancel, labels, counts));
    std::ranges::transform(counts, own, own.begin(), std::plus<>());
    return {};
  };
  COUPONCAST_RETURN_IF_ERROR(rows.ForEach(label));
  COUPONCAST_RETURN_IF_ERROR(rows.Wait(cancel));

  for (size_t c = 0; c < means_scale.size(); ++c) {
    int64_t count = 0;
    for (size_t at = c; at < shared.counts.size(); at += means_scale.size()) count += shared.counts[at];
    means_scale[c] = count == 0 ? 0.0 : 1.0 / static_cast<double>(count);
  }
  const bool moved = !kept.before.empty() && FewMoves(*kept.matrix, kept.before, labels);
  if (moved) {
    // As few parts as there are calls: each looks for its items in every row that moves.
    const SharedParts moves = parts_of(1, calls);
    COUPONCAST_RETURN_IF_ERROR(moves.ForEach([&](int64_t part) {
      return MoveSums(kept, factors, labels, SparseKmeansLanes(k), EvenRange(transpose.rows, part, calls), cancel);
    }));
    COUPONCAST_RETURN_IF_ERROR(moves.Wait(cancel));
  }
  SparseMeansShards means(transpose, from, kept, moved, to);
  COUPONCAST_RETURN_IF_ERROR(parts_of(2, num_shards).ForEach([&](int64_t shard) {
    const int64_t begin = shard * kSparseKmeansShard;
    return means.Means({begin, std::min(begin + kSparseKmeansShard, transpose.rows)}, cancel, TotalsOf(totals, shard, k));
  }));
  *largest = means.largest();
  return {};
}

}  // namespace couponcast
