// What AddPairs adds, read ahead of the adding.
#ifndef COUPONCAST_SIMILARITY_PAIR_CELLS_H_
#define COUPONCAST_SIMILARITY_PAIR_CELLS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "couponcast/all_pairs.h"
#include "similarity/pair_kinds.h"

namespace couponcast {

inline constexpr int64_t kLineBytes = 64;

// The memory of a list, to be fetched early.
struct ListLines {
  const uint8_t* next = nullptr;
  const uint8_t* end = nullptr;

  void FetchOne() {
    if (next >= end) return;
    __builtin_prefetch(next);
    next += kLineBytes;
  }
  void FetchAll() {
    for (; next < end; next += kLineBytes) __builtin_prefetch(next);
  }
};

template <typename Kind, typename Visit>
ListLines LinesOf(const PairLists& lists, const Visit& visit) {
  constexpr int64_t kMostBytes = 1024;
  const uint8_t* list = lists.tail.data() + visit.cell * Kind::kBytes;
  return {list, list + std::min(visit.count * Kind::kBytes, kMostBytes)};
}

// The documents of a range of ranks, in batches of cells. Everything a batch needs lies elsewhere in memory, at places that only
// the step before it knows: so four batches are on their way, since most documents are shorter than such a wait.
template <Weighting kWeighting, typename Kind>
class PairCells {
 public:
  using Weight = typename Kind::Weight;
  static constexpr size_t kMostCells = 4096;

  // The lower ranks of a term's tail.
  struct Visit {
    int32_t cell;
    int32_t count;
    Weight weight;
  };

  struct Batch {
    int64_t rank;
    bool only;  // of its document
    bool last;  // of its document
    size_t count;
    size_t visit_count;
    int64_t rows;  // of the head, of all cells
    float self;    // the weights' squares, of this batch and those before it
    std::array<Visit, kMostCells> visits;
    std::array<Weight, kMostCells> weight;
    std::array<int32_t, kMostCells> first_row;
    std::array<int32_t, kMostCells> depth;
  };

  PairCells(const CsrView& documents, const DocumentWeights& weights, const PairLists& lists, RowRange range)
      : documents_(documents),
        weights_(weights),
        lists_(lists),
        end_(range.end),
        k1_plus_1_(static_cast<float>(weights.params.k1 + 1.0)),
        layout_(PairLayoutOf(lists.largest)),
        most_(std::min(kMostCells, Kind::MostCells(lists.largest))),
        batches_(2) {
    ahead_.fill({range.begin, 0});
    for (size_t step = 1; step < ahead_.size(); ++step) ahead_[step] = After(ahead_[step - 1]);
    FetchCells(ahead_[1]);
    FetchPlaces(ahead_[1]);
    Read(ahead_[0], 0, batches_[0]);
  }

  // Null behind the last.
  const Batch* Next() {
    if (ahead_[0].rank >= end_) return nullptr;
    const Batch& batch = batches_[turn_];
    turn_ = 1 - turn_;
    for (size_t step = 1; step < ahead_.size(); ++step) ahead_[step - 1] = ahead_[step];
    ahead_.back() = After(ahead_.back());
    FetchCells(ahead_[2]);
    FetchPlaces(ahead_[1]);
    Read(ahead_[0], batch.last ? 0 : batch.self, batches_[turn_]);
    return &batch;
  }

 private:
  static constexpr size_t kPlacesAhead = 32;
  static constexpr size_t kRowsAhead = 24;

  struct Part {
    int64_t rank;
    size_t begin;
  };

  size_t DocumentOf(const Part& part) const { return static_cast<size_t>(lists_.order[static_cast<size_t>(part.rank)]); }
  size_t FirstOf(const Part& part) const { return static_cast<size_t>(documents_.indptr[DocumentOf(part)]) + part.begin; }
  size_t LeftOf(const Part& part) const { return static_cast<size_t>(documents_.indptr[DocumentOf(part) + 1]) - FirstOf(part); }

  Part After(const Part& part) const {
    if (part.rank >= end_) return part;
    if (LeftOf(part) > most_) return {part.rank, part.begin + most_};
    return {part.rank + 1, 0};
  }

  void FetchCells(const Part& part) const {
    if (part.rank >= end_) return;
    const size_t first = FirstOf(part);
    for (size_t at = 0; at < std::min(LeftOf(part), 2 * kPlacesAhead); at += 16) {
      __builtin_prefetch(documents_.indices.data() + first + at);
      __builtin_prefetch(documents_.values.data() + first + at);
      __builtin_prefetch(lists_.before.data() + first + at);
    }
  }

  void FetchPlaces(const Part& part) const {
    if (part.rank >= end_) return;
    for (const int32_t term : documents_.indices.subspan(FirstOf(part), std::min(LeftOf(part), kPlacesAhead))) {
      __builtin_prefetch(&lists_.places[static_cast<size_t>(term)]);
    }
  }

  void Read(const Part& part, float self, Batch& batch) const {
    if (part.rank >= end_) return;
    const size_t count = std::min(LeftOf(part), most_);
    const size_t first = FirstOf(part);
    const auto cells = documents_.indices.subspan(first, count);
    const auto values = documents_.values.subspan(first, count);
    const auto before = lists_.before.subspan(first, count);
    const float length = weights_.length[DocumentOf(part)];
    const auto most_rows = Kind::kHasHead ? static_cast<int32_t>(std::min(part.rank / layout_.row_ranks + 1, kMaxPairDepth)) : 0;
    size_t visits = 0;
    batch.rows = 0;
    for (size_t i = 0; i < count; ++i) {
      if (i + kPlacesAhead < count) __builtin_prefetch(&lists_.places[static_cast<size_t>(cells[i + kPlacesAhead])]);
      const auto term = static_cast<size_t>(cells[i]);
      const float weight = CellWeight<kWeighting>(values[i], length, k1_plus_1_, weights_.term_weight[term]);
      self += weight * weight;
      batch.weight[i] = static_cast<Weight>(weight);
      const PairLists::Place& place = lists_.places[term];
      const PairLists::Place& next = lists_.places[term + 1];
      if constexpr (Kind::kHasHead) {
        batch.first_row[i] = place.row;
        batch.depth[i] = std::min(next.row - place.row, most_rows);
        batch.rows += batch.depth[i];
        if (i < kRowsAhead) FetchRows(place.row, batch.depth[i]);
      }
      // No more than there are, whatever a file's other orientation says.
      batch.visits[visits] = {place.cell, std::min(before[i], next.cell - place.cell), batch.weight[i]};
      visits += static_cast<size_t>(before[i] > 0);
    }
    batch.rank = part.rank;
    batch.only = part.begin == 0 && LeftOf(part) <= most_;
    batch.last = LeftOf(part) <= most_;
    batch.count = count;
    batch.visit_count = visits;
    batch.self = self;
    for (size_t v = 0; v < std::min(visits, Kind::kListsAhead); ++v) LinesOf<Kind>(lists_, batch.visits[v]).FetchAll();
  }

  void FetchRows(int64_t row, int64_t depth) const {
    const auto* bytes = reinterpret_cast<const uint8_t*>(lists_.head.data() + row * layout_.row_floats);
    for (int64_t at = 0; at < depth * layout_.row_floats * 4; at += kLineBytes) __builtin_prefetch(bytes + at);
  }

  const CsrView& documents_;
  const DocumentWeights& weights_;
  const PairLists& lists_;
  const int64_t end_;
  const float k1_plus_1_;
  const PairLayout layout_;
  const size_t most_;
  size_t turn_ = 0;
  std::array<Part, 4> ahead_;  // behind those that were handed out
  std::vector<Batch> batches_;
};

}  // namespace couponcast

#endif  // COUPONCAST_SIMILARITY_PAIR_CELLS_H_
