#include "couponcast/blend.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "recommend/check_options.h"
#include "recommend/row_scorer.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 256;
constexpr int64_t kRowsPerPoll = 4096;

Status CheckPart(const BlendPart& part, int64_t users, int64_t depth, int64_t items) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items of a part", part.items.size(), users * depth));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores of a part", part.scores.size(), users * depth));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts of a part", part.counts.size(), users));
  if (!(part.weight >= 0) || !std::isfinite(part.weight)) return InvalidArgument("expected finite weights of parts, at least 0");
  if (part.curve_x.size() != part.curve_y.size() || !std::ranges::is_sorted(part.curve_x))
    return InvalidArgument("expected curves of as many y as x, x ascending");
  for (int64_t user = 0; user < users; ++user) {
    const int32_t count = part.counts[static_cast<size_t>(user)];
    if (count < 0 || count > depth) return OutOfRange("a part lists " + std::to_string(count) + " items of " + std::to_string(depth));
    const auto list = part.items.subspan(static_cast<size_t>(user * depth), static_cast<size_t>(count));
    if (!std::ranges::all_of(list, [&](int32_t item) { return item >= 0 && item < items; }))
      return OutOfRange("a part lists an item outside the matrix");
  }
  return {};
}

float OnCurve(std::span<const float> x, std::span<const float> y, float score) {
  const auto above = static_cast<size_t>(std::ranges::upper_bound(x, score) - x.begin());
  if (above == 0) return y.front();
  if (above == x.size()) return y.back();
  const float share = (score - x[above - 1]) / (x[above] - x[above - 1]);
  return y[above - 1] + share * (y[above] - y[above - 1]);
}

}  // namespace

Status BlendLists(const CsrView& users, std::span<const BlendPart> parts, int64_t depth, double rank_offset, RowRange range,
                  const RecommendOptions& options, CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRecommend(users, range, options, output));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("depth", depth));
  if (!(rank_offset >= 0) || !std::isfinite(rank_offset)) return InvalidArgument("expected a finite rank offset, at least 0");
  for (const BlendPart& part : parts) COUPONCAST_RETURN_IF_ERROR(CheckPart(part, range.size(), depth, users.cols));
  RowScorer scorer(users.cols, options);
  for (int64_t user = range.begin; user < range.end; ++user) {
    const int64_t row = user - range.begin;
    if (row % kUsersPerPoll == 0 && cancel.IsSet()) return Cancelled();
    for (const BlendPart& part : parts) {
      for (int64_t j = 0; j < part.counts[static_cast<size_t>(row)]; ++j) {
        const auto at = static_cast<size_t>(row * depth + j);
        const float value = part.curve_x.empty() ? static_cast<float>(1 / (rank_offset + static_cast<double>(j + 1)))
                                                 : OnCurve(part.curve_x, part.curve_y, part.scores[at]);
        scorer.Add(part.items[at], part.weight, value);
      }
    }
    scorer.Finish(user, users.row_indices(user), row, output);
  }
  return {};
}

Status BlendAffinity(std::span<const std::span<const float>> parts, std::span<const float> weights, int64_t columns, CancelFlag cancel,
                     std::span<float> out) {
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), static_cast<int64_t>(parts.size())));
  for (const auto& part : parts) COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity of a part", part.size(), std::ssize(out)));
  if (std::ssize(out) % columns != 0) return InvalidArgument("expected whole rows of affinity");
  std::ranges::fill(out, 0.0F);
  const auto width = static_cast<size_t>(columns);
  for (size_t row = 0; row < out.size() / width; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    for (size_t p = 0; p < parts.size(); ++p) {
      const auto values = parts[p].subspan(row * width, width);
      if (!(values.back() > 0)) continue;
      const float scale = weights[p] / values.back();
      for (size_t c = 0; c < width; ++c) out[row * width + c] += scale * values[c];
    }
  }
  return {};
}

}  // namespace couponcast
