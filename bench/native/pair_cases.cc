// Similarities of all rows with each other, each pair computed once.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "couponcast/all_pairs.h"
#include "couponcast/pair_tiles.h"
#include "couponcast/similarity.h"

namespace couponcast::bench {
namespace {

constexpr int64_t kNeighbours = 20;

// What is wrong with the rows that are sampled; `others` says which documents count.
template <typename Others>
std::string WrongLists(const CsrView& documents, const CsrView& terms, const std::vector<int64_t>& rows, const OwnedLists& lists,
                       const Others& others) {
  for (const int64_t row : rows) {
    std::vector<double> scores = PlainSimilarities(documents, terms, row);
    for (size_t other = 0; other < scores.size(); ++other) {
      if (!others(other)) scores[other] = 0;
    }
    const auto at = static_cast<size_t>(row * lists.k);
    const auto width = static_cast<size_t>(lists.k);
    const std::string wrong = WrongBest(scores, std::span(lists.indices).subspan(at, width), std::span(lists.scores).subspan(at, width),
                                        lists.counts[static_cast<size_t>(row)]);
    if (!wrong.empty()) return "row " + std::to_string(row) + ": " + wrong;
  }
  return "";
}

// The lists of the items.
class OwnedPairLists {
 public:
  explicit OwnedPairLists(Inputs& inputs)
      : documents(inputs.matrix().by_item()),
        terms(inputs.matrix().by_user()),
        weights_(inputs.item_weights()),
        order_(static_cast<size_t>(documents.rows)),
        places_(static_cast<size_t>(terms.rows) + 1),
        before_(documents.indices.size()),
        work_(order_.size()) {}

  PairLists view() { return {largest_, order_, places_, head_, tail_, before_, 0, {}, 0, {}}; }
  const OwnedWeights& weights() const { return weights_; }
  std::span<const int32_t> order() const { return order_; }
  std::span<const double> work() const { return work_; }  // by rank
  Status Plan() {
    COUPONCAST_RETURN_IF_ERROR(weights_.status);
    COUPONCAST_RETURN_IF_ERROR(OrderByDegree(documents, order_));
    COUPONCAST_RETURN_IF_ERROR(LargestWhole(documents, weights_.view(), {0, documents.rows}, {}, &largest_));
    COUPONCAST_RETURN_IF_ERROR(PlanPairs(documents, terms, order_, largest_, 0, {0, terms.rows}, {}, std::span(places_).subspan(1)));
    COUPONCAST_RETURN_IF_ERROR(SumPairPlaces(places_));
    const PairLayout layout = PairLayoutOf(largest_);
    head_.resize(static_cast<size_t>(places_.back().row * layout.row_floats));
    tail_.resize(static_cast<size_t>(places_.back().cell * layout.cell_bytes));
    return {};
  }
  Status Fill() {
    bool applies = false;
    COUPONCAST_RETURN_IF_ERROR(FillPairLists(documents, terms, weights_.view(), {0, terms.rows}, {}, view(), work_, &applies));
    return applies ? Status() : InvalidArgument("the lists do not apply");
  }

  CsrView documents;
  CsrView terms;

 private:
  const OwnedWeights& weights_;
  int32_t largest_ = 0;
  std::vector<int32_t> order_;
  std::vector<PairLists::Place> places_;
  std::vector<float> head_;
  std::vector<uint8_t> tail_;
  std::vector<int32_t> before_;
  std::vector<double> work_;
};

uint32_t ReadLow(const uint8_t* bytes, size_t size) {
  uint32_t value = 0;
  std::memcpy(&value, bytes, size);
  return value;
}

class FillCase : public Case {
 public:
  explicit FillCase(Inputs& inputs) : Case("FillPairLists", false), inputs_(inputs) {}

  void Prepare() override {
    lists_ = std::make_unique<OwnedPairLists>(inputs_);
    status_ = lists_->Plan();
  }
  Cost cost() const override {
    const int64_t bytes = lists_->documents.nnz() * 8;
    return {.work = static_cast<double>(lists_->documents.nnz()),
            .unit = "cells",
            .read_bytes = static_cast<double>(bytes),
            .read_set_bytes = bytes};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    return lists_->Fill();
  }
  // Cosine's weights are the values.
  std::string Wrong() const override {
    const CsrView& terms = lists_->terms;
    const PairLists lists = lists_->view();
    std::vector<size_t> rank(lists.order.size());
    for (size_t i = 0; i < rank.size(); ++i) rank[static_cast<size_t>(lists.order[i])] = i;
    for (const int64_t term : SampleRows({0, terms.rows})) {
      std::vector<std::pair<size_t, float>> cells;
      for (size_t i = 0; i < terms.row_indices(term).size(); ++i) {
        cells.emplace_back(rank[static_cast<size_t>(terms.row_indices(term)[i])], terms.row_values(term)[i]);
      }
      std::ranges::sort(cells);
      const auto [row, cell] = lists.places[static_cast<size_t>(term)];
      const PairLayout layout = PairLayoutOf(lists.largest);
      const auto head = static_cast<size_t>((lists.places[static_cast<size_t>(term) + 1].row - row) * layout.row_ranks);
      const auto cell_bytes = static_cast<size_t>(layout.cell_bytes);
      auto next = static_cast<size_t>(cell);
      size_t before = 0;  // the rank of the cell before it; few enough documents for steps of 16 bits
      for (const auto& [place, weight] : cells) {
        if (place < head) continue;
        const uint8_t* found = lists.tail.data() + next++ * cell_bytes;
        const bool is_right = lists.largest > 0
                                  ? ReadLow(found, 4) == (place << 8U | static_cast<uint32_t>(weight))
                                  : before + ReadLow(found, 2) == place && std::bit_cast<float>(ReadLow(found + 2, 4)) == weight;
        before = place;
        if (!is_right) return "the list of term " + std::to_string(term) + " differs at rank " + std::to_string(place);
      }
    }
    return "";
  }

 private:
  Inputs& inputs_;
  std::unique_ptr<OwnedPairLists> lists_;
  Status status_;
};

// The first ranks with each other (square), or the very first with all behind these (strip): without lists.
class TileSumsCase : public Case {
 public:
  TileSumsCase(Inputs& inputs, bool is_strip)
      : Case(is_strip ? "SumPairStrip" : "SumPairSquare", true),
        is_strip_(is_strip),
        documents_(inputs.matrix().by_item()),
        terms_(inputs.matrix().by_user()),
        weights_(inputs.item_weights()),
        order_(static_cast<size_t>(documents_.rows)) {}

  void Prepare() override {
    status_ = OrderByDegree(documents_, order_);
    square_ranks_ = SquareRanks(documents_, order_, 0);
    columns_ = is_strip_ ? StripRanks(documents_, order_, square_ranks_) : square_ranks_;
    rows_ = is_strip_ ? RowRange{square_ranks_, documents_.rows} : RowRange{0, square_ranks_};
    sums_.resize(static_cast<size_t>(columns_ * rows_.end));
  }
  Cost cost() const override {
    double madds = 0;
    for (int64_t rank = rows_.begin; rank < rows_.end; ++rank) {
      const int64_t columns = std::min(columns_, (rank / kPairTile + 1) * kPairTile);
      madds += static_cast<double>(documents_.degree(order_[static_cast<size_t>(rank)]) * columns);
    }
    return {.work = madds, .unit = "madds", .flops = 2 * madds};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    if (is_strip_) return SumPairStrip(documents_, terms_, weights_.view(), order_, 0, 1, {}, square_ranks_, columns_, sums_);
    return SumPairSquare(documents_, terms_, weights_.view(), order_, 0, 1, {}, columns_, sums_);
  }
  // Cosine's weights are the values; the scale is what is left.
  std::string Wrong() const override {
    const std::span<const float> scale = weights_.view().scale;
    for (const int64_t rank : SampleRows(rows_)) {
      const int32_t document = order_[static_cast<size_t>(rank)];
      const std::vector<double> scores = PlainSimilarities(documents_, terms_, document);
      for (int64_t h = 0; h < std::min(rank, columns_); ++h) {
        const auto other = static_cast<size_t>(order_[static_cast<size_t>(h)]);
        const double score = static_cast<double>(sums_[static_cast<size_t>(PairSumAt(rows_.end, h, rank))]) *
                             static_cast<double>(scale[static_cast<size_t>(document)]) * static_cast<double>(scale[other]);
        if (std::abs(score - scores[other]) > 1e-5 * scores[other])
          return "the sum of ranks " + std::to_string(rank) + " and " + std::to_string(h);
      }
    }
    return "";
  }

 private:
  const bool is_strip_;
  CsrView documents_;
  CsrView terms_;
  const OwnedWeights& weights_;
  std::vector<int32_t> order_;
  int64_t square_ranks_ = 0;
  int64_t columns_ = 0;
  RowRange rows_;
  std::vector<float> sums_;
  Status status_;
};

// The first ranks with each other: the longest rows.
class AddPairsCase : public Case {
 public:
  explicit AddPairsCase(Inputs& inputs) : Case("AddPairs", true), inputs_(inputs), ranks_(inputs.sizes().similar_items) {}

  void Prepare() override {
    lists_ = std::make_unique<OwnedPairLists>(inputs_);
    status_ = lists_->Plan();
    if (status_.ok()) status_ = lists_->Fill();
    const int64_t documents = lists_->documents.rows;
    entries_.resize(static_cast<size_t>(documents * BestListCapacity(kNeighbours)));
    counts_.resize(static_cast<size_t>(documents));
    thresholds_.resize(static_cast<size_t>(documents));
    bounds_.resize(static_cast<size_t>(documents));
  }
  Cost cost() const override {
    double madds = 0;
    for (int64_t rank = 0; rank < ranks_; ++rank) madds += lists_->work()[static_cast<size_t>(rank)] + static_cast<double>(rank) / 8;
    return {.work = madds, .unit = "madds", .scatter_adds = madds, .scatter_bytes = ranks_ * 4};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    std::ranges::fill(counts_, 0);
    std::ranges::fill(thresholds_, 0.0F);
    std::ranges::fill(bounds_, 0.0F);
    return AddPairs(lists_->documents, lists_->terms, lists_->weights().view(), lists_->view(), {0, ranks_}, kNeighbours, false, {},
                    {entries_, counts_, thresholds_, bounds_});
  }
  std::string Wrong() const override {
    const int64_t documents = lists_->documents.rows;
    OwnedLists found(documents, kNeighbours);
    std::vector<uint64_t> entries = entries_;
    std::vector<int32_t> counts = counts_;
    std::vector<float> thresholds = thresholds_;
    std::vector<float> bounds = bounds_;
    const Status merged = MergeBestLists(lists_->order(), {entries, counts, thresholds, bounds}, 1, {0, documents}, kNeighbours,
                                         found.indices, found.scores, found.counts);
    if (!merged.ok()) return merged.message();
    std::vector<uint8_t> added(static_cast<size_t>(documents), 0);
    for (int64_t rank = 0; rank < ranks_; ++rank) added[static_cast<size_t>(lists_->order()[static_cast<size_t>(rank)])] = 1;
    std::vector<int64_t> rows;
    for (const int64_t rank : SampleRows({0, ranks_})) rows.push_back(lists_->order()[static_cast<size_t>(rank)]);
    return WrongLists(lists_->documents, lists_->terms, rows, found, [&](size_t other) { return added[other] != 0; });
  }

 private:
  Inputs& inputs_;
  int64_t ranks_;
  std::unique_ptr<OwnedPairLists> lists_;
  std::vector<uint64_t> entries_;
  std::vector<int32_t> counts_;
  std::vector<float> thresholds_;
  std::vector<float> bounds_;
  Status status_;
};

// Candidates of the users of a matrix that has only those, in two groups.
class OwnedCandidates {
 public:
  explicit OwnedCandidates(Inputs& inputs)
      : documents(inputs.pair_matrix().by_user()),
        terms(inputs.pair_matrix().by_item()),
        weights_(inputs.pair_weights()),
        entries_(static_cast<size_t>(documents.rows * CandidateCapacity(kNeighbours))),
        counts_(static_cast<size_t>(documents.rows)),
        kth_lower_(counts_.size()),
        error_(counts_.size()) {}

  Status Add() {
    COUPONCAST_RETURN_IF_ERROR(weights_.status);
    std::ranges::fill(counts_, 0);
    std::ranges::fill(kth_lower_, 0.0F);
    std::ranges::fill(error_, 0.0F);
    const RowRange first{0, documents.rows / 2};
    const RowRange second{first.end, documents.rows};
    for (const auto& [group, other] : std::array<std::pair<RowRange, RowRange>, 3>{{{first, first}, {first, second}, {second, second}}}) {
      bool applies = false;
      COUPONCAST_RETURN_IF_ERROR(AddPairTiles(documents, terms, weights_.view(), group, other, kNeighbours, {}, view(), &applies));
      if (!applies) return InvalidArgument("the tiles do not apply");
    }
    return {};
  }
  Status Answer(RowRange range, OwnedLists& lists) {
    return AnswerPairTiles(documents, terms, weights_.view(), range, kNeighbours, false, {}, view(), lists.indices, lists.scores,
                           lists.counts);
  }

  CsrView documents;
  CsrView terms;

 private:
  CandidateLists view() { return {entries_, counts_, kth_lower_, error_}; }

  const OwnedWeights& weights_;
  std::vector<ScoredIndex> entries_;
  std::vector<int32_t> counts_;
  std::vector<float> kth_lower_;
  std::vector<float> error_;
};

// By definition, as of SimilarRows, each pair once.
double PairAdditions(const CsrView& documents, const CsrView& terms) {
  std::vector<double> work(static_cast<size_t>(documents.rows));
  double madds = 0;
  if (SimilarityWork(documents, terms, {0, documents.rows}, work).ok()) {
    for (const double row : work) madds += row / 2;
  }
  return madds;
}

class AddTilesCase : public Case {
 public:
  explicit AddTilesCase(Inputs& inputs) : Case("AddPairTiles", true), inputs_(inputs) {}

  void Prepare() override { candidates_ = std::make_unique<OwnedCandidates>(inputs_); }
  Cost cost() const override {
    const double madds = PairAdditions(candidates_->documents, candidates_->terms);
    return {.work = madds, .unit = "madds", .scatter_adds = madds, .scatter_bytes = candidates_->documents.rows * 4};
  }
  Status Run() override { return candidates_->Add(); }
  std::string Wrong() const override {
    const int64_t rows = candidates_->documents.rows;
    OwnedLists lists(rows, kNeighbours);
    OwnedCandidates copy = *candidates_;
    const Status status = copy.Answer({0, rows}, lists);
    if (!status.ok()) return status.message();
    return WrongLists(copy.documents, copy.terms, SampleRows({0, rows}), lists, [](size_t) { return true; });
  }

 private:
  Inputs& inputs_;
  std::unique_ptr<OwnedCandidates> candidates_;
};

class AnswerTilesCase : public Case {
 public:
  explicit AnswerTilesCase(Inputs& inputs)
      : Case("AnswerPairTiles", true), inputs_(inputs), lists_(inputs.sizes().pair_users, kNeighbours) {}

  void Prepare() override {
    candidates_ = std::make_unique<OwnedCandidates>(inputs_);
    status_ = candidates_->Add();
  }
  Cost cost() const override {
    const double madds = 2 * PairAdditions(candidates_->documents, candidates_->terms);
    return {.work = madds, .unit = "madds", .scatter_adds = madds, .scatter_bytes = candidates_->documents.rows * 4};
  }
  // On a copy: an answer may shorten the lists.
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    OwnedCandidates copy = *candidates_;
    return copy.Answer({0, lists_.rows}, lists_);
  }
  std::string Wrong() const override {
    return WrongLists(candidates_->documents, candidates_->terms, SampleRows({0, lists_.rows}), lists_, [](size_t) { return true; });
  }

 private:
  Inputs& inputs_;
  OwnedLists lists_;
  std::unique_ptr<OwnedCandidates> candidates_;
  Status status_;
};

}  // namespace

void AddPairCases(Inputs& inputs, Cases& cases) {
  cases.push_back(std::make_unique<FillCase>(inputs));
  cases.push_back(std::make_unique<TileSumsCase>(inputs, false));
  cases.push_back(std::make_unique<TileSumsCase>(inputs, true));
  cases.push_back(std::make_unique<AddPairsCase>(inputs));
  cases.push_back(std::make_unique<AddTilesCase>(inputs));
  cases.push_back(std::make_unique<AnswerTilesCase>(inputs));
}

}  // namespace couponcast::bench
