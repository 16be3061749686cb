#include "couponcast/item_recommender.h"

#include <algorithm>
#include <limits>
#include <string>
#include <variant>

#include "base/check.h"
#include "recommend/check_options.h"
#include "recommend/list_shape.h"
#include "recommend/packed_lists.h"
#include "recommend/row_scorer.h"
#include "recommend/transform.h"

namespace couponcast {
namespace {

constexpr size_t kAhead = 12;  // so many lists before its turn a list is fetched

using AnyLists = std::variant<PackedLists<uint16_t>, PackedLists<int32_t>>;

// Half of the bytes of an index where that holds all items.
AnyLists Pack(const NeighbourLists& model) {
  if (model.rows <= int64_t{std::numeric_limits<uint16_t>::max()} + 1) return PackedLists<uint16_t>(model);
  return PackedLists<int32_t>(model);
}

}  // namespace

struct ItemRecommender::Lists {
  AnyLists any;
};

ItemRecommender::ItemRecommender() = default;
ItemRecommender::~ItemRecommender() = default;

Result<std::unique_ptr<ItemRecommender>> ItemRecommender::Create(const NeighbourLists& model, const WeightingParams& transform,
                                                                 const RecommendOptions& options) {
  if (!HasListShape(model)) return InvalidArgument("the model's indices, scores and counts do not fit rows x k");
  const Status status = CheckOptions(options, model.rows);
  if (!status.ok()) return status;
  std::unique_ptr<ItemRecommender> made(new ItemRecommender());
  made->num_items_ = model.rows;
  made->lists_ = std::make_unique<Lists>(Pack(model));
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
  std::visit(
      [&](const auto& lists) {
        for (size_t i = 0; i < std::min(kAhead, row_.size()); ++i) lists.Prefetch(row_[i].item);
        for (size_t i = 0; i < row_.size(); ++i) {
          if (i + kAhead < row_.size()) lists.Prefetch(row_[i + kAhead].item);
          const auto list = lists.Of(row_[i].item);
          scorer_->AddList(list.indices, list.scores, Transform(transform_, row_[i].value));
        }
      },
      lists_->any);
  scorer_->Finish(0, seen_, 0, output);
  return {};
}

}  // namespace couponcast
