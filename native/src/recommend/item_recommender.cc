#include "couponcast/item_recommender.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "recommend/check_options.h"
#include "recommend/list_shape.h"
#include "recommend/prefetch_list.h"
#include "recommend/row_scorer.h"
#include "recommend/transform.h"

namespace couponcast {

ItemRecommender::~ItemRecommender() = default;

Result<std::unique_ptr<ItemRecommender>> ItemRecommender::Create(const NeighbourLists& model, const WeightingParams& transform,
                                                                 const RecommendOptions& options) {
  if (!HasListShape(model)) return InvalidArgument("the model's indices, scores and counts do not fit rows x k");
  const Status status = CheckOptions(options, model.rows);
  if (!status.ok()) return status;
  std::unique_ptr<ItemRecommender> made(new ItemRecommender());
  made->num_items_ = model.rows;
  made->k_ = model.k;
  made->indices_.assign(model.indices.begin(), model.indices.end());
  made->scores_.assign(model.scores.begin(), model.scores.end());
  made->counts_.assign(model.counts.begin(), model.counts.end());
  made->transform_ = transform;
  made->allowed_.assign(options.allowed.begin(), options.allowed.end());
  made->options_ = options;
  made->options_.allowed = made->allowed_;
  made->options_.fallback = {};
  const auto& fallback = options.fallback;
  if (fallback.indptr.size() > 1) {
    const auto begin = static_cast<size_t>(fallback.indptr[fallback.indptr.size() - 2]);
    const auto size = fallback.items.size() - begin;
    made->popular_.indptr = {0, static_cast<int64_t>(size)};
    made->popular_.items.assign(fallback.items.begin() + static_cast<std::ptrdiff_t>(begin), fallback.items.end());
    made->popular_.scores.assign(fallback.scores.begin() + static_cast<std::ptrdiff_t>(begin), fallback.scores.end());
    made->options_.fallback = {{}, made->popular_.indptr, made->popular_.items, made->popular_.scores};
  }
  made->scorer_ = std::make_unique<RowScorer>(model.rows, made->options_);
  return made;
}

Status ItemRecommender::Recommend(std::span<const int32_t> items, std::span<const float> values, const RecommendOutput& output) {
  if (!values.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("values", values.size(), std::ssize(items)));
  COUPONCAST_RETURN_IF_ERROR(CheckOutput(output, 1, options_.n));
  row_.clear();
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i] < 0 || items[i] >= num_items_) {
      return OutOfRange("item " + std::to_string(items[i]) + " of the row is not one of the model's " + std::to_string(num_items_));
    }
    row_.push_back({items[i], values.empty() ? 1.0F : values[i]});
  }
  const auto by_item = [](const Cell& a, const Cell& b) { return a.item < b.item; };
  // Sums run in ascending order of the item, whatever the order of the row.
  if (!std::ranges::is_sorted(row_, by_item)) std::ranges::sort(row_, by_item);
  seen_.clear();
  for (const Cell& cell : row_) {
    if (!seen_.empty() && seen_.back() == cell.item) return InvalidArgument("item " + std::to_string(cell.item) + " is in the row twice");
    seen_.push_back(cell.item);
  }
  for (size_t i = 0; i < row_.size(); ++i) {
    if (i + kListsAhead < row_.size()) {
      PrefetchList(indices_.data(), scores_.data(), static_cast<size_t>(k_), row_[i + kListsAhead].item);
    }
    const auto item = static_cast<size_t>(row_[i].item);
    const auto count = static_cast<size_t>(counts_[item]);
    const auto at = item * static_cast<size_t>(k_);
    scorer_->AddList(std::span(indices_).subspan(at, count), std::span(scores_).subspan(at, count), Transform(transform_, row_[i].value));
  }
  scorer_->Finish(0, seen_, 0, output);
  return {};
}

}  // namespace couponcast
