// Scores of one user's items: what recommends from items, from users and for a single row share.
#ifndef COUPONCAST_RECOMMEND_ROW_SCORER_H_
#define COUPONCAST_RECOMMEND_ROW_SCORER_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "couponcast/recommend.h"
#include "recommend/row_answer.h"
#include "recommend/touched_sums.h"

namespace couponcast {

// Scores of one user at a time: contributions in, the best n out.
class RowScorer {
 public:
  RowScorer(int64_t items, const RecommendOptions& options)
      : options_(options), sums_(items, options.n), weights_(options.normalise ? static_cast<size_t>(items) : 0), answer_(options) {}

  void Add(int32_t item, float weight, float value) {
    sums_.Add(item, weight * value);
    if (options_.normalise) weights_[static_cast<size_t>(item)] += weight;
  }
  // Adds weights[j] * value for each of distinct items.
  template <typename Item>
  void AddList(std::span<const Item> items, std::span<const float> weights, float value) {
    sums_.AddScaled(items, weights, value);
    if (!options_.normalise) return;
    for (size_t j = 0; j < items.size(); ++j) weights_[static_cast<size_t>(items[j])] += weights[j];
  }

  // Ranks what was added and clears it. `seen` is the user's own row, ascending.
  void Finish(int64_t user, std::span<const int32_t> seen, int64_t place, const RecommendOutput& output) {
    // What is 0 is no answer.
    if (options_.filter_seen) {
      for (const int32_t item : seen) sums_[item] = 0;
    }
    const bool as_is = !options_.normalise && options_.allowed.empty();
    const auto best = as_is ? sums_.TakeBest() : sums_.TakeBest([&](int32_t item, float sum) { return Final(item, sum); });
    answer_.Write(best, user, seen, place, output);
  }

 private:
  float Final(int32_t item, float sum) {
    if (options_.normalise) {
      const float weight = std::exchange(weights_[static_cast<size_t>(item)], 0.0F);
      sum = weight > 0 ? sum / weight : 0.0F;
    }
    return answer_.Allowed(item) ? sum : 0.0F;
  }

  const RecommendOptions& options_;
  TouchedSums sums_;
  std::vector<float> weights_;
  RowAnswer answer_;
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_ROW_SCORER_H_
