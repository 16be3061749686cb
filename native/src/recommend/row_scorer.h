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

namespace couponcast {

// Scores of one user at a time: contributions in, the best n out.
class RowScorer {
 public:
  RowScorer(int64_t items, const RecommendOptions& options)
      : options_(options),
        sums_(items),
        weights_(options.normalise ? static_cast<size_t>((items + kLine - 1) / kLine * kLine) : 0),
        best_(options.n) {}

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
        for (int64_t j = 0; j < size; ++j) block[j] = Allowed(static_cast<int32_t>(first + j)) ? block[j] : 0.0F;
      });
    }
    sums_.DrainInto(&best_);
    const auto n = static_cast<size_t>(options_.n);
    const auto at = static_cast<size_t>(place) * n;
    size_t count = 0;
    const auto emit = [&](int32_t item, float score, ScoreSource source) {
      output.items[at + count] = item;
      output.scores[at + count] = score;
      output.sources[at + count] = static_cast<uint8_t>(source);
      ++count;
    };
    for (const TopK::Entry& entry : best_.Sorted()) emit(entry.index, entry.score, ScoreSource::kModel);
    if (count < n) Fill(user, seen, output.items.subspan(at, n), &count, emit);
    output.counts[static_cast<size_t>(place)] = static_cast<int32_t>(count);
    while (count < n) emit(-1, 0.0F, ScoreSource::kNone);
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

  bool Allowed(int32_t item) const { return options_.allowed.empty() || options_.allowed[static_cast<size_t>(item)] != 0; }

  template <typename Emit>
  void Fill(int64_t user, std::span<const int32_t> seen, std::span<const int32_t> row, const size_t* count, Emit&& emit) const {
    const PopularityView& fallback = options_.fallback;
    const auto lists = static_cast<int64_t>(fallback.indptr.size()) - 1;
    if (lists < 1) return;
    const auto fill_from = [&](int64_t list, ScoreSource source) {
      for (int64_t i = fallback.indptr[static_cast<size_t>(list)];
           i < fallback.indptr[static_cast<size_t>(list) + 1] && *count < row.size(); ++i) {
        const int32_t item = fallback.items[static_cast<size_t>(i)];
        if (!Allowed(item) || (options_.filter_seen && std::ranges::binary_search(seen, item))) continue;
        if (std::ranges::find(row.first(*count), item) != row.begin() + static_cast<std::ptrdiff_t>(*count)) continue;
        emit(item, fallback.scores[static_cast<size_t>(i)], source);
      }
    };
    const int32_t label = fallback.labels.empty() ? -1 : fallback.labels[static_cast<size_t>(user)];
    if (label >= 0 && label < lists - 1) fill_from(label, ScoreSource::kSegment);
    fill_from(lists - 1, ScoreSource::kPopularity);
  }

  const RecommendOptions& options_;
  Accumulator sums_;
  std::vector<float> weights_;
  TopK best_;
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_ROW_SCORER_H_
