// How the answer for one user is put together: what the model found, then what is popular.
#ifndef COUPONCAST_RECOMMEND_ROW_ANSWER_H_
#define COUPONCAST_RECOMMEND_ROW_ANSWER_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "couponcast/recommend.h"
#include "couponcast/scored_index.h"

namespace couponcast {

class RowAnswer {
 public:
  explicit RowAnswer(const RecommendOptions& options) : options_(options) {}

  bool Allowed(int32_t item) const { return options_.allowed.empty() || options_.allowed[static_cast<size_t>(item)] != 0; }

  // `best` are the model's at most n items, best first; `seen` is the user's own row, ascending.
  void Write(std::span<const ScoredIndex> best, int64_t user, std::span<const int32_t> seen, int64_t place,
             const RecommendOutput& output) const {
    const auto n = static_cast<size_t>(options_.n);
    const auto at = static_cast<size_t>(place) * n;
    size_t count = 0;
    const auto emit = [&](int32_t item, float score, ScoreSource source) {
      output.items[at + count] = item;
      output.scores[at + count] = score;
      output.sources[at + count] = static_cast<uint8_t>(source);
      ++count;
    };
    for (const ScoredIndex& entry : best) emit(entry.index, entry.score, ScoreSource::kModel);
    if (count < n) Fill(user, seen, output.items.subspan(at, n), &count, emit);
    output.counts[static_cast<size_t>(place)] = static_cast<int32_t>(count);
    while (count < n) emit(-1, 0.0F, ScoreSource::kNone);
  }

 private:
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
};

}  // namespace couponcast

#endif  // COUPONCAST_RECOMMEND_ROW_ANSWER_H_
