#include "similarity/tiled_rows.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "base/top_k.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/head_tile.h"
#include "similarity/scatter_rows.h"

namespace couponcast {
namespace {

constexpr int64_t kBlock = 4096;       // documents of a block; a place within it takes 16 bits
constexpr int64_t kScan = 256;         // sums looked at before a candidate list is cut back
constexpr int64_t kMaxQueries = 8192;  // rows that share one pass over the blocks
constexpr size_t kMaxHead = 64;        // terms of the head, at most
constexpr double kHeadShare = 0.06;    // share of the documents that a term of the head has at least
constexpr int kMaxQueryLevel = 127;    // of a byte with a sign
constexpr int kMaxTileLevel = 255;     // of one without
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
constexpr float kLargestWeight = 1e15F;   // products and their sums stay finite
constexpr float kSmallestBound = 1e-30F;  // below it products may have lost bits to underflow
constexpr float kPackingError = 0x1p-8F;  // relative error of a weight rounded to bfloat16
constexpr int64_t kSlack = 64;            // entries beyond 2 k that a candidate list holds before it is cut back

// Terms that are multiplied densely, the most frequent first.
struct Head {
  std::vector<int32_t> terms;
  std::vector<int32_t> slot;  // of each term: its place in `terms`, or -1
  int64_t width = 0;          // terms.size() rounded up to a multiple of 4
};

Head ChooseHead(const CsrView& terms, int64_t num_documents) {
  Head head;
  const auto least = static_cast<int64_t>(kHeadShare * static_cast<double>(num_documents));
  for (int64_t t = 0; t < terms.rows; ++t) {
    if (terms.degree(t) > least) head.terms.push_back(static_cast<int32_t>(t));
  }
  std::ranges::sort(head.terms, [&](int32_t a, int32_t b) {
    const int64_t degree_a = terms.degree(a);
    const int64_t degree_b = terms.degree(b);
    return degree_a > degree_b || (degree_a == degree_b && a < b);
  });
  if (head.terms.size() > kMaxHead) head.terms.resize(kMaxHead);
  head.slot.assign(static_cast<size_t>(terms.rows), -1);
  for (size_t h = 0; h < head.terms.size(); ++h) head.slot[static_cast<size_t>(head.terms[h])] = static_cast<int32_t>(h);
  head.width = (std::ssize(head.terms) + 3) / 4 * 4;
  return head;
}

// Weights as levels of a byte: level * step, above 0 where the weight is.
class Levels {
 public:
  explicit Levels(int max_level) : max_level_(max_level) {}

  void Include(float weight) {
    largest_ = std::max(largest_, weight);
    whole_ = whole_ && weight == std::floor(weight);
  }
  // 1 where all weights are whole and small enough: nothing is rounded then.
  float Step() const {
    const auto levels = static_cast<float>(max_level_);
    if (whole_ && largest_ <= levels) return 1;
    return std::max(largest_ / levels, std::numeric_limits<float>::min());
  }

  static int Level(float weight, float step, int max_level) {
    if (!(weight > 0)) return 0;
    // In this order also what is no number, of a matrix that this way does not apply to, becomes a level.
    const float exact = std::min(static_cast<float>(max_level), weight / step);
    const int below = static_cast<int>(exact);
    return std::clamp(exact - static_cast<float>(below) < 0.5F ? below : below + 1, 1, max_level);
  }

 private:
  int max_level_;
  float largest_ = 0;
  bool whole_ = true;
};

struct Candidate {
  float score;  // approximate
  int32_t index;
};

struct TailTerm {
  int32_t term;
  float weight;
};

// A row that neighbours are sought for.
struct Query {
  float step = 0;            // value of a level of its head
  float head_error = 0;      // largest error of a weight of its head
  float head_sum = 0;        // sum of the weights of its head
  float relative_error = 0;  // of a sum, by rounding
  float absolute_error = 0;  // the largest so far
  float kth_lower = 0;       // at least k documents score at least this
  std::vector<Candidate> candidates;
};

// The head's part of a document of the block.
struct Column {
  Levels levels{kMaxTileLevel};
  float error = 0;  // largest error of a weight
  float sum = 0;    // of the weights that the levels stand for
};

struct HeadSegment {
  int32_t slot;
  int64_t begin;  // postings within the block
  int64_t end;
};

template <Weighting kWeighting>
class TiledRows {
 public:
  TiledRows(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t k, bool include_self, CancelFlag cancel)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        k_(k),
        include_self_(include_self),
        cancel_(cancel),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        head_(ChooseHead(terms, documents.rows)),
        posting_(static_cast<size_t>(terms.rows)),
        tail_begin_(static_cast<size_t>(terms.rows) + 1),
        levels_(static_cast<size_t>(head_.width * kBlock)),
        step_(kBlock),
        scale_(kBlock),
        columns_(kBlock),
        sums_(static_cast<size_t>(kTileQueries * kBlock)),
        found_index_(kScan),
        found_score_(kScan),
        exact_weight_(static_cast<size_t>(terms.rows), 0.0F),
        best_(k) {}

  Status Run(RowRange range, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts, bool* applies) {
    const auto width = static_cast<size_t>(k_);
    for (int64_t begin = range.begin; begin < range.end && applies_; begin += kMaxQueries) {
      const RowRange part{begin, std::min(begin + kMaxQueries, range.end)};
      const auto at = static_cast<size_t>(begin - range.begin);
      const auto size = static_cast<size_t>(part.size());
      COUPONCAST_RETURN_IF_ERROR(
          RunPart(part, indices.subspan(at * width, size * width), scores.subspan(at * width, size * width), counts.subspan(at, size)));
    }
    *applies = applies_;
    return {};
  }

 private:
  float Weight(int64_t document, int64_t term, float value) const {
    return CellWeight<kWeighting>(value, weights_.length[static_cast<size_t>(document)], k1_plus_1_,
                                  weights_.term_weight[static_cast<size_t>(term)]);
  }
  void CheckWeight(float weight) { applies_ = applies_ && weight >= 0 && weight <= kLargestWeight; }

  Status RunPart(RowRange part, std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts) {
    PrepareQueries(part);
    for (size_t t = 0; t < posting_.size(); ++t) posting_[t] = terms_.indptr[t];
    for (int64_t first = 0; first < documents_.rows && applies_; first += kBlock) {
      CutBlock(first);
      BuildTile(first);
      for (int64_t q = 0; q < part.size(); q += kTileQueries) {
        if (cancel_.IsSet()) return Cancelled();
        ScoreBlock(part, q, first);
      }
    }
    for (int64_t q = 0; q < part.size() && applies_; ++q) {
      const auto at = static_cast<size_t>(q);
      const auto width = static_cast<size_t>(k_);
      COUPONCAST_RETURN_IF_ERROR(
          Answer(part.begin + q, queries_[at], indices.subspan(at * width, width), scores.subspan(at * width, width), &counts[at]));
    }
    return {};
  }

  void PrepareQueries(RowRange part) {
    const int64_t padded = (part.size() + kTileQueries - 1) / kTileQueries * kTileQueries;
    const auto width = static_cast<size_t>(head_.width);
    queries_.assign(static_cast<size_t>(padded), {});
    query_levels_.assign(static_cast<size_t>(padded) * width, 0);
    tail_terms_.clear();
    tail_terms_begin_.assign(1, 0);
    std::vector<float> dense(width);
    for (int64_t q = 0; q < part.size(); ++q) {
      const int64_t row = part.begin + q;
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
      for (size_t h = 0; h < width; ++h) {
        const int level = Levels::Level(dense[h], query.step, kMaxQueryLevel);
        query_levels_[static_cast<size_t>(q) * width + h] = static_cast<int8_t>(level);
        query.head_error = std::max(query.head_error, std::fabs(dense[h] - static_cast<float>(level) * query.step));
        query.head_sum += dense[h];
      }
      query.relative_error = static_cast<float>(row_terms.size() + 16) * std::numeric_limits<float>::epsilon() + kPackingError;
    }
  }

  // Goes on to the block that begins at `first`: packs the postings of the tail, notes where those of the head are.
  void CutBlock(int64_t first) {
    const auto end = static_cast<int32_t>(std::min(first + kBlock, documents_.rows));
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

  void BuildTile(int64_t first) {
    std::ranges::fill(levels_, uint8_t{0});
    std::ranges::fill(columns_, Column{});
    std::ranges::fill(scale_, 0.0F);  // behind the last document nothing is above a threshold
    const auto size = static_cast<size_t>(std::min(kBlock, documents_.rows - first));
    std::ranges::copy(weights_.scale.subspan(static_cast<size_t>(first), size), scale_.begin());
    ForEachHeadPosting(first, [&](size_t, size_t c, float weight) { columns_[c].levels.Include(weight); });
    for (size_t c = 0; c < columns_.size(); ++c) step_[c] = columns_[c].levels.Step();
    ForEachHeadPosting(first, [&](size_t slot, size_t c, float weight) {
      const int level = Levels::Level(weight, step_[c], kMaxTileLevel);
      levels_[(slot / 4 * static_cast<size_t>(kBlock) + c) * 4 + slot % 4] = static_cast<uint8_t>(level);
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

  void ScoreBlock(RowRange part, int64_t q0, int64_t first) {
    std::array<float, kTileQueries> query_step{};
    for (size_t i = 0; i < query_step.size(); ++i) query_step[i] = queries_[static_cast<size_t>(q0) + i].step;
    MultiplyHeadTile(query_levels_.data() + q0 * head_.width, query_step.data(), levels_.data(), step_.data(), head_.width, kBlock,
                     sums_.data());
    for (int64_t q = q0; q < std::min(q0 + kTileQueries, part.size()); ++q) {
      float* sums = sums_.data() + (q - q0) * kBlock;
      AddTail(q, sums);
      const int64_t row = part.begin + q;
      if (!include_self_ && row >= first && row < first + kBlock) sums[row - first] = 0;
      Collect(row, queries_[static_cast<size_t>(q)], first, sums);
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

  void Collect(int64_t row, Query& query, int64_t first, const float* sums) {
    const float row_scale = weights_.scale[static_cast<size_t>(row)];
    if (!(row_scale > 0)) return;
    // |q c - q' c'| <= |c - c'| q + |q - q'| c', summed over the head.
    const float error = row_scale * (block_error_ * query.head_sum + query.head_error * block_sum_);
    query.absolute_error = std::max(query.absolute_error, error);
    const int64_t count = std::min(kBlock, (documents_.rows - first + 63) / 64 * 64);
    for (int64_t c = 0; c < count; c += kScan) {
      const float least = (query.kth_lower - error) / (1 + query.relative_error) / row_scale * (1 - query.relative_error);
      const int64_t found = CollectAbove(sums + c, scale_.data() + c, std::min(kScan, count - c), std::max(least, kSmallest),
                                         static_cast<int32_t>(first + c), found_index_.data(), found_score_.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) query.candidates.push_back({found_score_[j] * row_scale, found_index_[j]});
      if (std::ssize(query.candidates) >= 2 * k_ + kSlack) CutBack(query);
    }
  }

  // Leaves the documents that may be among the k best.
  void CutBack(Query& query) {
    auto& candidates = query.candidates;
    if (std::ssize(candidates) < k_) return;
    const auto kth = candidates.begin() + (k_ - 1);
    std::nth_element(candidates.begin(), kth, candidates.end(), [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    query.kth_lower = std::max(query.kth_lower, kth->score * (1 - query.relative_error) - query.absolute_error);
    const float least = (query.kth_lower - query.absolute_error) / (1 + query.relative_error) * (1 - query.relative_error);
    std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.score < least; });
  }

  Status Answer(int64_t row, Query& query, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
    if (cancel_.IsSet()) return Cancelled();
    CutBack(query);
    if (std::ssize(query.candidates) < k_ || query.kth_lower < kSmallestBound) return Scatter(row, indices, scores, count);
    std::ranges::sort(query.candidates, {}, &Candidate::index);
    const auto row_terms = documents_.row_indices(row);
    const auto row_values = documents_.row_values(row);
    for (size_t i = 0; i < row_terms.size(); ++i) {
      exact_weight_[static_cast<size_t>(row_terms[i])] = Weight(row, row_terms[i], row_values[i]);
    }
    best_.Reset(0.0F);
    for (const auto& candidate : query.candidates) best_.Push(ExactScore(row, candidate.index), candidate.index);
    for (const int32_t term : row_terms) exact_weight_[static_cast<size_t>(term)] = 0;
    query.candidates = {};
    WriteNeighbours(best_.Sorted(), indices, scores, count);
    return {};
  }

  // As ScatterRows sums it: ascending terms; a term that only one of the two has adds 0.
  float ExactScore(int64_t row, int64_t document) const {
    const auto document_terms = documents_.row_indices(document);
    const auto document_values = documents_.row_values(document);
    float sum = 0;
    for (size_t i = 0; i < document_terms.size(); ++i) {
      sum += exact_weight_[static_cast<size_t>(document_terms[i])] * Weight(document, document_terms[i], document_values[i]);
    }
    return PairScore(sum, weights_.scale[static_cast<size_t>(document)], weights_.scale[static_cast<size_t>(row)]);
  }

  Status Scatter(int64_t row, std::span<int32_t> indices, std::span<float> scores, int32_t* count) {
    if (scatter_ == nullptr) {
      scatter_ = std::make_unique<ScatterRows<kWeighting>>(documents_, terms_, weights_, k_, include_self_, cancel_);
    }
    return scatter_->Row(row, indices, scores, count);
  }

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const int64_t k_;
  const bool include_self_;
  const CancelFlag cancel_;
  const float k1_plus_1_;
  const Head head_;
  bool applies_ = true;

  std::vector<Query> queries_;
  std::vector<int8_t> query_levels_;  // [queries][head width]
  std::vector<TailTerm> tail_terms_;
  std::vector<int64_t> tail_terms_begin_;  // [queries + 1]

  // The block.
  std::vector<int64_t> posting_;      // of each term: the first posting behind the block
  std::vector<uint32_t> tail_;        // postings of the tail
  std::vector<uint32_t> tail_begin_;  // [terms + 1]
  std::vector<HeadSegment> head_segments_;
  hwy::AlignedVector<uint8_t> levels_;  // [head width / 4][kBlock][4]
  hwy::AlignedVector<float> step_;      // [kBlock] value of a level
  hwy::AlignedVector<float> scale_;     // [kBlock]
  std::vector<Column> columns_;         // [kBlock]
  float block_error_ = 0;               // largest scale * error
  float block_sum_ = 0;                 // largest scale * sum

  hwy::AlignedVector<float> sums_;  // [kTileQueries][kBlock]
  std::vector<int32_t> found_index_;
  std::vector<float> found_score_;
  std::vector<float> exact_weight_;  // of the row that is answered, by term
  TopK best_;
  std::unique_ptr<ScatterRows<kWeighting>> scatter_;
};

}  // namespace

bool TilingPays(const CsrView& documents, const CsrView& terms, RowRange range, int64_t k) {
  // Nanoseconds, measured; their ratios are what counts.
  constexpr double kScatterMadd = 1.3;
  constexpr double kTailMadd = 1.0;
  constexpr double kSegment = 3.0;
  constexpr double kPair = 0.2;
  constexpr double kHeadMadd = 0.0055;
  constexpr double kPosting = 2.0;
  constexpr double kRescore = 0.7;
  constexpr double kCandidates = 1.5;  // scored exactly for each place of the answer
  if (documents.rows < kBlock || k > documents.rows / 8) return false;
  // Calls visit(term, cells of the range in it).
  const auto for_each_term = [&](auto&& visit) {
    if (range.size() == documents.rows) {
      for (int64_t term = 0; term < terms.rows; ++term) visit(term, static_cast<double>(terms.degree(term)));
      return;
    }
    for (int64_t row = range.begin; row < range.end; ++row) {
      for (const int32_t term : documents.row_indices(row)) visit(term, 1.0);
    }
  };
  double madds = 0;
  for_each_term([&](int64_t term, double cells) { madds += cells * static_cast<double>(terms.degree(term)); });
  const double scatter = madds * kScatterMadd;
  const double pairs = static_cast<double>(range.size()) * static_cast<double>(documents.rows);
  const double passes = std::ceil(static_cast<double>(range.size()) / static_cast<double>(kMaxQueries));
  const double least = pairs * kPair + passes * static_cast<double>(documents.nnz()) * kPosting;
  // What follows looks at all documents: not for the short calls that cannot pay.
  if (scatter <= least) return false;

  const Head head = ChooseHead(terms, documents.rows);
  const int64_t num_blocks = (documents.rows + kBlock - 1) / kBlock;
  const auto blocks = static_cast<double>(num_blocks);
  double tail_madds = 0;
  double segments = 0;
  for_each_term([&](int64_t term, double cells) {
    if (head.slot[static_cast<size_t>(term)] >= 0) return;
    const auto degree = static_cast<double>(terms.degree(term));
    tail_madds += cells * degree;
    segments += cells * std::min(blocks, degree);
  });
  // Candidates are documents as a cell sees them: the mean is over cells, not over documents.
  double squares = 0;
  for (int64_t row = 0; row < documents.rows; ++row) {
    squares += static_cast<double>(documents.degree(row)) * static_cast<double>(documents.degree(row));
  }
  const double rescored = static_cast<double>(range.size()) * kCandidates * static_cast<double>(k) * squares /
                          std::max(1.0, static_cast<double>(documents.nnz()));
  const double tiled =
      least + pairs * kHeadMadd * static_cast<double>(head.width) + tail_madds * kTailMadd + segments * kSegment + rescored * kRescore;
  return tiled < scatter;
}

Status SimilarRowsTiled(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, int64_t k,
                        bool include_self, CancelFlag cancel, std::span<int32_t> indices, std::span<float> scores,
                        std::span<int32_t> counts, bool* applies) {
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    TiledRows<kWeighting> rows(documents, terms, weights, k, include_self, cancel);
    return rows.Run(range, indices, scores, counts, applies);
  });
}

}  // namespace couponcast
