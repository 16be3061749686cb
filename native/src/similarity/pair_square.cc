// Sums of the first ranks with each other and, of the very first, with all others: their cells are so many that adding whole rows,
// zeros included, is faster than lists.
#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "similarity/check_pairs.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/pair_rows.h"
#include "similarity/pair_score.h"

namespace couponcast {
namespace {

constexpr int64_t kSquareTerms = 1024;   // of a block, whose rows of a tile stay in the second-level cache
constexpr int64_t kStripTerms = 16'384;  // more, since most documents have few cells
constexpr int64_t kMaxRanks = 2048;
constexpr int64_t kStripBytes = 8;  // of the strip for each cell of the matrix, at most
constexpr size_t kAhead = 6;        // ranks whose cells are fetched early

// Sums of tiles of ranks, block by block of the terms, so that every sum has their order.
template <Weighting kWeighting>
class TileSummer {
 public:
  // The tiles begin at the ranks `firsts`, in ascending order. Sums lie at PairSumAt(ranks, ., .).
  TileSummer(const CsrView& documents, const DocumentWeights& weights, std::span<const int32_t> order, int64_t block_terms,
             std::vector<int64_t> firsts, int64_t ranks, std::span<float> sums)
      : documents_(documents),
        weights_(weights),
        block_terms_(block_terms),
        firsts_(std::move(firsts)),
        ranks_(ranks),
        sums_(sums),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        tile_(static_cast<size_t>(block_terms * kPairTile)) {
    for (const int64_t first : firsts_) {
      places_.push_back(document_.size());
      for (const int32_t document :
           order.subspan(static_cast<size_t>(first), static_cast<size_t>(std::min(kPairTile, std::ssize(order) - first)))) {
        document_.push_back(document);
        next_.push_back(documents.indptr[static_cast<size_t>(document)]);
      }
    }
    places_.push_back(document_.size());
    begin_.resize(document_.size() + 1);
  }

  // The sums of every `step`-th of the first `columns` tiles with itself and all behind it, but for those before the tile `rows`.
  Status Run(size_t columns, size_t step, size_t rows, CancelFlag cancel) {
    for (int64_t block = 0; block == 0 || block < documents_.cols; block += block_terms_) {
      Pack(block);
      for (size_t column = 0; column < columns; column += step) {
        if (cancel.IsSet()) return Cancelled();
        AddTile(column, std::max(column, rows), block == 0);
      }
    }
    return {};
  }

 private:
  // The cells of a block. They lie in as many places as there are ranks.
  void Pack(int64_t block) {
    size_t used = 0;
    for (size_t at = 0; at < next_.size(); ++at) {
      if (at + kAhead < next_.size()) Fetch(static_cast<size_t>(next_[at + kAhead]));
      begin_[at] = static_cast<int64_t>(used);
      const auto document = static_cast<size_t>(document_[at]);
      const float length = weights_.length[document];
      auto cell = static_cast<size_t>(next_[at]);
      const size_t end = std::min(static_cast<size_t>(documents_.indptr[document + 1]), cell + static_cast<size_t>(block_terms_));
      Reserve(used + end - cell);
      for (; cell < end && documents_.indices[cell] - block < block_terms_; ++cell, ++used) {
        const int32_t term = documents_.indices[cell];
        row_[used] = static_cast<uint16_t>(term - block);
        weight_[used] =
            CellWeight<kWeighting>(documents_.values[cell], length, k1_plus_1_, weights_.term_weight[static_cast<size_t>(term)]);
      }
      next_[at] = static_cast<int64_t>(cell);
    }
    begin_.back() = static_cast<int64_t>(used);
  }

  // Room for `cells` cells and those that are fetched ahead of the last.
  void Reserve(size_t cells) {
    if (cells + kPairTileAhead <= row_.size()) return;
    row_.resize(2 * (cells + kPairTileAhead));
    weight_.resize(row_.size());
  }

  void Fetch(size_t cell) const {
    for (size_t at = cell; at < cell + 64; at += 16) {
      __builtin_prefetch(documents_.indices.data() + at);
      __builtin_prefetch(documents_.values.data() + at);
    }
  }

  // The columns of a tile, of the tiles from `rows` on.
  void AddTile(size_t column, size_t rows, bool first) {
    ForEachCell(column, [&](size_t cell, size_t r) { tile_[Place(cell, r)] = weight_[cell]; });
    for (size_t tile = rows; tile < firsts_.size(); ++tile) {
      const PairTileCells cells{row_.data(), weight_.data(), begin_.data() + places_[tile]};
      AddPairTile(tile_.data(), cells, static_cast<int64_t>(places_[tile + 1] - places_[tile]), first,
                  sums_.data() + PairSumAt(ranks_, firsts_[column], firsts_[tile]));
    }
    ForEachCell(column, [&](size_t cell, size_t r) { tile_[Place(cell, r)] = 0; });
  }

  template <typename Visit>
  void ForEachCell(size_t tile, const Visit& visit) const {
    for (size_t at = places_[tile]; at < places_[tile + 1]; ++at) {
      for (auto cell = static_cast<size_t>(begin_[at]); cell < static_cast<size_t>(begin_[at + 1]); ++cell) visit(cell, at - places_[tile]);
    }
  }

  size_t Place(size_t cell, size_t r) const { return static_cast<size_t>(kPairTile) * row_[cell] + r; }

  const CsrView& documents_;
  const DocumentWeights& weights_;
  const int64_t block_terms_;
  const std::vector<int64_t> firsts_;
  const int64_t ranks_;
  const std::span<float> sums_;
  const float k1_plus_1_;
  std::vector<size_t> places_;      // by tile: of its first document; and behind the last
  std::vector<int32_t> document_;   // by place
  std::vector<int64_t> next_;       // by place: the document's first cell of later blocks
  std::vector<int64_t> begin_;      // by place: its cells of this block; and behind the last
  std::vector<uint16_t> row_;       // of the tile, by cell
  std::vector<float> weight_;       // by cell
  hwy::AlignedVector<float> tile_;  // [block_terms][kPairTile] zeros between calls
};

// How many of the first `most` ranks are in tiles that all hold at least `cells` cells of the average term.
int64_t DenseRanks(const CsrView& documents, std::span<const int32_t> order, int64_t most, double cells) {
  int64_t ranks = 0;
  for (; ranks + kPairTile <= std::min(most, std::ssize(order)); ranks += kPairTile) {
    const int64_t least = documents.degree(order[static_cast<size_t>(ranks + kPairTile - 1)]);
    if (static_cast<double>(least * kPairTile) < cells * static_cast<double>(documents.cols)) break;
  }
  return ranks;
}

// What both sums are given alike.
Status CheckTiles(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<const int32_t> order,
                  int64_t part, int64_t parts) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  COUPONCAST_RETURN_IF_ERROR(CheckOrder(order, documents.rows));
  if (part >= 0 && part < parts) return {};
  return InvalidArgument("expected a part of " + std::to_string(parts) + " but received " + std::to_string(part));
}

}  // namespace

int64_t SquareRanks(const CsrView& documents, std::span<const int32_t> order, int32_t largest) {
  return largest > 0 ? 0 : DenseRanks(documents, order, kMaxRanks, 0.5);
}

Status SumPairSquare(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<const int32_t> order,
                     int64_t part, int64_t parts, CancelFlag cancel, int64_t ranks, std::span<float> square) {
  COUPONCAST_RETURN_IF_ERROR(CheckTiles(documents, terms, weights, order, part, parts));
  COUPONCAST_RETURN_IF_ERROR(CheckSquare(documents, ranks, square));
  std::vector<int64_t> tiles;
  for (int64_t first = part * kPairTile; first < ranks; first += kPairTile) tiles.push_back(first);
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    const size_t columns = tiles.size();
    return TileSummer<kWeighting>(documents, weights, order, kSquareTerms, tiles, ranks, square)
        .Run(columns, static_cast<size_t>(parts), 0, cancel);
  });
}

int64_t StripRanks(const CsrView& documents, std::span<const int32_t> order, int64_t square_ranks) {
  const int64_t most = documents.nnz() * kStripBytes / static_cast<int64_t>(sizeof(float)) / std::max<int64_t>(documents.rows, 1);
  return DenseRanks(documents, order, std::min(most, square_ranks), 2);
}

Status SumPairStrip(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<const int32_t> order,
                    int64_t part, int64_t parts, CancelFlag cancel, int64_t square_ranks, int64_t ranks, std::span<float> strip) {
  COUPONCAST_RETURN_IF_ERROR(CheckTiles(documents, terms, weights, order, part, parts));
  COUPONCAST_RETURN_IF_ERROR(CheckStrip(documents, square_ranks, ranks, strip));
  std::vector<int64_t> tiles;
  for (int64_t first = 0; first < ranks; first += kPairTile) tiles.push_back(first);
  for (int64_t first = square_ranks + part * kPairTile; first < documents.rows; first += parts * kPairTile) tiles.push_back(first);
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    const auto columns = static_cast<size_t>(ranks / kPairTile);
    return TileSummer<kWeighting>(documents, weights, order, kStripTerms, tiles, documents.rows, strip).Run(columns, 1, columns, cancel);
  });
}

}  // namespace couponcast
