#include "couponcast/recommend.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "recommend/check_options.h"
#include "recommend/list_shape.h"
#include "recommend/prefetch_list.h"
#include "recommend/row_scorer.h"
#include "recommend/transform.h"
#include "similarity/for_each_user_neighbours.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 64;
constexpr int64_t kRowsPerPoll = 4096;  // of a pass that only counts

// In range and finite.
bool IsNeighbour(int32_t index, float score, int32_t limit) {
  constexpr uint32_t kExponent = 0x7F80'0000;
  const bool finite = (std::bit_cast<uint32_t>(score) & kExponent) != kExponent;
  return static_cast<int>(index >= 0) & static_cast<int>(index < limit) & static_cast<int>(finite);
}

}  // namespace

Status CheckNeighbours(const NeighbourLists& lists, const std::string& name) {
  if (!HasListShape(lists)) {
    return CorruptFile(name + ": indices, scores and counts do not fit rows x k");
  }
  const auto limit = static_cast<int32_t>(std::min<int64_t>(lists.rows, std::numeric_limits<int32_t>::max()));
  for (int64_t row = 0; row < lists.rows; ++row) {
    const int32_t count = lists.counts[static_cast<size_t>(row)];
    if (count < 0 || count > lists.k)
      return CorruptFile(name + ": row " + std::to_string(row) + " claims " + std::to_string(count) + " neighbours");
    const auto begin = static_cast<size_t>(row * lists.k);
    bool good = true;  // without a branch a cell: a model is looked through by every call
    for (size_t at = begin; at < begin + static_cast<size_t>(count); ++at) good &= IsNeighbour(lists.indices[at], lists.scores[at], limit);
    if (good) continue;
    for (size_t at = begin;; ++at) {
      if (IsNeighbour(lists.indices[at], lists.scores[at], limit)) continue;
      return CorruptFile(name + ": neighbour " + std::to_string(at - begin) + " of row " + std::to_string(row) +
                         " is out of range or not finite");
    }
  }
  return {};
}

Status RecommendFromItems(const CsrView& users, const NeighbourLists& model, const WeightingParams& transform, RowRange range,
                          const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRecommend(users, range, options, output));
  if (model.rows != users.cols) {
    return InvalidArgument("the model has " + std::to_string(model.rows) + " items but the matrix has " + std::to_string(users.cols));
  }
  if (!HasListShape(model)) return InvalidArgument("the model's indices, scores and counts do not fit rows x k");
  RowScorer scorer(users.cols, options);
  // Lists are fetched beyond the end of a row: most rows are short.
  const auto end = static_cast<size_t>(users.indptr[static_cast<size_t>(range.end)]);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto items = users.row_indices(user);
    const auto values = users.row_values(user);
    const auto first = static_cast<size_t>(users.indptr[static_cast<size_t>(user)]);
    for (size_t i = 0; i < items.size(); ++i) {
      if (first + i + kListsAhead < end) {
        PrefetchList(model.indices.data(), model.scores.data(), static_cast<size_t>(model.k), users.indices[first + i + kListsAhead]);
      }
      const auto at = static_cast<size_t>(items[i] * model.k);
      const auto count = static_cast<size_t>(model.counts[static_cast<size_t>(items[i])]);
      scorer.AddList(model.indices.subspan(at, count), model.scores.subspan(at, count), Transform(transform, values[i]));
    }
    scorer.Finish(user, items, user - range.begin, output);
  }
  return {};
}

Status RecommendFromUsers(const CsrView& by_user, const CsrView& by_item, const DocumentWeights& weights, int64_t k, RowRange range,
                          const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRecommend(by_user, range, options, output));
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
  COUPONCAST_RETURN_IF_ERROR(CheckRecommend(users, range, options, output));
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

Result<PopularityLists> RankPopularItems(const CsrView& users, const CsrView& items, std::span<const int32_t> labels, int64_t segments,
                                         CancelFlag cancel) {
  if (!labels.empty()) {
    const Status size = CheckSize("labels", labels.size(), users.rows);
    if (!size.ok()) return size;
  }
  const Status transposed = CheckTransposed(users, items);
  if (!transposed.ok()) return transposed;
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
  std::vector<uint64_t> ranked;  // keys in the order of the list: more holders first, then the smaller item
  const auto append = [&](int64_t num_users) {
    ranked.clear();
    for (int64_t item = 0; item < users.cols; ++item) {
      const auto count = static_cast<uint32_t>(holders[static_cast<size_t>(item)]);
      if (count > 0) ranked.push_back((static_cast<uint64_t>(~count) << 32U) | static_cast<uint64_t>(item));
    }
    std::ranges::sort(ranked);
    for (const uint64_t key : ranked) {
      const auto item = static_cast<int32_t>(key & 0xFFFF'FFFFU);
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
  for (int64_t item = 0; item < items.rows; ++item) holders[static_cast<size_t>(item)] = static_cast<int32_t>(items.degree(item));
  append(users.rows);
  return lists;
}

}  // namespace couponcast
