// Recommendations for one row at a time, as a service asks for them between two requests.
#ifndef COUPONCAST_ITEM_RECOMMENDER_H_
#define COUPONCAST_ITEM_RECOMMENDER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "couponcast/recommend.h"
#include "couponcast/status.h"
#include "couponcast/weighting.h"

namespace couponcast {

class RowScorer;

// Holds a copy of an item model and the buffers of a call, so that a call costs what the row touches.
// Not thread-safe: one per thread.
class ItemRecommender {
 public:
  // The model must be one of CheckNeighbours, with items unique within a list. Of `options` n, filter_seen, normalise,
  // allowed and the last list of `fallback` count. Errors: kInvalidArgument.
  static Result<std::unique_ptr<ItemRecommender>> Create(const NeighbourLists& model, const WeightingParams& transform,
                                                         const RecommendOptions& options);
  ~ItemRecommender();
  ItemRecommender(const ItemRecommender&) = delete;
  ItemRecommender& operator=(const ItemRecommender&) = delete;

  int64_t n() const { return options_.n; }

  // The row {items[i]: values[i]} as RecommendFromItems scores a user's; no values: all are 1. `output` has n places and one
  // count. Cost: one multiply-add per list entry, and a sort of the row unless it is ascending.
  // Errors: kInvalidArgument (sizes, an item twice), kOutOfRange (an item that the model does not have).
  Status Recommend(std::span<const int32_t> items, std::span<const float> values, const RecommendOutput& output);

 private:
  struct Lists;

  ItemRecommender();

  int64_t num_items_ = 0;
  std::unique_ptr<Lists> lists_;
  WeightingParams transform_;
  RecommendOptions options_;
  std::vector<uint8_t> allowed_;
  PopularityLists popular_;
  std::unique_ptr<RowScorer> scorer_;
  struct Cell {
    int32_t item;
    float value;
  };
  std::vector<Cell> row_;
  std::vector<int32_t> seen_;
};

}  // namespace couponcast

#endif  // COUPONCAST_ITEM_RECOMMENDER_H_
