// Approximate sums of some rows, the queries, with blocks of documents. A block's sums fit the first-level cache; terms that
// many documents hold (the head) are a dense product of bytes; the others (the tail) are added from their postings, packed
// into 4 bytes that stay in the second-level cache. Bytes and packing round the weights: Error and RelativeError bound that.
#ifndef COUPONCAST_SIMILARITY_TILE_SCORER_H_
#define COUPONCAST_SIMILARITY_TILE_SCORER_H_

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/weighting.h"
#include "similarity/head.h"
#include "similarity/head_tile.h"
#include "similarity/pair_score.h"

namespace couponcast {

inline constexpr int64_t kTileBlock = 4096;                                        // documents of a block; a place in it takes 16 bits
inline constexpr int64_t kTileScan = 256;                                          // sums that are looked at together
inline constexpr float kSmallestScore = std::numeric_limits<float>::denorm_min();  // above 0

template <Weighting kWeighting>
class TileScorer {
 public:
  TileScorer(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        head_(ChooseHead(terms, documents.rows)),
        posting_(static_cast<size_t>(terms.rows)),
        tail_begin_(static_cast<size_t>(terms.rows) + 1),
        levels_(static_cast<size_t>(head_.width * kTileBlock)),
        step_(kTileBlock),
        scale_(kTileBlock),
        columns_(kTileBlock),
        sums_(static_cast<size_t>(kTileQueries * kTileBlock)) {}

  // False once a weight was met that the bounds do not hold for: below 0, or so large that products overflow.
  bool applies() const { return applies_; }

  void SetQueries(RowRange rows) {
    queries_begin_ = rows.begin;
    const int64_t padded = (rows.size() + kTileQueries - 1) / kTileQueries * kTileQueries;
    const auto width = static_cast<size_t>(head_.width);
    queries_.assign(static_cast<size_t>(padded), {});
    query_levels_.assign(static_cast<size_t>(padded) * width, 0);
    tail_terms_.clear();
    tail_terms_begin_.assign(1, 0);
    largest_ = {};
    std::vector<float> dense(width);
    for (int64_t q = 0; q < rows.size(); ++q) {
      const int64_t row = rows.begin + q;
      const auto row_terms = documents_.row_indices(row);
      const auto row_values = documents_.row_values(row);
      std::ranges::fill(dense, 0.0F);
      Levels levels(kMaxQueryLevel);
      for (size_t i = 0; i < row_terms.size(); ++i) {
        const float weight = Weight(row, row_terms[i], row_values[i]);
        CheckWeight(weight);
        const int32_t slot = head_.slot[static_cast<size_t>(row_terms[i])];
        if (slot >= 0) {
          dense[static_cast<size_t>(slot)] = weight;
          levels.Include(weight);
        } else if (weight > 0) {
          tail_terms_.push_back({row_terms[i], weight});
        }
      }
      tail_terms_begin_.push_back(std::ssize(tail_terms_));
      Query& query = queries_[static_cast<size_t>(q)];
      query.step = levels.Step();
      const float scale = weights_.scale[static_cast<size_t>(row)];
      for (size_t h = 0; h < width; ++h) {
        const int level = Levels::Level(dense[h], query.step, kMaxQueryLevel);
        query_levels_[static_cast<size_t>(q) * width + h] = static_cast<int8_t>(level);
        query.head_error = std::max(query.head_error, std::fabs(dense[h] - static_cast<float>(level) * query.step));
        query.head_sum += dense[h];
      }
      query.head_error *= scale;
      query.head_sum *= scale;
      largest_.head_error = std::max(largest_.head_error, query.head_error);
      largest_.head_sum = std::max(largest_.head_sum, query.head_sum);
    }
  }

  // Before the block that begins at `first`: blocks must follow each other from there on.
  void StartBlocksAt(int64_t first) {
    for (int64_t t = 0; t < terms_.rows; ++t) {
      const auto holders = terms_.row_indices(t);
      posting_[static_cast<size_t>(t)] =
          terms_.indptr[static_cast<size_t>(t)] + (first == 0 ? 0 : std::ranges::lower_bound(holders, first) - holders.begin());
    }
  }

  // Goes on to the documents [first, last), at most kTileBlock.
  void NextBlock(int64_t first, int64_t last) {
    CutBlock(first, last);
    BuildTile(first, last);
  }

  // Sums of the queries q0 to q0 + kTileQueries - 1, a multiple of kTileQueries, with the documents of the block, kTileBlock
  // numbers each; those behind the last document have the scale 0. Valid until the next call, may be written to.
  float* Sums(int64_t q0) {
    std::array<float, kTileQueries> query_step{};
    for (size_t i = 0; i < query_step.size(); ++i) query_step[i] = queries_[static_cast<size_t>(q0) + i].step;
    MultiplyHeadTile(query_levels_.data() + q0 * head_.width, query_step.data(), levels_.data(), step_.data(), head_.width, kTileBlock,
                     sums_.data());
    const int64_t end = std::min(q0 + kTileQueries, std::ssize(tail_terms_begin_) - 1);
    for (int64_t q = q0; q < end; ++q) AddTail(q, sums_.data() + (q - q0) * kTileBlock);
    return sums_.data();
  }

  // [kTileBlock] of the block's documents.
  const float* scale() const { return scale_.data(); }

  // Largest absolute error of a score of query q / of any query with the block.
  float Error(int64_t q) const { return ErrorOf(queries_[static_cast<size_t>(q)]); }
  float LargestError() const { return ErrorOf(largest_); }

 private:
  struct TailTerm {
    int32_t term;
    float weight;
  };
  struct Query {
    float step = 0;        // value of a level of its head
    float head_error = 0;  // scale * largest error of a weight of its head
    float head_sum = 0;    // scale * sum of the weights of its head
  };
  // The head's part of a document of the block.
  struct Column {
    Levels levels{kMaxTileLevel};
    float error = 0;  // largest error of a weight
    float sum = 0;    // of the weights as the tile has them
  };
  // Postings of a term of the head within the block.
  struct HeadSegment {
    int32_t slot;
    int64_t begin;
    int64_t end;
  };
  static constexpr float kLargestWeight = 1e15F;  // products and their sums stay finite

  // |q c - q' c'| <= |c - c'| q + |q - q'| c', summed over the head.
  float ErrorOf(const Query& query) const { return block_error_ * query.head_sum + query.head_error * block_sum_; }

  float Weight(int64_t document, int64_t term, float value) const {
    return CellWeight<kWeighting>(value, weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                  weights_.term_weight[static_cast<size_t>(term)]);
  }
  void CheckWeight(float weight) { applies_ = applies_ && weight >= 0 && weight <= kLargestWeight; }

  // Packs the postings of the tail, notes where those of the head are.
  void CutBlock(int64_t first, int64_t last) {
    const auto end = static_cast<int32_t>(last);
    tail_.clear();
    head_segments_.clear();
    for (size_t t = 0; t < posting_.size(); ++t) {
      tail_begin_[t] = static_cast<uint32_t>(tail_.size());
      const int64_t begin = posting_[t];
      const int64_t limit = terms_.indptr[t + 1];
      int64_t j = begin;
      for (; j < limit; ++j) {
        const int32_t document = terms_.indices[static_cast<size_t>(j)];
        if (document >= end) break;
        const float weight = Weight(document, static_cast<int64_t>(t), terms_.values[static_cast<size_t>(j)]);
        CheckWeight(weight);
        if (head_.slot[t] < 0) tail_.push_back(Pack(weight, static_cast<uint32_t>(document - first)));
      }
      if (head_.slot[t] >= 0) head_segments_.push_back({head_.slot[t], begin, j});
      posting_[t] = j;
    }
    tail_begin_.back() = static_cast<uint32_t>(tail_.size());
  }

  // A weight rounded to bfloat16 above a place within the block.
  static uint32_t Pack(float weight, uint32_t place) { return ((std::bit_cast<uint32_t>(weight) + 0x8000U) & 0xFFFF0000U) | place; }

  template <typename Visit>
  void ForEachHeadPosting(int64_t first, Visit&& visit) {
    for (const auto& [slot, begin, end] : head_segments_) {
      for (int64_t j = begin; j < end; ++j) {
        const int64_t document = terms_.indices[static_cast<size_t>(j)];
        visit(static_cast<size_t>(slot), static_cast<size_t>(document - first),
              Weight(document, head_.terms[static_cast<size_t>(slot)], terms_.values[static_cast<size_t>(j)]));
      }
    }
  }

  void BuildTile(int64_t first, int64_t last) {
    std::ranges::fill(levels_, uint8_t{0});
    std::ranges::fill(columns_, Column{});
    std::ranges::fill(scale_, 0.0F);  // behind the last document nothing is above a threshold
    const auto size = static_cast<size_t>(last - first);
    std::ranges::copy(weights_.scale.subspan(static_cast<size_t>(first), size), scale_.begin());
    ForEachHeadPosting(first, [&](size_t, size_t c, float weight) { columns_[c].levels.Include(weight); });
    for (size_t c = 0; c < columns_.size(); ++c) step_[c] = columns_[c].levels.Step();
    ForEachHeadPosting(first, [&](size_t slot, size_t c, float weight) {
      const int level = Levels::Level(weight, step_[c], kMaxTileLevel);
      levels_[(slot / 4 * static_cast<size_t>(kTileBlock) + c) * 4 + slot % 4] = static_cast<uint8_t>(level);
      const float known = static_cast<float>(level) * step_[c];
      columns_[c].error = std::max(columns_[c].error, std::fabs(weight - known));
      columns_[c].sum += known;
    });
    block_error_ = 0;
    block_sum_ = 0;
    for (size_t c = 0; c < size; ++c) {
      block_error_ = std::max(block_error_, scale_[c] * columns_[c].error);
      block_sum_ = std::max(block_sum_, scale_[c] * columns_[c].sum);
    }
  }

  void AddTail(int64_t q, float* sums) {
    const auto begin = static_cast<size_t>(tail_terms_begin_[static_cast<size_t>(q)]);
    const auto end = static_cast<size_t>(tail_terms_begin_[static_cast<size_t>(q) + 1]);
    const uint32_t* postings = tail_.data();
    for (size_t i = begin; i < end; ++i) {
      const auto [term, weight] = tail_terms_[i];
      const uint32_t to = tail_begin_[static_cast<size_t>(term) + 1];
      uint32_t j = tail_begin_[static_cast<size_t>(term)];
      // A term has each place once, so four sums can be read before the first is written.
      for (; j + 4 <= to; j += 4) {
        std::array<float*, 4> at{};
        std::array<float, 4> sum{};
        for (size_t u = 0; u < 4; ++u) {
          const uint32_t posting = postings[j + u];
          at[u] = sums + (posting & 0xFFFFU);
          sum[u] = *at[u] + weight * std::bit_cast<float>(posting & 0xFFFF0000U);
        }
        for (size_t u = 0; u < 4; ++u) *at[u] = sum[u];
      }
      for (; j < to; ++j) sums[postings[j] & 0xFFFFU] += weight * std::bit_cast<float>(postings[j] & 0xFFFF0000U);
    }
  }

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const float k1_plus_1_;
  const Head head_;
  bool applies_ = true;

  int64_t queries_begin_ = 0;
  std::vector<Query> queries_;
  Query largest_;
  std::vector<int8_t> query_levels_;  // [queries][head width]
  std::vector<TailTerm> tail_terms_;
  std::vector<int64_t> tail_terms_begin_;  // [queries + 1]

  // The block.
  std::vector<int64_t> posting_;      // of each term: the first posting behind the block
  std::vector<uint32_t> tail_;        // postings of the tail
  std::vector<uint32_t> tail_begin_;  // [terms + 1]
  std::vector<HeadSegment> head_segments_;
  hwy::AlignedVector<uint8_t> levels_;  // [head width / 4][kTileBlock][4]
  hwy::AlignedVector<float> step_;      // [kTileBlock] value of a level
  hwy::AlignedVector<float> scale_;     // [kTileBlock]
  std::vector<Column> columns_;         // [kTileBlock]
  float block_error_ = 0;               // largest scale * error
  float block_sum_ = 0;                 // largest scale * sum

  hwy::AlignedVector<float> sums_;  // [kTileQueries][kTileBlock]
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_TILE_SCORER_H_
