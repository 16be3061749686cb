// Approximate sums of some rows, the queries, with blocks of documents. A block's sums are 16 bits and fit the first-level cache;
// the rows of terms that many documents hold (the head) are added whole; the others (the tail) are added from their postings,
// packed into 4 bytes that stay in the second-level cache. Both are as fast for arbitrary weights as for whole ones.
//
// Weights are levels of 16 bits: of w scale / (largest norm), of the queries and of the block, so that a sum of products of levels
// cannot exceed 16 bits (Cauchy and Schwarz). Each product is rounded down; Centre and Error bound what all this rounds off.
#ifndef COUPONCAST_SIMILARITY_TILE_SCORER_H_
#define COUPONCAST_SIMILARITY_TILE_SCORER_H_

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/weighting.h"
#include "similarity/head.h"
#include "similarity/head_tile.h"
#include "similarity/pair_score.h"
#include "similarity/tail_postings.h"

namespace couponcast {

inline constexpr int64_t kTileBlock = 4096;              // documents of a block; a place in it takes 16 bits
inline constexpr int64_t kTileStride = kTileBlock + 64;  // of the sums of two queries, not in the same lines of the cache
inline constexpr int64_t kTileScan = 1024;               // sums that are looked at together
inline constexpr uint16_t kUnreachableLimit = 0xFFFFU;   // above every sum

template <Weighting kWeighting>
class TileScorer {
 public:
  TileScorer(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights)
      : documents_(documents),
        weights_(weights),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        // What rounding to levels may add to a norm is left free.
        largest_level_(65'530 - 0.52 * std::sqrt(static_cast<double>(documents.cols))),
        head_(ChooseHead(terms, documents.rows)),
        tail_begin_(static_cast<size_t>(terms.rows) + 2),
        tile_(head_.terms.size() * static_cast<size_t>(kTileBlock)),
        sums_(static_cast<size_t>(kTileQueries * kTileStride)) {}

  // False once something was met that the bounds do not hold for: a weight below 0, one so large that products overflow, or
  // so small that they underflow.
  bool applies() const { return applies_; }

  void SetQueries(RowRange rows) {
    query_levels_ = LevelsOf(rows);
    head_terms_.clear();
    tail_terms_.clear();
    head_begin_.assign(1, 0);
    tail_terms_begin_.assign(1, 0);
    if (!applies_) return;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const auto row_terms = documents_.row_indices(row);
      const auto row_values = documents_.row_values(row);
      for (size_t i = 0; i < row_terms.size(); ++i) {
        const uint16_t level = Level(Weight(row, row_terms[i], row_values[i]), query_levels_.factor);
        const int32_t slot = head_.slot[static_cast<size_t>(row_terms[i])];
        if (slot >= 0) {
          head_terms_.push_back({static_cast<uint32_t>(slot), level});
        } else if (level > 0) {
          tail_terms_.push_back({~slot, level});
        }
      }
      head_begin_.push_back(std::ssize(head_terms_));
      tail_terms_begin_.push_back(std::ssize(tail_terms_));
    }
  }

  // Goes on to the documents [first, last), at most kTileBlock. There are no sums once this does not apply.
  void SetBlock(int64_t first, int64_t last) {
    const Levels levels = LevelsOf({first, last});
    if (!applies_) return;
    const double norms = query_levels_.norm * levels.norm;
    unit_ = static_cast<float>(norms * 65'536 / (largest_level_ * largest_level_));
    // Below this, what products lose to underflow matters.
    constexpr double kSmallestUnit = 1e-34;
    const double least = kSmallestUnit * query_levels_.largest_scale * levels.largest_scale;
    applies_ = norms == 0 || (static_cast<double>(unit_) >= least && std::isfinite(unit_));
    if (!applies_) return;
    Pack(first, last, levels.factor);
  }

  // Sums of the queries q0 to q0 + kTileQueries - 1 with the documents of the block, kTileBlock numbers every kTileStride, 0
  // behind the last document. Valid until the next call, may be written to.
  uint16_t* Sums(int64_t q0) {
    const int64_t end = std::min(q0 + kTileQueries, std::ssize(tail_terms_begin_) - 1);
    const HeadTile tile{tile_.data(), std::ssize(head_.terms), kTileBlock};
    AddHeadRows(head_terms_.data(), head_begin_.data() + q0, end - q0, tile, kTileStride, sums_.data());
    for (int64_t q = q0; q < end; ++q) {
      const int64_t begin = tail_terms_begin_[static_cast<size_t>(q)];
      AddPostings(tail_terms_.data() + begin, tail_terms_begin_[static_cast<size_t>(q) + 1] - begin, tail_begin_.data(), tail_.data(),
                  sums_.data() + (q - q0) * kTileStride);
    }
    return sums_.data();
  }

  // The score of a document of `terms` terms with another one, as a sum says it, is within Error of Centre: n products are
  // rounded down by less than 1, and half a level that a weight lost counts with the other's, whose levels sum up to at most
  // 65536 sqrt(n). The rest is rounding in float32.
  float Centre(uint16_t sum, int64_t terms) const { return (static_cast<float>(sum) + 0.5F * static_cast<float>(terms)) * unit_; }
  float Error(int64_t terms) const {
    const auto n = static_cast<float>(terms);
    return (0.51F * n + 1.03F * std::sqrt(n) + 3) * unit_;
  }
  // The least sum above 0 whose Centre may reach `score`.
  uint16_t Limit(float score, int64_t terms) const {
    if (!(unit_ > 0)) return kUnreachableLimit;
    const double sum = static_cast<double>(score) / static_cast<double>(unit_) - 0.5 * static_cast<double>(terms);
    return static_cast<uint16_t>(std::clamp(std::floor(sum), 1.0, static_cast<double>(kUnreachableLimit)));
  }

 private:
  // How weights become levels.
  struct Levels {
    double norm = 0;  // largest of the documents, scaled
    double largest_scale = 0;
    float factor = 0;  // of a scaled weight
  };

  // w_dt scale_d.
  float Weight(int64_t document, int64_t term, float value) const {
    return CellWeight<kWeighting>(value, weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                  weights_.term_weight[static_cast<size_t>(term)]) *
           weights_.scale[static_cast<size_t>(document)];
  }
  static uint16_t Level(float weight, float factor) {
    const float above = weight * factor + 0.5F;  // what is cut off rounds it: std::lround is a call, a cell at a time
    return static_cast<uint16_t>(above);
  }

  Levels LevelsOf(RowRange range) {
    Levels levels;
    double square = 0;
    for (int64_t document = range.begin; document < range.end; ++document) {
      const auto row_terms = documents_.row_indices(document);
      const auto row_values = documents_.row_values(document);
      const float scale = weights_.scale[static_cast<size_t>(document)];
      double sum = 0;
      for (size_t i = 0; i < row_terms.size(); ++i) {
        const float weight = CellWeight<kWeighting>(row_values[i], weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                                    weights_.term_weight[static_cast<size_t>(row_terms[i])]);
        applies_ = applies_ && weight >= 0 && weight <= kLargestWeight;
        const double scaled = static_cast<double>(weight) * static_cast<double>(scale);
        sum += scaled * scaled;
      }
      square = std::max(square, sum);
      levels.largest_scale = std::max(levels.largest_scale, static_cast<double>(scale));
    }
    levels.norm = std::sqrt(square);
    if (levels.norm > 0) levels.factor = static_cast<float>(largest_level_ / levels.norm);
    applies_ = applies_ && std::isfinite(levels.norm) && std::isfinite(levels.factor);
    return levels;
  }

  // Sorts the block's cells of the tail by term, and puts those of the head into the tile. Counting: a block has fewer cells
  // than there are terms times blocks.
  void Pack(int64_t first, int64_t last, float factor) {
    std::ranges::fill(tail_begin_, 0U);
    std::ranges::fill(tile_, uint16_t{0});
    const auto cells_begin = static_cast<size_t>(documents_.indptr[static_cast<size_t>(first)]);
    const auto cells_end = static_cast<size_t>(documents_.indptr[static_cast<size_t>(last)]);
    // tail_begin_[t + 2] counts term t of the tail; summed up, tail_begin_[t + 1] is where it begins and, once filled, where it ends.
    for (size_t cell = cells_begin; cell < cells_end; ++cell) {
      const int32_t slot = head_.slot[static_cast<size_t>(documents_.indices[cell])];
      if (slot < 0) ++tail_begin_[static_cast<size_t>(~slot) + 2];
    }
    std::partial_sum(tail_begin_.begin(), tail_begin_.end(), tail_begin_.begin());
    tail_.resize(std::max(tail_begin_.back(), 1U));  // its address is counted from
    for (int64_t document = first; document < last; ++document) {
      const auto row_terms = documents_.row_indices(document);
      const auto row_values = documents_.row_values(document);
      const auto place = static_cast<size_t>(document - first);
      for (size_t i = 0; i < row_terms.size(); ++i) {
        const uint16_t level = Level(Weight(document, row_terms[i], row_values[i]), factor);
        const int32_t slot = head_.slot[static_cast<size_t>(row_terms[i])];
        if (slot < 0) {
          tail_[tail_begin_[static_cast<size_t>(~slot) + 1]++] = PackPosting(level, static_cast<uint32_t>(place));
        } else {
          constexpr auto kStep = static_cast<size_t>(kTileStep);
          tile_[(place / kStep * head_.terms.size() + static_cast<size_t>(slot)) * kStep + place % kStep] = level;
        }
      }
    }
  }

  const CsrView& documents_;
  const DocumentWeights& weights_;
  const float k1_plus_1_;
  const double largest_level_;
  const Head head_;
  bool applies_ = true;

  Levels query_levels_;
  std::vector<HeadTerm> head_terms_;
  std::vector<int64_t> head_begin_;  // [queries + 1]
  std::vector<TailTerm> tail_terms_;
  std::vector<int64_t> tail_terms_begin_;  // [queries + 1]

  // The block.
  float unit_ = 0;                     // score of a sum of 1
  std::vector<uint32_t> tail_;         // postings of the tail
  std::vector<uint32_t> tail_begin_;   // [terms + 2]
  hwy::AlignedVector<uint16_t> tile_;  // as HeadTile has it

  hwy::AlignedVector<uint16_t> sums_;  // [kTileQueries][kTileStride]
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_TILE_SCORER_H_
