// Means of sparse K-means, a shard of items a call.
#ifndef COUPONCAST_CLUSTER_SPARSE_KMEANS_SHARDS_H_
#define COUPONCAST_CLUSTER_SPARSE_KMEANS_SHARDS_H_

#include <variant>
#include <vector>

#include "couponcast/sparse_kmeans.h"

namespace couponcast {

// What the means are made from, as of SparseKmeansMeans.
struct SparseMeansInput {
  std::span<const float> factors;
  std::span<const float> weights;
  std::span<const int32_t> labels;
  std::span<const double> scale;
  std::span<const float> old;
};

Status CheckSparseMeans(const CsrView& transpose, const SparseMeansInput& from, const SparseKmeansKeptSums& kept,
                        const SparseKmeansCentroids& to);

inline SparseKmeansTotals TotalsOf(const SparseKmeansTotals& all, int64_t shard, int64_t k) {
  const auto of = [&](std::span<double> totals) { return totals.subspan(static_cast<size_t>(shard * k), static_cast<size_t>(k)); };
  return {of(all.norms), of(all.shifts), of(all.products)};
}

class SparseMeansShards {
 public:
  // moved: the kept sums are those of the labels already. All that is viewed must outlive this.
  SparseMeansShards(const CsrView& transpose, const SparseMeansInput& from, const SparseKmeansKeptSums& kept, bool moved,
                    const SparseKmeansCentroids& to);

  // The means of `items`, within a shard. totals [k] each, out.
  Status Means(RowRange items, CancelFlag cancel, const SparseKmeansTotals& totals);

  // Of the means so far, where shorts are wanted; else 0.
  float largest() const { return largest_; }

 private:
  template <typename Places>
  const double* SumsOf(const Places& places, int64_t item);

  const CsrView& transpose_;
  SparseMeansInput from_;
  SparseKmeansKeptSums kept_;
  bool moved_;
  SparseKmeansCentroids to_;
  int64_t lanes_;
  std::variant<std::vector<uint8_t>, std::vector<int32_t>> places_;
  std::vector<double> scale_;  // to whole vectors, as are all below
  std::vector<double> sums_;
  std::vector<double> norms_;
  std::vector<double> shifts_;
  std::vector<double> products_;
  float largest_ = 0;
};

}  // namespace couponcast

#endif  // COUPONCAST_CLUSTER_SPARSE_KMEANS_SHARDS_H_
