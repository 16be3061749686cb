// Sums of the first ranks with each other: their cells are so many that adding whole rows, zeros included, is faster than lists.
#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <string>
#include <vector>

#include "similarity/check_pairs.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/pair_rows.h"
#include "similarity/pair_score.h"

namespace couponcast {
namespace {

constexpr int64_t kBlockTerms = 1024;  // whose rows of a tile stay in the second-level cache
constexpr int64_t kMaxRanks = 2048;
constexpr size_t kAhead = 6;  // ranks whose cells are fetched early

// Block by block of the terms, so that every sum has their order.
template <Weighting kWeighting>
class SquareSummer {
 public:
  SquareSummer(const CsrView& documents, const DocumentWeights& weights, std::span<const int32_t> order, int64_t ranks,
               std::span<float> square)
      : documents_(documents),
        weights_(weights),
        order_(order),
        ranks_(ranks),
        square_(square),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        next_(static_cast<size_t>(ranks)),
        begin_(static_cast<size_t>(ranks) + 1),
        tile_(static_cast<size_t>(kBlockTerms * kPairTile)) {
    for (size_t rank = 0; rank < next_.size(); ++rank) next_[rank] = documents.indptr[static_cast<size_t>(order[rank])];
  }

  Status Run(int64_t part, int64_t parts, CancelFlag cancel) {
    for (int64_t block = 0; block < documents_.cols; block += kBlockTerms) {
      Pack(part * kPairTile, block);
      for (int64_t tile = part * kPairTile; tile < ranks_; tile += parts * kPairTile) {
        if (cancel.IsSet()) return Cancelled();
        AddTile(tile);
      }
    }
    return {};
  }

 private:
  // The cells that the ranks from `first` on have in a block. They lie in as many places as there are ranks.
  void Pack(int64_t first, int64_t block) {
    row_.clear();
    weight_.clear();
    for (auto rank = static_cast<size_t>(first); rank < next_.size(); ++rank) {
      if (rank + kAhead < next_.size()) Fetch(static_cast<size_t>(next_[rank + kAhead]));
      begin_[rank] = std::ssize(row_);
      const auto document = static_cast<size_t>(order_[rank]);
      const int64_t end = documents_.indptr[document + 1];
      for (int64_t& next = next_[rank]; next < end; ++next) {
        const auto cell = static_cast<size_t>(next);
        const int64_t row = documents_.indices[cell] - block;
        if (row >= kBlockTerms) break;
        row_.push_back(static_cast<uint16_t>(row));
        weight_.push_back(CellWeight<kWeighting>(documents_.values[cell], weights_.length[document], k1_plus_1_,
                                                 weights_.term_weight[static_cast<size_t>(documents_.indices[cell])]));
      }
    }
    begin_.back() = std::ssize(row_);
  }

  void Fetch(size_t cell) const {
    for (size_t at = cell; at < cell + 64; at += 16) {
      __builtin_prefetch(documents_.indices.data() + at);
      __builtin_prefetch(documents_.values.data() + at);
    }
  }

  // The columns from `first` on, of all ranks that are not lower.
  void AddTile(int64_t first) {
    for (int64_t r = 0; r < kPairTile; ++r) {
      ForEachCell(first + r, [&](size_t cell) { tile_[Place(cell, r)] = weight_[cell]; });
    }
    const PairTileCells cells{row_.data(), weight_.data(), begin_.data() + first};
    AddPairTile(tile_.data(), cells, ranks_ - first, square_.data() + PairSquareAt(ranks_, first, first));
    for (int64_t r = 0; r < kPairTile; ++r) {
      ForEachCell(first + r, [&](size_t cell) { tile_[Place(cell, r)] = 0; });
    }
  }

  template <typename Visit>
  void ForEachCell(int64_t rank, const Visit& visit) const {
    const auto at = static_cast<size_t>(rank);
    for (auto cell = static_cast<size_t>(begin_[at]); cell < static_cast<size_t>(begin_[at + 1]); ++cell) visit(cell);
  }

  size_t Place(size_t cell, int64_t r) const { return static_cast<size_t>(kPairTile * row_[cell] + r); }

  const CsrView& documents_;
  const DocumentWeights& weights_;
  const std::span<const int32_t> order_;
  const int64_t ranks_;
  const std::span<float> square_;
  const float k1_plus_1_;
  std::vector<int64_t> next_;       // by rank: its first cell of later blocks
  std::vector<int64_t> begin_;      // by rank: its cells of this block; [ranks + 1]
  std::vector<uint16_t> row_;       // of the tile, by cell
  std::vector<float> weight_;       // by cell
  hwy::AlignedVector<float> tile_;  // [kBlockTerms][kPairTile] zeros between calls
};

}  // namespace

int64_t SquareRanks(const CsrView& documents, std::span<const int32_t> order, int32_t largest) {
  if (largest > 0) return 0;
  int64_t ranks = 0;
  for (; ranks + kPairTile <= std::min(kMaxRanks, std::ssize(order)); ranks += kPairTile) {
    const int64_t least = documents.degree(order[static_cast<size_t>(ranks + kPairTile - 1)]);
    if (least * 2 * kPairTile < documents.cols) break;
  }
  return ranks;
}

Status SumPairSquare(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<const int32_t> order,
                     int64_t part, int64_t parts, CancelFlag cancel, int64_t ranks, std::span<float> square) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  COUPONCAST_RETURN_IF_ERROR(CheckOrder(order, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSquare(documents, ranks, square));
  if (part < 0 || part >= parts) {
    return InvalidArgument("expected a part of " + std::to_string(parts) + " but received " + std::to_string(part));
  }
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    return SquareSummer<kWeighting>(documents, weights, order, ranks, square).Run(part, parts, cancel);
  });
}

}  // namespace couponcast
