#include <memory>
#include <span>
#include <utility>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "bench/native/random.h"
#include "couponcast/affinity.h"
#include "couponcast/item_recommender.h"
#include "couponcast/recommend.h"

namespace couponcast::bench {
namespace {

constexpr int64_t kWidth = 20;

// Additions of the first users' scores.
Cost RecommendCost(const CsrView& users, const NeighbourLists& model, int64_t rows) {
  double entries = 0;
  for (int64_t i = 0; i < users.indptr[static_cast<size_t>(rows)]; ++i) {
    entries += model.counts[static_cast<size_t>(users.indices[static_cast<size_t>(i)])];
  }
  return {.work = entries, .unit = "madds", .scatter_adds = entries, .scatter_bytes = users.cols * 4};
}

std::string WrongItems(const CsrView& users, const NeighbourLists& model, int64_t rows, std::span<const int32_t> items,
                       std::span<const float> scores, std::span<const int32_t> counts) {
  for (const int64_t row : SampleRows({0, rows})) {
    const auto at = static_cast<size_t>(row * kWidth);
    const std::string wrong = WrongBest(PlainItemScores(users, model, row), items.subspan(at, kWidth), scores.subspan(at, kWidth),
                                        counts[static_cast<size_t>(row)]);
    if (!wrong.empty()) return "user " + std::to_string(row) + ": " + wrong;
  }
  return "";
}

double Cells(const CsrView& users, int64_t rows) { return static_cast<double>(users.indptr[static_cast<size_t>(rows)]); }

class RecommendCase : public Case {
 public:
  explicit RecommendCase(Inputs& inputs) : Case("RecommendFromItems", true), inputs_(inputs), rows_(inputs.sizes().recommend_users) {}

  void Prepare() override {
    users_ = inputs_.matrix().by_user();
    model_ = inputs_.model().view();
    items_.resize(static_cast<size_t>(rows_ * kWidth));
    scores_.resize(items_.size());
    sources_.resize(items_.size());
    counts_.resize(static_cast<size_t>(rows_));
  }
  Cost cost() const override { return RecommendCost(users_, model_, rows_); }
  Status Run() override {
    RecommendOptions options;
    options.n = kWidth;
    return RecommendFromItems(users_, model_, {}, {0, rows_}, options, {}, {items_, scores_, sources_, counts_});
  }
  std::string Wrong() const override { return WrongItems(users_, model_, rows_, items_, scores_, counts_); }

 private:
  Inputs& inputs_;
  int64_t rows_;
  CsrView users_;
  NeighbourLists model_;
  std::vector<int32_t> items_;
  std::vector<float> scores_;
  std::vector<uint8_t> sources_;
  std::vector<int32_t> counts_;
};

// The same users, one after the other.
class ItemRecommenderCase : public Case {
 public:
  explicit ItemRecommenderCase(Inputs& inputs) : Case("ItemRecommender", true), inputs_(inputs), rows_(inputs.sizes().recommend_users) {}

  void Prepare() override {
    users_ = inputs_.matrix().by_user();
    model_ = inputs_.model().view();
    RecommendOptions options;
    options.n = kWidth;
    auto made = ItemRecommender::Create(model_, {}, options);
    status_ = made.status();
    if (made.ok()) recommender_ = std::move(made.value());
    items_.resize(static_cast<size_t>(rows_ * kWidth));
    scores_.resize(items_.size());
    sources_.resize(items_.size());
    counts_.resize(static_cast<size_t>(rows_));
  }
  Cost cost() const override { return RecommendCost(users_, model_, rows_); }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    constexpr auto kPlaces = static_cast<size_t>(kWidth);
    for (int64_t row = 0; row < rows_; ++row) {
      const auto at = static_cast<size_t>(row);
      const RecommendOutput output{std::span(items_).subspan(at * kPlaces, kPlaces), std::span(scores_).subspan(at * kPlaces, kPlaces),
                                   std::span(sources_).subspan(at * kPlaces, kPlaces), std::span(counts_).subspan(at, 1)};
      COUPONCAST_RETURN_IF_ERROR(recommender_->Recommend(users_.row_indices(row), users_.row_values(row), output));
    }
    return {};
  }
  std::string Wrong() const override { return WrongItems(users_, model_, rows_, items_, scores_, counts_); }

 private:
  Inputs& inputs_;
  int64_t rows_;
  CsrView users_;
  NeighbourLists model_;
  std::unique_ptr<ItemRecommender> recommender_;
  std::vector<int32_t> items_;
  std::vector<float> scores_;
  std::vector<uint8_t> sources_;
  std::vector<int32_t> counts_;
  Status status_;
};

class AffinityCase : public Case {
 public:
  explicit AffinityCase(Inputs& inputs) : Case("AffinityFromItems", true), inputs_(inputs), rows_(inputs.sizes().affinity_users) {}

  void Prepare() override {
    users_ = inputs_.matrix().by_user();
    Random random(12);
    weights_.resize(static_cast<size_t>(users_.cols * kColumns));
    for (float& weight : weights_) weight = static_cast<float>(random.Unit());
    affinity_.resize(static_cast<size_t>(rows_ * kColumns));
  }
  Cost cost() const override {
    const double madds = Cells(users_, rows_) * kColumns;
    return {.work = madds,
            .unit = "madds",
            .flops = 2 * madds,
            .read_bytes = 4 * madds,
            .read_set_bytes = static_cast<int64_t>(weights_.size()) * 4};
  }
  Status Run() override { return AffinityFromItems(users_, weights_, kColumns, {}, {0, rows_}, {}, affinity_); }
  std::string Wrong() const override {
    for (const int64_t row : SampleRows({0, rows_})) {
      const auto indices = users_.row_indices(row);
      const auto values = users_.row_values(row);
      for (int64_t column = 0; column < kColumns; ++column) {
        double sum = 0;
        for (size_t i = 0; i < indices.size(); ++i) {
          sum += static_cast<double>(values[i]) * static_cast<double>(weights_[static_cast<size_t>(indices[i] * kColumns + column)]);
        }
        if (!Near(affinity_[static_cast<size_t>(row * kColumns + column)], sum)) {
          return "user " + std::to_string(row) + ", column " + std::to_string(column) + " differs";
        }
      }
    }
    return "";
  }

 private:
  static constexpr int64_t kColumns = 51;  // fifty coupons and all items

  Inputs& inputs_;
  int64_t rows_;
  CsrView users_;
  std::vector<float> weights_;
  std::vector<float> affinity_;
};

}  // namespace

void AddRecommendCases(Inputs& inputs, Cases& cases) {
  cases.push_back(std::make_unique<RecommendCase>(inputs));
  cases.push_back(std::make_unique<ItemRecommenderCase>(inputs));
  cases.push_back(std::make_unique<AffinityCase>(inputs));
}

}  // namespace couponcast::bench
