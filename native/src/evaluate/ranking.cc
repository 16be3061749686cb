#include "couponcast/ranking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/portable_math.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 4;
using Values = std::array<double, kNumRankingMetrics>;

double& At(Values& values, RankingMetric metric) { return values[static_cast<size_t>(metric)]; }

double Log2(double x) { return Log(x) / 0.6931471805599453; }

// 1 / log2(1 + rank) of each rank from 1, and its running sums: what the best list earns.
struct Discounts {
  std::vector<double> of;
  std::vector<double> ideal = {0.0};
  explicit Discounts(int64_t k) {
    for (int64_t rank = 1; rank <= k; ++rank) {
      of.push_back(1 / Log2(1 + static_cast<double>(rank)));
      ideal.push_back(ideal.back() + of.back());
    }
  }
};

// |sum of the items' columns of length 1|^2 = n + 2 * the cosines of all pairs.
class PairCosines {
 public:
  explicit PairCosines(const CsrView& by_item) : by_item_(by_item), sums_(static_cast<size_t>(by_item.cols), 0.0) {
    for (int64_t item = 0; item < by_item.rows; ++item) {
      double square = 0;
      for (const float value : by_item.row_values(item)) square += static_cast<double>(value) * static_cast<double>(value);
      inverse_length_.push_back(square > 0 ? 1 / std::sqrt(square) : 0);
    }
  }

  double Mean(std::span<const int32_t> list) {
    double own = 0;  // columns without cells have cosine 0 with everything
    for (const int32_t item : list) {
      const auto users = by_item_.row_indices(item);
      const auto values = by_item_.row_values(item);
      const double scale = inverse_length_[static_cast<size_t>(item)];
      if (scale > 0) own += 1;
      for (size_t i = 0; i < users.size(); ++i) sums_[static_cast<size_t>(users[i])] += scale * static_cast<double>(values[i]);
    }
    double square = 0;
    for (const int32_t item : list) {
      for (const int32_t user : by_item_.row_indices(item)) {
        double& sum = sums_[static_cast<size_t>(user)];
        square += sum * sum;
        sum = 0;
      }
    }
    const auto n = static_cast<double>(list.size());
    return (square - own) / (n * (n - 1));
  }

 private:
  const CsrView& by_item_;
  std::vector<double> inverse_length_;
  std::vector<double> sums_;
};

void ScoreHits(std::span<const int32_t> list, std::span<const int32_t> relevant, int64_t k, const Discounts& discounts, Values& out) {
  double hits = 0;
  double precisions = 0;
  double gain = 0;
  for (size_t j = 0; j < list.size(); ++j) {
    if (!std::ranges::binary_search(relevant, list[j])) continue;
    const auto rank = static_cast<double>(j + 1);
    if (hits == 0) At(out, RankingMetric::kMrr) = 1 / rank;
    hits += 1;
    precisions += hits / rank;
    gain += discounts.of[j];
  }
  const auto length = static_cast<double>(k);
  const size_t reachable = std::min(static_cast<size_t>(k), relevant.size());
  At(out, RankingMetric::kPrecision) = hits / length;
  At(out, RankingMetric::kRecall) = hits / static_cast<double>(relevant.size());
  At(out, RankingMetric::kMap) = precisions / static_cast<double>(reachable);
  At(out, RankingMetric::kMapByK) = precisions / length;
  At(out, RankingMetric::kNdcg) = gain / discounts.ideal[reachable];
  At(out, RankingMetric::kNdcgByK) = gain / discounts.ideal.back();
  At(out, RankingMetric::kHitRate) = hits > 0 ? 1 : 0;
}

double MeanShare(std::span<const int32_t> items, const CsrView& by_item) {
  if (items.empty()) return 0;
  double holders = 0;
  for (const int32_t item : items) holders += static_cast<double>(by_item.degree(item));
  return holders / static_cast<double>(by_item.cols) / static_cast<double>(items.size());
}

Status CheckArguments(const CsrView& history, const CsrView& by_item, const CsrView& relevant, const RankedLists& lists,
                      std::span<const int32_t> labels, int64_t segments, RowRange range, const RankingOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, history.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(history, by_item));
  if (relevant.rows != history.rows || relevant.cols != history.cols)
    return InvalidArgument("expected relevant items of the same users and items as the history");
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", lists.k));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("width", lists.width));
  if (lists.width < lists.k) return InvalidArgument("expected lists of at least k places");
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items", lists.items.size(), history.rows * lists.width));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", lists.counts.size(), history.rows));
  if (!labels.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), history.rows));
  if (segments < 0 || (labels.empty() && segments > 0)) return InvalidArgument("segments need a label for each user");
  COUPONCAST_RETURN_IF_ERROR(CheckCount("groups", segments + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("sums", output.sums.size(), (segments + 1) * kNumRankingMetrics));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("squares", output.squares.size(), (segments + 1) * kNumRankingMetrics));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("users", output.users.size(), segments + 1));
  return CheckSize("exposure", output.exposure.size(), history.cols);
}

}  // namespace

Status SumRankingMetrics(const CsrView& history, const CsrView& history_by_item, const CsrView& relevant, const RankedLists& lists,
                         std::span<const int32_t> labels, int64_t segments, bool diversity, RowRange range, CancelFlag cancel,
                         const RankingOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckArguments(history, history_by_item, relevant, lists, labels, segments, range, output));
  std::ranges::fill(output.sums, 0.0);
  std::ranges::fill(output.squares, 0.0);
  std::ranges::fill(output.users, 0);
  std::ranges::fill(output.exposure, 0);
  const Discounts discounts(lists.k);
  std::optional<PairCosines> cosines;
  if (diversity) cosines.emplace(history_by_item);
  const auto num_users = static_cast<double>(history.rows);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const int32_t count = lists.counts[static_cast<size_t>(user)];
    const int32_t label = labels.empty() ? -1 : labels[static_cast<size_t>(user)];
    if (count < 0 || count > lists.width) return OutOfRange("a list claims " + std::to_string(count) + " items");
    if (label < -1 || label >= segments) return OutOfRange("label " + std::to_string(label) + " is no segment");
    const auto wanted = relevant.row_indices(user);
    if (wanted.empty()) continue;
    const auto list = lists.items.subspan(static_cast<size_t>(user * lists.width), static_cast<size_t>(std::min<int64_t>(count, lists.k)));
    Values values{};
    for (const int32_t item : list) {
      if (item < 0 || item >= history.cols) return OutOfRange("a list holds item " + std::to_string(item) + " outside the matrix");
      ++output.exposure[static_cast<size_t>(item)];
      At(values, RankingMetric::kNovelty) -= Log2((static_cast<double>(history_by_item.degree(item)) + 1) / (num_users + 1));
    }
    if (!list.empty()) At(values, RankingMetric::kNovelty) /= static_cast<double>(list.size());
    ScoreHits(list, wanted, lists.k, discounts, values);
    At(values, RankingMetric::kPopularity) = MeanShare(list, history_by_item);
    At(values, RankingMetric::kHistory) = MeanShare(history.row_indices(user), history_by_item);
    if (cosines && list.size() > 1) At(values, RankingMetric::kDiversity) = 1 - cosines->Mean(list);
    const auto add = [&](int64_t group) {
      ++output.users[static_cast<size_t>(group)];
      for (size_t m = 0; m < values.size(); ++m) {
        const auto at = static_cast<size_t>(group * kNumRankingMetrics) + m;
        output.sums[at] += values[m];
        output.squares[at] += values[m] * values[m];
      }
    };
    if (label >= 0) add(label);
    add(segments);
  }
  return {};
}

}  // namespace couponcast
