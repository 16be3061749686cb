// Scores of one user's items: what recommends from items, from users and for a single row share.
#ifndef COUPONCAST_RECOMMEND_ROW_SCORER_H_
#define COUPONCAST_RECOMMEND_ROW_SCORER_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/accumulator.h"
#include "base/top_k.h"
#include "couponcast/recommend.h"
#include "recommend/row_answer.h"

namespace couponcast {

// Scores of one user at a time: contributions in, the best n out.
class RowScorer {
 public:
  RowScorer(int64_t items, const RecommendOptions& options)
      : options_(options),
        sums_(items),
        weights_(options.normalise ? static_cast<size_t>((items + kLine - 1) / kLine * kLine) : 0),
        best_(options.n),
        answer_(options) {}

  void Add(int32_t item, float weight, float value) {
    sums_.Add(item, weight * value);
    if (options_.normalise) weights_[static_cast<size_t>(item)] += weight;
  }
  // Adds weights[j] * value for each of distinct items.
  void AddList(std::span<const int32_t> items, std::span<const float> weights, float value) {
    sums_.AddScaled(items, weights, value);
    if (!options_.normalise) return;
    for (size_t j = 0; j < items.size(); ++j) weights_[static_cast<size_t>(items[j])] += weights[j];
  }

  // Ranks what was added and clears it. `seen` is the user's own row, ascending.
  void Finish(int64_t user, std::span<const int32_t> seen, int64_t place, const RecommendOutput& output) {
    if (options_.normalise) DivideByWeights();
    // What is set to 0 is not above the threshold.
    if (options_.filter_seen) {
      for (const int32_t item : seen) sums_[item] = 0;
    }
    if (!options_.allowed.empty()) {
      sums_.ForEachTouched([&](int64_t first, float* block) {
        const int64_t size = std::min(kLine, std::ssize(options_.allowed) - first);
        for (int64_t j = 0; j < size; ++j) block[j] = answer_.Allowed(static_cast<int32_t>(first + j)) ? block[j] : 0.0F;
      });
    }
    sums_.DrainInto(&best_);
    answer_.Write(best_.Sorted(), user, seen, place, output);
  }

 private:
  void DivideByWeights() {
    sums_.ForEachTouched([&](int64_t first, float* block) {
      for (int64_t j = 0; j < kLine; ++j) {
        float& weight = weights_[static_cast<size_t>(first + j)];
        block[j] = weight > 0 ? block[j] / weight : 0.0F;
        weight = 0;
      }
    });
  }

  const RecommendOptions& options_;
  Accumulator sums_;
  std::vector<float> weights_;
  TopK best_;
  RowAnswer answer_;
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_ROW_SCORER_H_
