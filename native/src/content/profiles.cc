#include "couponcast/profiles.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/accumulator.h"
#include "base/add_rows.h"
#include "base/check.h"
#include "recommend/check_options.h"
#include "recommend/cover_lists.h"
#include "recommend/row_scorer.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerPoll = 16;

Status CheckProfiles(const CsrView& users, const ProfileView& profiles) {
  COUPONCAST_RETURN_IF_ERROR(CheckTransposed(profiles.by_item, profiles.by_feature));
  if (profiles.by_item.rows == users.cols) return {};
  return InvalidArgument("there are profiles of " + std::to_string(profiles.by_item.rows) + " items but the matrix has " +
                         std::to_string(users.cols));
}

// The profile of one user at a time, as features in ascending order.
class UserProfile {
 public:
  explicit UserProfile(const CsrView& items) : items_(items), sums_(items.cols) {}

  void Build(std::span<const int32_t> items, std::span<const float> values) {
    for (size_t i = 0; i < items.size(); ++i) sums_.AddScaled(items_.row_indices(items[i]), items_.row_values(items[i]), values[i]);
    features_.clear();
    weights_.clear();
    double square = 0;
    sums_.ForEachTouched([&](int64_t first, float* line) {
      for (int64_t j = 0; j < kLine; ++j) {
        if (line[j] == 0) continue;
        features_.push_back(static_cast<int32_t>(first + j));
        weights_.push_back(line[j]);
        square += static_cast<double>(line[j]) * static_cast<double>(line[j]);
        line[j] = 0;
      }
    });
    sums_.ClearMarks();
    const double length = std::sqrt(square);
    for (float& weight : weights_) weight = static_cast<float>(static_cast<double>(weight) / length);
  }

  std::span<const int32_t> features() const { return features_; }
  std::span<const float> weights() const { return weights_; }

 private:
  const CsrView& items_;
  Accumulator sums_;
  std::vector<int32_t> features_;
  std::vector<float> weights_;
};

}  // namespace

Status RecommendFromProfiles(const CsrView& users, const ProfileView& profiles, RowRange range, const RecommendOptions& options,
                             CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckRecommend(users, range, options, output));
  COUPONCAST_RETURN_IF_ERROR(CheckProfiles(users, profiles));
  UserProfile profile(profiles.by_item);
  RowScorer scorer(users.cols, options);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const auto own = users.row_indices(user);
    profile.Build(own, users.row_values(user));
    for (size_t f = 0; f < profile.features().size(); ++f) {
      const int64_t feature = profile.features()[f];
      scorer.AddList(profiles.by_feature.row_indices(feature), profiles.by_feature.row_values(feature), profile.weights()[f]);
    }
    scorer.Finish(user, own, user - range.begin, output);
  }
  return {};
}

Status ScopeWeightsOfFeatures(const ProfileView& profiles, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                              std::span<float> weights) {
  const CsrView& features = profiles.by_feature;
  const int64_t columns = AffinityColumns(scopes);
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, features.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), range.size() * columns));
  if (scopes.items != features.cols) return InvalidArgument("scopes and profiles have different numbers of items");
  const Result<CoverLists> cover = InvertScopes(scopes);
  if (!cover.ok()) return cover.status();
  std::ranges::fill(weights, 0.0F);
  for (int64_t feature = range.begin; feature < range.end; ++feature) {
    if ((feature - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* row = weights.data() + (feature - range.begin) * columns;
    const auto items = features.row_indices(feature);
    const auto values = features.row_values(feature);
    for (size_t i = 0; i < items.size(); ++i) {
      for (const int32_t coupon : cover.value().Of(items[i])) row[coupon] += values[i];
      row[columns - 1] += values[i];
    }
  }
  return {};
}

Status AffinityFromProfiles(const CsrView& users, const ProfileView& profiles, std::span<const float> weights, int64_t columns,
                            RowRange range, CancelFlag cancel, std::span<float> affinity) {
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckProfiles(users, profiles));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), profiles.by_item.cols * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity", affinity.size(), range.size() * columns));
  std::ranges::fill(affinity, 0.0F);
  UserProfile profile(profiles.by_item);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    profile.Build(users.row_indices(user), users.row_values(user));
    float* row = affinity.data() + (user - range.begin) * columns;
    AddRows(profile.features(), profile.weights(), weights.data(), columns, row);
  }
  return {};
}

}  // namespace couponcast
