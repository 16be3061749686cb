// Approximate sums of some rows, the queries, with blocks of documents. A block's sums fit the first-level cache; terms that
// many documents hold (the head) are a dense product of small numbers; the others (the tail) are added from their postings, packed
// into 4 bytes that stay in the second-level cache. Levels and packing round the weights: Error and RelativeError bound that.
#ifndef COUPONCAST_SIMILARITY_TILE_SCORER_H_
#define COUPONCAST_SIMILARITY_TILE_SCORER_H_

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
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

inline constexpr int64_t kTileBlock = 4096;                                        // documents of a block; a place in it takes 16 bits
inline constexpr int64_t kTileScan = 256;                                          // sums that are looked at together
inline constexpr float kSmallestScore = std::numeric_limits<float>::denorm_min();  // above 0

template <Weighting kWeighting>
class TileScorer {
 public:
  TileScorer(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights)
      : documents_(documents),
        weights_(weights),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        head_(ChooseHead(terms, documents.rows)),
        tail_begin_(static_cast<size_t>(terms.rows) + 2),
        bytes_(static_cast<size_t>(head_.width * kTileBlock)),
        levels_(bytes_.size()),
        step_(kTileBlock),
        scale_(kTileBlock),
        columns_(kTileBlock),
        sums_(static_cast<size_t>(kTileQueries * kTileBlock)) {}

  // False once a weight was met that the bounds do not hold for: below 0, or so large that products overflow.
  bool applies() const { return applies_; }

  void SetQueries(RowRange rows) {
    const int64_t padded = (rows.size() + kTileQueries - 1) / kTileQueries * kTileQueries;
    const auto width = static_cast<size_t>(head_.width);
    queries_.assign(static_cast<size_t>(padded), {});
    query_levels_.assign(static_cast<size_t>(padded) * width, 0);
    query_bytes_.assign(query_levels_.size(), 0);
    queries_are_bytes_ = true;
    tail_terms_.clear();
    tail_terms_begin_.assign(1, 0);
    largest_ = {};
    std::vector<float> dense(width);
    for (int64_t q = 0; q < rows.size(); ++q) {
      const int64_t row = rows.begin + q;
      const auto row_terms = documents_.row_indices(row);
      const auto row_values = documents_.row_values(row);
      std::ranges::fill(dense, 0.0F);
      Levels levels;
      for (size_t i = 0; i < row_terms.size(); ++i) {
        const float weight = Weight(row, row_terms[i], row_values[i]);
        CheckWeight(weight);
        const int32_t slot = head_.slot[static_cast<size_t>(row_terms[i])];
        if (slot >= 0) {
          dense[static_cast<size_t>(slot)] = weight;
          levels.Include(weight);
          queries_are_bytes_ = queries_are_bytes_ && IsByte(weight, kMaxQueryByte);
        } else if (weight > 0) {
          tail_terms_.push_back({row_terms[i], weight});
        }
      }
      tail_terms_begin_.push_back(std::ssize(tail_terms_));
      Query& query = queries_[static_cast<size_t>(q)];
      query.step = levels.Step();
      const float scale = weights_.scale[static_cast<size_t>(row)];
      double error = 0;
      double norm = 0;
      for (size_t h = 0; h < width; ++h) {
        const int16_t level = Levels::Level(dense[h], query.step);
        query_levels_[static_cast<size_t>(q) * width + h] = level;
        query_bytes_[static_cast<size_t>(q) * width + h] = static_cast<int8_t>(level);
        const float known = static_cast<float>(level) * query.step;
        error += Square(dense[h] - known);
        norm += Square(known);
      }
      query.head_error = scale * static_cast<float>(std::sqrt(error));
      query.head_norm = scale * static_cast<float>(std::sqrt(norm));
      largest_.head_error = std::max(largest_.head_error, query.head_error);
      largest_.head_norm = std::max(largest_.head_norm, query.head_norm);
    }
  }

  // Goes on to the documents [first, last), at most kTileBlock.
  void SetBlock(int64_t first, int64_t last) {
    PackTail(first, last);
    BuildTile(first, last);
  }

  // Sums of the queries q0 to q0 + kTileQueries - 1, a multiple of kTileQueries, with the documents of the block, kTileBlock
  // numbers each; those behind the last document have the scale 0. Valid until the next call, may be written to.
  float* Sums(int64_t q0) {
    std::array<float, kTileQueries> query_step{};
    for (size_t i = 0; i < query_step.size(); ++i) query_step[i] = queries_[static_cast<size_t>(q0) + i].step;
    const int64_t at = q0 * head_.width;
    if (uses_bytes_) {
      MultiplyHeadTile(query_bytes_.data() + at, query_step.data(), bytes_.data(), step_.data(), head_.width, kTileBlock, sums_.data());
    } else {
      MultiplyWideHeadTile(query_levels_.data() + at, query_step.data(), levels_.data(), step_.data(), head_.width, kTileBlock,
                           sums_.data());
    }
    const int64_t end = std::min(q0 + kTileQueries, std::ssize(tail_terms_begin_) - 1);
    for (int64_t q = q0; q < end; ++q) {
      const int64_t begin = tail_terms_begin_[static_cast<size_t>(q)];
      AddPostings(tail_terms_.data() + begin, tail_terms_begin_[static_cast<size_t>(q) + 1] - begin, tail_begin_.data(), tail_.data(),
                  sums_.data() + (q - q0) * kTileBlock);
    }
    return sums_.data();
  }

  // [kTileBlock] of the block's documents.
  const float* scale() const { return scale_.data(); }

  // Largest absolute error of a score of query q / of any query with the block.
  float Error(int64_t q) const { return ErrorOf(queries_[static_cast<size_t>(q)]); }
  float LargestError() const { return ErrorOf(largest_); }

 private:
  struct Query {
    float step = 0;        // value of a level of its head
    float head_error = 0;  // scale * norm of the errors of the weights of its head
    float head_norm = 0;   // scale * norm of these weights as the bytes have them
  };
  // The head's part of a document of the block.
  struct Column {
    Levels levels;
    double error = 0;  // sum of the squared errors of the weights
    double norm = 0;   // sum of the squared weights
  };
  // A cell of the block in the head.
  struct HeadCell {
    int32_t slot;
    uint32_t place;
    float weight;
  };
  // |q c - q' c'| <= |q - q'| |c| + |q'| |c - c'| for vectors over the head, by Cauchy and Schwarz; and what rounding the
  // norms may have lost.
  float ErrorOf(const Query& query) const { return 1.0001F * (query.head_error * block_norm_ + query.head_norm * block_error_); }
  static double Square(float x) { return static_cast<double>(x) * static_cast<double>(x); }  // of any float, without underflow

  float Weight(int64_t document, int64_t term, float value) const {
    return CellWeight<kWeighting>(value, weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                  weights_.term_weight[static_cast<size_t>(term)]);
  }
  void CheckWeight(float weight) { applies_ = applies_ && weight >= 0 && weight <= kLargestWeight; }

  // Sorts the block's cells of the tail by term. Counting: a block has fewer cells than there are terms times blocks.
  void PackTail(int64_t first, int64_t last) {
    std::ranges::fill(tail_begin_, 0U);
    head_cells_.clear();
    const auto cells_begin = static_cast<size_t>(documents_.indptr[static_cast<size_t>(first)]);
    const auto cells_end = static_cast<size_t>(documents_.indptr[static_cast<size_t>(last)]);
    // tail_begin_[t + 2] counts term t; summed up, tail_begin_[t + 1] is where it begins and, once filled, where it ends.
    for (size_t cell = cells_begin; cell < cells_end; ++cell) ++tail_begin_[static_cast<size_t>(documents_.indices[cell]) + 2];
    for (const int32_t term : head_.terms) tail_begin_[static_cast<size_t>(term) + 2] = 0;
    std::partial_sum(tail_begin_.begin(), tail_begin_.end(), tail_begin_.begin());
    tail_.resize(tail_begin_.back());
    for (int64_t document = first; document < last; ++document) {
      const auto row_terms = documents_.row_indices(document);
      const auto row_values = documents_.row_values(document);
      const auto place = static_cast<uint32_t>(document - first);
      for (size_t i = 0; i < row_terms.size(); ++i) {
        const auto term = static_cast<size_t>(row_terms[i]);
        const float weight = Weight(document, row_terms[i], row_values[i]);
        CheckWeight(weight);
        if (head_.slot[term] < 0) {
          tail_[tail_begin_[term + 1]++] = PackPosting(weight, place);
        } else {
          head_cells_.push_back({head_.slot[term], place, weight});
        }
      }
    }
  }

  void BuildTile(int64_t first, int64_t last) {
    std::ranges::fill(columns_, Column{});
    std::ranges::fill(scale_, 0.0F);  // behind the last document nothing is above a threshold
    const auto size = static_cast<size_t>(last - first);
    std::ranges::copy(weights_.scale.subspan(static_cast<size_t>(first), size), scale_.begin());
    // Bytes are twice as fast, but too coarse for other than small whole numbers: the error would keep too many candidates.
    uses_bytes_ = queries_are_bytes_;
    for (const HeadCell& cell : head_cells_) {
      columns_[cell.place].levels.Include(cell.weight);
      uses_bytes_ = uses_bytes_ && IsByte(cell.weight, kMaxTileByte);
    }
    for (size_t c = 0; c < columns_.size(); ++c) step_[c] = columns_[c].levels.Step();
    if (uses_bytes_) {
      std::ranges::fill(bytes_, uint8_t{0});
    } else {
      std::ranges::fill(levels_, int16_t{0});
    }
    for (const auto& [head_slot, c, weight] : head_cells_) {
      const auto slot = static_cast<size_t>(head_slot);
      const int16_t level = Levels::Level(weight, step_[c]);
      if (uses_bytes_) {
        bytes_[(slot / 4 * static_cast<size_t>(kTileBlock) + c) * 4 + slot % 4] = static_cast<uint8_t>(level);
      } else {
        levels_[(slot / 2 * static_cast<size_t>(kTileBlock) + c) * 2 + slot % 2] = level;
      }
      const float known = static_cast<float>(level) * step_[c];
      columns_[c].error += Square(weight - known);
      columns_[c].norm += Square(weight);
    }
    block_error_ = 0;
    block_norm_ = 0;
    for (size_t c = 0; c < size; ++c) {
      block_error_ = std::max(block_error_, scale_[c] * static_cast<float>(std::sqrt(columns_[c].error)));
      block_norm_ = std::max(block_norm_, scale_[c] * static_cast<float>(std::sqrt(columns_[c].norm)));
    }
  }

  const CsrView& documents_;
  const DocumentWeights& weights_;
  const float k1_plus_1_;
  const Head head_;
  bool applies_ = true;

  std::vector<Query> queries_;
  Query largest_;
  std::vector<int16_t> query_levels_;  // [queries][head width]
  std::vector<int8_t> query_bytes_;    // [queries][head width], where they fit
  bool queries_are_bytes_ = false;
  std::vector<TailTerm> tail_terms_;
  std::vector<int64_t> tail_terms_begin_;  // [queries + 1]

  // The block.
  std::vector<uint32_t> tail_;        // postings of the tail
  std::vector<uint32_t> tail_begin_;  // [terms + 2]
  std::vector<HeadCell> head_cells_;
  bool uses_bytes_ = false;
  hwy::AlignedVector<uint8_t> bytes_;   // [head width / 4][kTileBlock][4]
  hwy::AlignedVector<int16_t> levels_;  // [head width / 2][kTileBlock][2]
  hwy::AlignedVector<float> step_;      // [kTileBlock] value of a level
  hwy::AlignedVector<float> scale_;     // [kTileBlock]
  std::vector<Column> columns_;         // [kTileBlock]
  float block_error_ = 0;               // largest scale * norm of the errors
  float block_norm_ = 0;                // largest scale * norm

  hwy::AlignedVector<float> sums_;  // [kTileQueries][kTileBlock]
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_TILE_SCORER_H_
