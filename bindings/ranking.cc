#include <vector>

#include "couponcast/blend.h"
#include "couponcast/profiles.h"
#include "couponcast/ranking.h"
#include "recommend_args.h"

namespace couponcast::node {
namespace {

ProfileView Profiles(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("profiles");
  return {matrix.by_user(), matrix.by_item()};
}

// Of methods whose scores are means already.
RecommendOptions PlainOptions(const Args& args) {
  RecommendOptions options = Options(args);
  options.normalise = false;
  return options;
}

Napi::Value RecommendProfiles(const Args& args) {
  Check(args.env(),
        RecommendFromProfiles(args.Users("matrix"), Profiles(args), args.Range(), PlainOptions(args), args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value ScopeWeightsFeatures(const Args& args) {
  const ProfileView profiles = Profiles(args);
  Check(args.env(),
        ScopeWeightsOfFeatures(profiles, Scopes(args, profiles.by_item.rows), args.Range(), args.Cancel(), args.Out<float>("outWeights")));
  return args.env().Undefined();
}

Napi::Value AffinityProfiles(const Args& args) {
  Check(args.env(), AffinityFromProfiles(args.Users("matrix"), Profiles(args), args.In<float>("weights"), args.Integer("columns"),
                                         args.Range(), args.Cancel(), args.Out<float>("outAffinity")));
  return args.env().Undefined();
}

// Part p of arrays that hold the same number of elements for each of `parts`, one part after the other.
template <typename T>
std::span<const T> PartOf(std::span<const T> all, size_t p, size_t parts) {
  return all.subspan(p * (all.size() / parts), all.size() / parts);
}

Napi::Value BlendListsBinding(const Args& args) {
  const auto weights = args.In<float>("partWeights");
  const auto items = args.In<int32_t>("partItems");
  const auto scores = args.In<float>("partScores");
  const auto counts = args.In<int32_t>("partCounts");
  const auto starts = args.OptionalIn<int32_t>("curveStarts");
  const auto curve_x = args.OptionalIn<float>("curveX");
  const auto curve_y = args.OptionalIn<float>("curveY");
  if (curve_x.size() != curve_y.size()) Throw(args.env(), InvalidArgument("expected as many curveX as curveY"));
  if (!starts.empty() && starts.size() != weights.size() + 1) Throw(args.env(), InvalidArgument("expected a curve for each part"));
  std::vector<BlendPart> parts;
  parts.reserve(weights.size());
  for (size_t p = 0; p < weights.size(); ++p) {
    BlendPart part{weights[p], PartOf(items, p, weights.size()), PartOf(scores, p, weights.size()), PartOf(counts, p, weights.size()), {},
                   {}};
    if (!starts.empty()) {
      if (starts[p] < 0 || starts[p] >= starts[p + 1] || starts[p + 1] > std::ssize(curve_x))
        Throw(args.env(), InvalidArgument("expected curveStarts that rise within the curves"));
      const auto begin = static_cast<size_t>(starts[p]);
      const auto size = static_cast<size_t>(starts[p + 1] - starts[p]);
      part.curve_x = curve_x.subspan(begin, size);
      part.curve_y = curve_y.subspan(begin, size);
    }
    parts.push_back(part);
  }
  Check(args.env(), BlendLists(args.Users("matrix"), parts, args.Integer("depth"), args.Number("rankOffset"), args.Range(),
                               PlainOptions(args), args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value BlendAffinityBinding(const Args& args) {
  const auto weights = args.In<float>("partWeights");
  const auto all = args.In<float>("partAffinity");
  std::vector<std::span<const float>> parts;
  parts.reserve(weights.size());
  for (size_t p = 0; p < weights.size(); ++p) parts.push_back(PartOf(all, p, weights.size()));
  Check(args.env(), BlendAffinity(parts, weights, args.Integer("columns"), args.Cancel(), args.Out<float>("outAffinity")));
  return args.env().Undefined();
}

Napi::Value SumRankingMetricsBinding(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  CsrView relevant;
  relevant.indptr = args.In<int64_t>("relevantIndptr");
  relevant.indices = args.In<int32_t>("relevantItems");
  relevant.rows = std::ssize(relevant.indptr) - 1;
  relevant.cols = matrix.by_user().cols;
  const std::vector<float> ones(relevant.indices.size(), 1.0F);
  relevant.values = ones;
  const Status valid =
      relevant.rows < 0 ? InvalidArgument("expected relevantIndptr to hold at least one element") : CheckCsr(relevant, "relevant items");
  if (!valid.ok()) Throw(args.env(), InvalidArgument(valid.message()));
  const RankedLists lists{args.Integer("k"), args.In<int32_t>("items"), args.Integer("width"), args.In<int32_t>("counts")};
  const RankingOutput output{args.Out<double>("outSums"), args.Out<double>("outSquares"), args.Out<int64_t>("outUsers"),
                             args.Out<int64_t>("outExposure")};
  Check(args.env(), SumRankingMetrics(matrix.by_user(), matrix.by_item(), relevant, lists, args.OptionalIn<int32_t>("labels"),
                                      args.Integer("segments"), args.Bool("diversity"), args.Range(), args.Cancel(), output));
  return args.env().Undefined();
}

}  // namespace

void ExportRanking(Napi::Object exports) {
  Export<RecommendProfiles>(exports, "recommendProfiles");
  Export<ScopeWeightsFeatures>(exports, "scopeWeightsFeatures");
  Export<AffinityProfiles>(exports, "affinityProfiles");
  Export<BlendListsBinding>(exports, "blendLists");
  Export<BlendAffinityBinding>(exports, "blendAffinity");
  Export<SumRankingMetricsBinding>(exports, "sumRankingMetrics");
}

}  // namespace couponcast::node
