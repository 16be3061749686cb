#include "couponcast/recommend.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/accumulator.h"
#include "base/block_scan.h"
#include "base/check.h"
#include "base/top_k.h"
#include "recommend/list_shape.h"
#include "similarity/for_each_user_neighbours.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 64;
constexpr int64_t kRowsPerPoll = 4096;  // of a pass that only counts

// Scores of one user at a time: contributions in, the best n out.
class RowScorer {
 public:
  RowScorer(int64_t items, const RecommendOptions& options)
      : options_(options),
        sums_(items),
        weights_(options.normalise ? static_cast<size_t>((items + Accumulator::kBlock - 1) / Accumulator::kBlock * Accumulator::kBlock)
                                   : 0),
        best_(options.n) {}

  void Add(int32_t item, float weight, float value) {
    sums_.Add(item, weight * value);
    if (options_.normalise) weights_[static_cast<size_t>(item)] += weight;
  }

  // Ranks what was added and clears it. `seen` is the user's own row, ascending.
  void Finish(int64_t user, std::span<const int32_t> seen, int64_t place, const RecommendOutput& output) {
    best_.Reset(0.0F);
    size_t next_seen = 0;
    sums_.Drain([&](int64_t first, float* block) {
      if (options_.normalise) {
        for (int64_t j = 0; j < Accumulator::kBlock; ++j) {
          float& weight = weights_[static_cast<size_t>(first + j)];
          block[j] = weight > 0 ? block[j] / weight : 0.0F;
          weight = 0;
        }
      }
      if (options_.filter_seen) {
        while (next_seen < seen.size() && seen[next_seen] < first) ++next_seen;
        for (; next_seen < seen.size() && seen[next_seen] < first + Accumulator::kBlock; ++next_seen) block[seen[next_seen] - first] = 0;
      }
      for (uint64_t mask = MaskAbove(block, best_.threshold()); mask != 0; mask &= mask - 1) {
        const int bit = std::countr_zero(mask);
        const auto item = static_cast<int32_t>(first + bit);
        if (Allowed(item)) best_.Push(block[bit], item);
      }
    });
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

Status CheckArguments(const CsrView& users, RowRange range, const RecommendOptions& options, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("n", options.n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items", output.items.size(), range.size() * options.n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", output.scores.size(), range.size() * options.n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sources", output.sources.size(), range.size() * options.n));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", output.counts.size(), range.size()));
  if (!options.allowed.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("allowed", options.allowed.size(), users.cols));
  const PopularityView& fallback = options.fallback;
  if (!fallback.labels.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", fallback.labels.size(), users.rows));
  if (!fallback.indptr.empty()) {
    const auto size = static_cast<int64_t>(fallback.items.size());
    if (fallback.scores.size() != fallback.items.size() || fallback.indptr.front() != 0 || fallback.indptr.back() != size ||
        !std::ranges::is_sorted(fallback.indptr) ||
        !std::ranges::all_of(fallback.items, [&](int32_t item) { return item >= 0 && item < users.cols; })) {
      return InvalidArgument("the fallback's lists are inconsistent or name items outside the matrix");
    }
  }
  return {};
}

float Transform(const WeightingParams& params, float r) {
  return params.weighting == Weighting::kSaturation ? TermFrequency<Weighting::kSaturation>(r, static_cast<float>(params.lambda), 0) : r;
}

}  // namespace

Status CheckNeighbours(const NeighbourLists& lists, const std::string& name) {
  if (!HasListShape(lists)) {
    return CorruptFile(name + ": indices, scores and counts do not fit rows x k");
  }
  for (int64_t row = 0; row < lists.rows; ++row) {
    const int32_t count = lists.counts[static_cast<size_t>(row)];
    if (count < 0 || count > lists.k)
      return CorruptFile(name + ": row " + std::to_string(row) + " claims " + std::to_string(count) + " neighbours");
    for (int64_t j = 0; j < count; ++j) {
      const auto at = static_cast<size_t>(row * lists.k + j);
      if (lists.indices[at] < 0 || lists.indices[at] >= lists.rows || !std::isfinite(lists.scores[at])) {
        return CorruptFile(name + ": neighbour " + std::to_string(j) + " of row " + std::to_string(row) + " is out of range or not finite");
      }
    }
  }
  return {};
}

Status RecommendFromItems(const CsrView& users, const NeighbourLists& model, const WeightingParams& transform, RowRange range,
                          const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckArguments(users, range, options, output));
  if (model.rows != users.cols) {
    return InvalidArgument("the model has " + std::to_string(model.rows) + " items but the matrix has " + std::to_string(users.cols));
  }
  if (!HasListShape(model)) return InvalidArgument("the model's indices, scores and counts do not fit rows x k");
  RowScorer scorer(users.cols, options);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto items = users.row_indices(user);
    const auto values = users.row_values(user);
    for (size_t i = 0; i < items.size(); ++i) {
      const float value = Transform(transform, values[i]);
      const auto at = static_cast<size_t>(items[i] * model.k);
      const auto count = static_cast<size_t>(model.counts[static_cast<size_t>(items[i])]);
      for (size_t j = 0; j < count; ++j) scorer.Add(model.indices[at + j], model.scores[at + j], value);
    }
    scorer.Finish(user, items, user - range.begin, output);
  }
  return {};
}

Status RecommendFromUsers(const CsrView& by_user, const CsrView& by_item, const DocumentWeights& weights, int64_t k, RowRange range,
                          const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckArguments(by_user, range, options, output));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(by_user, by_item));
  RowScorer scorer(by_user.cols, options);
  return ForEachUserNeighbours(by_user, by_item, weights, k, range, cancel,
                               [&](int64_t user, std::span<const int32_t> neighbours, std::span<const float> similarities) {
                                 for (size_t j = 0; j < neighbours.size(); ++j) {
                                   const auto items = by_user.row_indices(neighbours[j]);
                                   const auto values = by_user.row_values(neighbours[j]);
                                   for (size_t i = 0; i < items.size(); ++i) scorer.Add(items[i], similarities[j], values[i]);
                                 }
                                 scorer.Finish(user, by_user.row_indices(user), user - range.begin, output);
                               });
}

Status RecommendSeedLiteral(const CsrView& users, const WeightingParams& transform, RowRange range, const RecommendOptions& options,
                            CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckArguments(users, range, options, output));
  if (users.rows != users.cols) {
    return InvalidArgument("seed-literal needs as many users as items but the matrix is " + std::to_string(users.rows) + " x " +
                           std::to_string(users.cols));
  }
  RowScorer scorer(users.cols, options);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto row = users.row_indices(user);
    const auto row_values = users.row_values(user);
    for (size_t k = 0; k < row.size(); ++k) {
      const auto items = users.row_indices(row[k]);
      const auto values = users.row_values(row[k]);
      for (size_t i = 0; i < items.size(); ++i) scorer.Add(items[i], Transform(transform, row_values[k]), Transform(transform, values[i]));
    }
    scorer.Finish(user, row, user - range.begin, output);
  }
  return {};
}

Result<PopularityLists> RankPopularItems(const CsrView& users, std::span<const int32_t> labels, int64_t segments, CancelFlag cancel) {
  if (!labels.empty()) {
    const Status size = CheckSize("labels", labels.size(), users.rows);
    if (!size.ok()) return size;
  }
  if (segments < 0 || segments > std::numeric_limits<int32_t>::max() || (labels.empty() && segments > 0))
    return InvalidArgument("segments need a label for each user");
  // Users by segment: a counting sort, so that each segment's users are met in ascending order.
  std::vector<int64_t> start(static_cast<size_t>(segments) + 1, 0);
  for (const int32_t label : labels) {
    if (label < -1 || label >= segments) return OutOfRange("label " + std::to_string(label) + " is no segment");
    if (label >= 0) ++start[static_cast<size_t>(label) + 1];
  }
  for (size_t s = 0; s < static_cast<size_t>(segments); ++s) start[s + 1] += start[s];
  std::vector<int32_t> members(static_cast<size_t>(start.back()));
  std::vector<int64_t> cursor(start.begin(), start.end());
  for (size_t user = 0; user < labels.size(); ++user) {
    if (labels[user] >= 0) members[static_cast<size_t>(cursor[static_cast<size_t>(labels[user])]++)] = static_cast<int32_t>(user);
  }

  PopularityLists lists;
  lists.indptr.push_back(0);
  std::vector<int32_t> holders(static_cast<size_t>(users.cols), 0);
  std::vector<int32_t> ranked;
  const auto append = [&](int64_t num_users) {
    ranked.clear();
    for (int64_t item = 0; item < users.cols; ++item) {
      if (holders[static_cast<size_t>(item)] > 0) ranked.push_back(static_cast<int32_t>(item));
    }
    std::ranges::sort(ranked, [&](int32_t a, int32_t b) {
      const int32_t in_a = holders[static_cast<size_t>(a)];
      const int32_t in_b = holders[static_cast<size_t>(b)];
      return in_a > in_b || (in_a == in_b && a < b);
    });
    for (const int32_t item : ranked) {
      lists.items.push_back(item);
      lists.scores.push_back(static_cast<float>(static_cast<double>(holders[static_cast<size_t>(item)]) / static_cast<double>(num_users)));
      holders[static_cast<size_t>(item)] = 0;
    }
    lists.indptr.push_back(static_cast<int64_t>(lists.items.size()));
  };
  for (size_t segment = 0; segment < static_cast<size_t>(segments); ++segment) {
    if (cancel.IsSet()) return Cancelled();
    for (int64_t m = start[segment]; m < start[segment + 1]; ++m) {
      if (m % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
      for (const int32_t item : users.row_indices(members[static_cast<size_t>(m)])) ++holders[static_cast<size_t>(item)];
    }
    append(start[segment + 1] - start[segment]);
  }
  for (int64_t user = 0; user < users.rows; ++user) {
    if (user % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    for (const int32_t item : users.row_indices(user)) ++holders[static_cast<size_t>(item)];
  }
  append(users.rows);
  return lists;
}

}  // namespace couponcast
