#include <hwy/aligned_allocator.h>

#include <cmath>
#include <span>
#include <utility>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "bench/native/random.h"
#include "couponcast/similarity.h"
#include "similarity/head_tile.h"

namespace couponcast::bench {
namespace {

constexpr int64_t kNeighbours = 20;

class HeadTileCase : public Case {
 public:
  explicit HeadTileCase(Inputs& inputs) : Case("AddHeadRows", true), columns_(inputs.sizes().tile_columns) {}

  // Of a query every fourth row, from another one on.
  void Prepare() override {
    Random random(11);
    levels_.resize(static_cast<size_t>(kRows * columns_));
    for (uint16_t& level : levels_) level = static_cast<uint16_t>(random.Below(65'536 / kTerms));
    for (int64_t q = 0; q < kTileQueries; ++q) {
      for (int64_t row = q % 4; row < kRows; row += 4) {
        terms_.push_back({static_cast<uint32_t>(row), static_cast<uint16_t>(random.Below(65'536))});
      }
      begin_.push_back(std::ssize(terms_));
    }
    sums_.resize(static_cast<size_t>(kTileQueries * columns_));
  }
  Cost cost() const override {
    const auto madds = static_cast<double>(kTileQueries * kTerms * columns_);
    return {.work = madds, .unit = "madds", .read_bytes = 2 * madds, .read_set_bytes = 2 * kRows * kTileStep};
  }
  Status Run() override {
    AddHeadRows(terms_.data(), begin_.data(), kTileQueries, {levels_.data(), kRows, columns_}, columns_, sums_.data());
    return {};
  }
  std::string Wrong() const override {
    for (int64_t q = 0; q < kTileQueries; ++q) {
      for (int64_t c = 0; c < columns_; ++c) {
        uint32_t sum = 0;
        for (int64_t i = begin_[static_cast<size_t>(q)]; i < begin_[static_cast<size_t>(q) + 1]; ++i) {
          const auto [row, level] = terms_[static_cast<size_t>(i)];
          const int64_t at = (c / kTileStep * kRows + row) * kTileStep + c % kTileStep;
          sum += level * uint32_t{levels_[static_cast<size_t>(at)]} >> 16U;
        }
        if (sums_[static_cast<size_t>(q * columns_ + c)] != sum) {
          return "the sum of query " + std::to_string(q) + " and column " + std::to_string(c) + " differs";
        }
      }
    }
    return "";
  }

 private:
  static constexpr int64_t kRows = 64;
  static constexpr int64_t kTerms = kRows / 4;

  int64_t columns_;
  hwy::AlignedVector<uint16_t> levels_;
  std::vector<HeadTerm> terms_;
  std::vector<int64_t> begin_ = {0};
  std::vector<uint16_t> sums_;
};

enum class Axis : uint8_t { kUsers, kItems };

// The nearest rows of the first `rows` rows.
class SimilarCase : public Case {
 public:
  SimilarCase(const std::string& name, Inputs& inputs, Axis axis, int64_t rows)
      : Case("SimilarRows/" + name, true), inputs_(inputs), axis_(axis), lists_(rows, kNeighbours) {}

  void Prepare() override {
    const OwnedMatrix& matrix = inputs_.matrix();
    documents_ = axis_ == Axis::kUsers ? matrix.by_user() : matrix.by_item();
    terms_ = axis_ == Axis::kUsers ? matrix.by_item() : matrix.by_user();
    weights_ = axis_ == Axis::kUsers ? &inputs_.user_weights() : &inputs_.item_weights();
  }
  // By definition, however it is done: a share above 1 is what a way around the additions gains.
  Cost cost() const override {
    std::vector<double> work(static_cast<size_t>(lists_.rows));
    double madds = 0;
    if (SimilarityWork(documents_, terms_, {0, lists_.rows}, work).ok()) {
      for (const double row : work) madds += row;
    }
    return {.work = madds, .unit = "madds", .scatter_adds = madds, .scatter_bytes = documents_.rows * 4};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(weights_->status);
    return SimilarRows(documents_, terms_, weights_->view(), {0, lists_.rows}, kNeighbours, false, {}, lists_.indices, lists_.scores,
                       lists_.counts);
  }
  std::string Wrong() const override {
    for (const int64_t row : SampleRows({0, lists_.rows})) {
      const auto at = static_cast<size_t>(row * kNeighbours);
      const std::string wrong = WrongBest(PlainSimilarities(documents_, terms_, row), std::span(lists_.indices).subspan(at, kNeighbours),
                                          std::span(lists_.scores).subspan(at, kNeighbours), lists_.counts[static_cast<size_t>(row)]);
      if (!wrong.empty()) return "row " + std::to_string(row) + ": " + wrong;
    }
    return "";
  }

 private:
  Inputs& inputs_;
  Axis axis_;
  CsrView documents_;
  CsrView terms_;
  const OwnedWeights* weights_ = nullptr;
  OwnedLists lists_;
};

// Of the items, whose cells are one long run a document.
class WeightsCase : public Case {
 public:
  WeightsCase(const std::string& name, Inputs& inputs, Weighting weighting)
      : Case("DocumentWeights/" + name, false), inputs_(inputs), weighting_(weighting) {}

  void Prepare() override {
    documents_ = inputs_.matrix().by_item();
    terms_ = inputs_.matrix().by_user();
    term_weight_.resize(static_cast<size_t>(documents_.cols));
    length_.resize(static_cast<size_t>(documents_.rows));
    scale_.resize(static_cast<size_t>(documents_.rows));
  }
  // BM25 needs the values, cosine the indices of the terms as well.
  Cost cost() const override {
    const int64_t bytes = documents_.nnz() * (weighting_ == Weighting::kBm25 ? 4 : 8);
    return {
        .work = static_cast<double>(documents_.nnz()), .unit = "cells", .read_bytes = static_cast<double>(bytes), .read_set_bytes = bytes};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(WeighTerms(documents_, terms_, {weighting_}, {}, term_weight_, length_));
    return ScaleDocuments(documents_, {{weighting_}, term_weight_, length_, {}}, {0, documents_.rows}, {}, scale_);
  }
  std::string Wrong() const override {
    double mean = 0;
    for (const float value : documents_.values) mean += static_cast<double>(value) / static_cast<double>(documents_.rows);
    for (const int64_t row : SampleRows({0, documents_.rows})) {
      double sum = 0;
      double squares = 0;
      for (const float value : documents_.row_values(row)) {
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
      }
      const WeightingParams defaults;
      const double scale = weighting_ == Weighting::kBm25 ? 1 : (squares > 0 ? 1 / std::sqrt(squares) : 0);
      if (!Near(scale_[static_cast<size_t>(row)], scale)) return "the scale of row " + std::to_string(row) + " differs";
      const double length = weighting_ == Weighting::kBm25 ? defaults.k1 * (1 - defaults.b + defaults.b * sum / mean) : defaults.lambda;
      if (!Near(length_[static_cast<size_t>(row)], length)) return "the length of row " + std::to_string(row) + " differs";
    }
    for (const int64_t term : SampleRows({0, terms_.rows})) {
      const double share = static_cast<double>(documents_.rows) / (1 + static_cast<double>(terms_.degree(term)));
      const double idf = weighting_ == Weighting::kBm25 ? std::max(std::log(share), 0.0) : 1;
      if (!Near(term_weight_[static_cast<size_t>(term)], idf)) return "the weight of term " + std::to_string(term) + " differs";
    }
    return "";
  }

 private:
  Inputs& inputs_;
  Weighting weighting_;
  CsrView documents_;
  CsrView terms_;
  std::vector<float> term_weight_;
  std::vector<float> length_;
  std::vector<float> scale_;
};

}  // namespace

void AddSimilarityCases(Inputs& inputs, Cases& cases) {
  cases.push_back(std::make_unique<HeadTileCase>(inputs));
  cases.push_back(std::make_unique<SimilarCase>("users", inputs, Axis::kUsers, inputs.sizes().similar_users));
  cases.push_back(std::make_unique<SimilarCase>("one_user", inputs, Axis::kUsers, 1));
  cases.push_back(std::make_unique<SimilarCase>("items", inputs, Axis::kItems, inputs.sizes().similar_items));
  cases.push_back(std::make_unique<WeightsCase>("cosine", inputs, Weighting::kCosine));
  cases.push_back(std::make_unique<WeightsCase>("bm25", inputs, Weighting::kBm25));
}

}  // namespace couponcast::bench
