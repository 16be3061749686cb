#include "couponcast/all_pairs.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/write_neighbours.h"
#include "similarity/check_weights.h"
#include "similarity/dispatch_weighting.h"
#include "similarity/pair_scan.h"
#include "similarity/pair_score.h"
#include "similarity/tiled_rows.h"

namespace couponcast {
namespace {

constexpr int64_t kTermBlock = 32'768;  // terms whose lists grow in the cache while they are filled
constexpr int64_t kChunk = 4096;        // cells of a row between looks at the flag
constexpr int64_t kScan = 512;          // sums looked at before the row's own threshold may rise
constexpr int64_t kDocumentsPerPoll = 1 << 16;
constexpr int64_t kMaxLanes = 1024;

Status CheckOrder(std::span<const int32_t> order, int64_t documents) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), documents));
  std::vector<bool> seen(order.size());
  for (const int32_t document : order) {
    if (document < 0 || document >= documents || seen[static_cast<size_t>(document)]) {
      return InvalidArgument("expected each document once in order but met " + std::to_string(document));
    }
    seen[static_cast<size_t>(document)] = true;
  }
  return {};
}

Status CheckLists(const CsrView& documents, const CsrView& terms, const PairLists& lists) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(documents, terms));
  COUPONCAST_RETURN_IF_ERROR(CheckOrder(lists.order, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("head", lists.head.size(), terms.rows * kPairHead));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("tail", lists.tail.size(), documents.nnz()));
  return CheckSize("before", lists.before.size(), documents.nnz());
}

Status CheckBest(const BestLists& best, int64_t documents, int64_t lanes, int64_t k) {
  if (lanes < 1 || lanes > kMaxLanes) return InvalidArgument("expected 1 to 1024 lanes but received " + std::to_string(lanes));
  const int64_t lists = documents * lanes;
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", best.entries.size(), lists * BestListCapacity(k)));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", best.counts.size(), lists));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("thresholds", best.thresholds.size(), lists));
  const bool counted = std::ranges::all_of(best.counts, [&](int32_t count) { return count >= 0 && count < BestListCapacity(k); });
  return counted ? Status() : InvalidArgument("expected in counts what the lists hold");
}

template <Weighting kWeighting>
Status Fill(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
            const PairLists& lists, bool* applies) {
  const auto k1_plus_1 = static_cast<float>(weights.params.k1 + 1.0);
  std::vector<int64_t> next(static_cast<size_t>(documents.rows));  // of each document: its first cell that is not filled in
  for (int64_t document = 0; document < documents.rows; ++document) {
    const auto cells = documents.row_indices(document);
    next[static_cast<size_t>(document)] =
        documents.indptr[static_cast<size_t>(document)] + (std::ranges::lower_bound(cells, range.begin) - cells.begin());
  }
  std::vector<int32_t> filled(static_cast<size_t>(std::min(kTermBlock, range.size())));
  *applies = true;
  for (int64_t begin = range.begin; begin < range.end; begin += kTermBlock) {
    const int64_t end = std::min(begin + kTermBlock, range.end);
    std::ranges::fill(filled, 0);
    for (int64_t rank = 0; rank < documents.rows; ++rank) {
      if (rank % kDocumentsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      const auto document = static_cast<size_t>(lists.order[static_cast<size_t>(rank)]);
      const float length = weights.length[document];
      auto cell = static_cast<size_t>(next[document]);
      const auto last = static_cast<size_t>(documents.indptr[document + 1]);
      for (; cell < last && documents.indices[cell] < end; ++cell) {
        const auto term = static_cast<size_t>(documents.indices[cell]);
        const float weight = CellWeight<kWeighting>(documents.values[cell], length, k1_plus_1, weights.term_weight[term]);
        *applies = *applies && std::fabs(weight) <= kLargestWeight;
        int32_t before = 0;
        if (rank < kPairHead) {
          lists.head[term * kPairHead + static_cast<size_t>(rank)] = weight;
        } else {
          before = filled[term - static_cast<size_t>(begin)]++;
          // A file's two orientations are only compared by verify.
          if (before >= terms.degree(documents.indices[cell]))
            return CorruptFile("the matrix's two orientations do not hold the same cells");
          lists.tail[static_cast<size_t>(terms.indptr[term] + before)] = {static_cast<int32_t>(rank), weight};
        }
        lists.before[cell] = before;
      }
      next[document] = static_cast<int64_t>(cell);
    }
  }
  return {};
}

// One rank after the other: its sums with all lower ranks, then the lists.
template <Weighting kWeighting>
class PairAdder {
 public:
  PairAdder(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, int64_t k,
            bool include_self, CancelFlag cancel, const BestLists& best)
      : documents_(documents),
        terms_(terms),
        weights_(weights),
        lists_(lists),
        k_(k),
        capacity_(BestListCapacity(k)),
        include_self_(include_self),
        cancel_(cancel),
        best_(best),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        sums_(static_cast<size_t>(std::max((documents.rows + kStep - 1) / kStep * kStep, kPairHead)), 0.0F),
        scale_(sums_.size(), 0.0F),
        cell_weight_(kChunk),
        columns_(kScan),
        scores_(kScan) {
    for (size_t rank = 0; rank < lists.order.size(); ++rank) scale_[rank] = weights.scale[static_cast<size_t>(lists.order[rank])];
    // As long as the sums; behind the last rank the scale of 0 lets nothing through.
    thresholds_.assign(best.thresholds.begin(), best.thresholds.end());
    thresholds_.resize(sums_.size(), 0.0F);
  }

  Status Run(RowRange range) {
    for (int64_t rank = range.begin; rank < range.end; ++rank) {
      COUPONCAST_RETURN_IF_ERROR(Sum(rank));
      Offer(rank);
    }
    std::ranges::copy(std::span(thresholds_).first(best_.thresholds.size()), best_.thresholds.begin());
    return {};
  }

 private:
  static constexpr int64_t kStep = 64;  // sums that a scan takes at least

  Status Sum(int64_t rank) {
    const int32_t document = lists_.order[static_cast<size_t>(rank)];
    const auto cells = documents_.row_indices(document);
    const auto values = documents_.row_values(document);
    const auto before = lists_.before.subspan(static_cast<size_t>(documents_.indptr[static_cast<size_t>(document)]), cells.size());
    const float length = weights_.length[static_cast<size_t>(document)];
    self_ = 0;
    for (size_t begin = 0; begin < cells.size(); begin += kChunk) {
      if (Stop(static_cast<int64_t>(std::min<size_t>(kChunk, cells.size() - begin)))) return Cancelled();
      const size_t end = std::min(begin + kChunk, cells.size());
      for (size_t c = begin; c < end; ++c) {
        const float weight = CellWeight<kWeighting>(values[c], length, k1_plus_1_, weights_.term_weight[static_cast<size_t>(cells[c])]);
        cell_weight_[c - begin] = weight;
        self_ += weight * weight;
      }
      AddRows(lists_.head.data(), cells.data() + begin, cell_weight_.data(), static_cast<int64_t>(end - begin), sums_.data());
      if (rank < kPairHead) continue;
      for (size_t c = begin; c < end; ++c) {
        if (c + kAhead < end) Prefetch(cells[c + kAhead], before[c + kAhead]);
        if (Stop(before[c] + 1)) return Cancelled();
        AddTail(lists_.tail.data() + terms_.indptr[static_cast<size_t>(cells[c])], before[c], cell_weight_[c - begin]);
      }
    }
    return {};
  }

  void Prefetch(int32_t term, int32_t count) const {
    const PairLists::Cell* next = lists_.tail.data() + terms_.indptr[static_cast<size_t>(term)];
    constexpr int32_t kLine = 64 / sizeof(PairLists::Cell);
    for (int32_t at = 0; at < std::min(count, kFetched); at += kLine) __builtin_prefetch(next + at);
  }

  // A term has each rank once, so several sums can be read before the first is written.
  void AddTail(const PairLists::Cell* cells, int64_t count, float weight) {
    float* sums = sums_.data();
    int64_t j = 0;
    for (; j + 4 <= count; j += 4) {
      const float s0 = sums[cells[j].rank] + weight * cells[j].weight;
      const float s1 = sums[cells[j + 1].rank] + weight * cells[j + 1].weight;
      const float s2 = sums[cells[j + 2].rank] + weight * cells[j + 2].weight;
      const float s3 = sums[cells[j + 3].rank] + weight * cells[j + 3].weight;
      sums[cells[j].rank] = s0;
      sums[cells[j + 1].rank] = s1;
      sums[cells[j + 2].rank] = s2;
      sums[cells[j + 3].rank] = s3;
    }
    for (; j < count; ++j) sums[cells[j].rank] += weight * cells[j].weight;
  }

  void Offer(int64_t rank) {
    const int32_t document = lists_.order[static_cast<size_t>(rank)];
    const float scale = scale_[static_cast<size_t>(rank)];
    // Higher ranks of the head have sums as well; their pairs are taken when it is their turn.
    if (rank < kPairHead)
      std::ranges::fill(std::span(sums_).subspan(static_cast<size_t>(rank), static_cast<size_t>(kPairHead - rank)), 0.0F);
    for (int64_t first = 0; first < rank; first += kScan) {
      const int64_t count = std::min(kScan, (rank - first + kStep - 1) / kStep * kStep);
      const auto at = static_cast<size_t>(first);
      const float threshold = thresholds_[static_cast<size_t>(rank)];
      const int64_t found = TakePairs(sums_.data() + at, scale_.data() + at, thresholds_.data() + at, count, scale, threshold,
                                      columns_.data(), scores_.data());
      for (size_t j = 0; j < static_cast<size_t>(found); ++j) {
        const int64_t other = first + columns_[j];
        const float score = scores_[j];
        if (score >= thresholds_[static_cast<size_t>(rank)]) Push(rank, {score, lists_.order[static_cast<size_t>(other)]});
        if (score >= thresholds_[static_cast<size_t>(other)]) Push(other, {score, document});
      }
    }
    const float self = PairScore(self_, scale, scale);
    if (include_self_ && self > 0) Push(rank, {self, document});
  }

  void Push(int64_t rank, ScoredIndex entry) {
    const auto at = static_cast<size_t>(rank);
    int32_t& count = best_.counts[at];
    const auto list = best_.entries.subspan(at * static_cast<size_t>(capacity_), static_cast<size_t>(capacity_));
    list[static_cast<size_t>(count++)] = entry;
    if (count < capacity_) return;
    const auto kth = list.begin() + (k_ - 1);
    std::ranges::nth_element(list, kth, kBetter);
    count = static_cast<int32_t>(k_);
    thresholds_[at] = kth->score;
  }

  bool Stop(int64_t cost) {
    until_poll_ -= cost;
    if (until_poll_ >= 0) return false;
    until_poll_ = kMaddsPerPoll;
    return cancel_.IsSet();
  }

  static constexpr int64_t kMaddsPerPoll = int64_t{1} << 20;
  static constexpr size_t kAhead = 4;       // cells whose lists are fetched early
  static constexpr int32_t kFetched = 128;  // entries of them, at most

  const CsrView& documents_;
  const CsrView& terms_;
  const DocumentWeights& weights_;
  const PairLists& lists_;
  const int64_t k_;
  const int64_t capacity_;
  const bool include_self_;
  const CancelFlag cancel_;
  const BestLists& best_;
  const float k1_plus_1_;
  int64_t until_poll_ = 0;
  float self_ = 0;
  std::vector<float> sums_;        // by rank
  std::vector<float> scale_;       // by rank
  std::vector<float> thresholds_;  // by rank
  std::vector<float> cell_weight_;
  std::vector<int32_t> columns_;
  std::vector<float> scores_;
};

}  // namespace

bool AllPairsPays(const CsrView& documents, const CsrView& terms, int64_t k) {
  return !TilingPays(documents, terms, {0, documents.rows}, k);
}

Status OrderByDegree(const CsrView& documents, std::span<int32_t> order) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("order", order.size(), documents.rows));
  std::vector<uint64_t> keys(order.size());
  for (size_t row = 0; row < keys.size(); ++row) {
    const auto degree = static_cast<uint64_t>(documents.degree(static_cast<int64_t>(row)));
    keys[row] = (~degree << 32U) | row;
  }
  std::ranges::sort(keys);
  for (size_t rank = 0; rank < keys.size(); ++rank) order[rank] = static_cast<int32_t>(keys[rank] & 0xFFFF'FFFFU);
  return {};
}

Status FillPairLists(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, RowRange range, CancelFlag cancel,
                     const PairLists& lists, bool* applies) {
  COUPONCAST_RETURN_IF_ERROR(CheckLists(documents, terms, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, terms.rows));
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    return Fill<kWeighting>(documents, terms, weights, range, cancel, lists, applies);
  });
}

Status PairWork(const CsrView& documents, const PairLists& lists, RowRange range, std::span<double> work) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckOrder(lists.order, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("before", lists.before.size(), documents.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("work", work.size(), range.size()));
  for (int64_t rank = range.begin; rank < range.end; ++rank) {
    const auto document = static_cast<size_t>(lists.order[static_cast<size_t>(rank)]);
    const auto begin = static_cast<size_t>(documents.indptr[document]);
    const auto end = static_cast<size_t>(documents.indptr[document + 1]);
    int64_t madds = 0;
    for (size_t cell = begin; cell < end; ++cell) madds += lists.before[cell];
    const auto in_registers = static_cast<double>(end - begin) * static_cast<double>(kPairHead) + static_cast<double>(rank);
    work[static_cast<size_t>(rank - range.begin)] = static_cast<double>(madds) + in_registers / 8;
  }
  return {};
}

Status AddPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, const PairLists& lists, RowRange range,
                int64_t k, bool include_self, CancelFlag cancel, const BestLists& best) {
  COUPONCAST_RETURN_IF_ERROR(CheckLists(documents, terms, lists));
  COUPONCAST_RETURN_IF_ERROR(CheckWeights(documents, weights));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckBest(best, documents.rows, 1, k));
  return DispatchWeighting(weights.params.weighting, [&]<Weighting kWeighting>() {
    return PairAdder<kWeighting>(documents, terms, weights, lists, k, include_self, cancel, best).Run(range);
  });
}

Status MergeBestLists(std::span<const int32_t> order, const BestLists& best, int64_t lanes, RowRange range, int64_t k,
                      std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts) {
  const auto documents = std::ssize(order);
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, documents));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckBest(best, documents, lanes, k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", indices.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), range.size()));
  const auto capacity = static_cast<size_t>(BestListCapacity(k));
  const auto width = static_cast<size_t>(k);
  std::vector<ScoredIndex> all;
  for (int64_t rank = 0; rank < documents; ++rank) {
    const int64_t document = order[static_cast<size_t>(rank)];
    if (document < range.begin || document >= range.end) continue;
    all.clear();
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const auto list = static_cast<size_t>(lane * documents + rank);
      const auto used = best.entries.subspan(list * capacity, static_cast<size_t>(best.counts[list]));
      all.insert(all.end(), used.begin(), used.end());
    }
    if (all.size() > width) {
      std::ranges::nth_element(all, all.begin() + (k - 1), kBetter);
      all.resize(width);
    }
    std::ranges::sort(all, kBetter);
    const auto at = static_cast<size_t>(document - range.begin);
    WriteNeighbours(all, indices.subspan(at * width, width), scores.subspan(at * width, width), &counts[at]);
  }
  return {};
}

}  // namespace couponcast
