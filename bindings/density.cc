#include "addon.h"
#include "couponcast/dbscan.h"
#include "couponcast/kd_tree.h"

namespace couponcast::node {
namespace {

KdTree TreeOf(const Args& args) {
  return {args.Integer("rows"), args.Integer("dims"), args.In<int32_t>("order"), args.In<float>("blocks"), args.In<float>("boxes")};
}

Napi::Value BuildKdTreeBinding(const Args& args) {
  Check(args.env(), BuildKdTree(args.In<float>("points"), args.Integer("dims"), args.Range(), args.Integer("levels"), args.Cancel(),
                                {args.Out<int32_t>("order"), args.Out<float>("blocks"), args.Out<float>("boxes")}));
  return args.env().Undefined();
}

Napi::Value KthDistancesBinding(const Args& args) {
  Check(args.env(),
        KthDistances(TreeOf(args), args.Integer("k"), args.Range(), args.Cancel(), args.Progress(), args.Out<double>("outDistances")));
  return args.env().Undefined();
}

Napi::Value SortAscendingBinding(const Args& args) {
  Check(args.env(), SortAscending(args.Out<double>("values"), args.Cancel()));
  return args.env().Undefined();
}

Napi::Value DbscanCoresBinding(const Args& args) {
  Check(args.env(), DbscanCores(TreeOf(args), args.OptionalIn<double>("weights"), {args.Number("eps"), args.Number("minSamples")},
                                args.Range(), args.Cancel(), args.Progress(), args.Out<int32_t>("outCores")));
  return args.env().Undefined();
}

Napi::Value DbscanLinksBinding(const Args& args) {
  Check(args.env(), DbscanLinks(TreeOf(args), args.Number("eps"), args.In<int32_t>("cores"), args.Range(), args.Cancel(), args.Progress(),
                                args.Out<int32_t>("forest"), args.Out<int32_t>("joined")));
  return args.env().Undefined();
}

Napi::Value MergeForestsBinding(const Args& args) {
  Check(args.env(), MergeForests(args.In<int32_t>("from"), args.Cancel(), args.Out<int32_t>("into")));
  return args.env().Undefined();
}

Napi::Value NumberClustersBinding(const Args& args) {
  int64_t clusters = 0;
  Check(args.env(),
        NumberClusters(TreeOf(args), args.In<int32_t>("cores"), args.Out<int32_t>("forest"), args.Out<int32_t>("outLabels"), &clusters));
  return Napi::Number::New(args.env(), static_cast<double>(clusters));
}

Napi::Value DbscanBordersBinding(const Args& args) {
  Check(args.env(), DbscanBorders(TreeOf(args), args.Number("eps"), args.In<int32_t>("cores"), args.Range(), args.Cancel(), args.Progress(),
                                  args.Out<int32_t>("labels")));
  return args.env().Undefined();
}

}  // namespace

void ExportDensity(Napi::Object exports) {
  Export<BuildKdTreeBinding>(exports, "buildKdTree");
  Export<KthDistancesBinding>(exports, "kthDistances");
  Export<SortAscendingBinding>(exports, "sortAscending");
  Export<DbscanCoresBinding>(exports, "dbscanCores");
  Export<DbscanLinksBinding>(exports, "dbscanLinks");
  Export<MergeForestsBinding>(exports, "mergeForests");
  Export<NumberClustersBinding>(exports, "numberClusters");
  Export<DbscanBordersBinding>(exports, "dbscanBorders");
}

}  // namespace couponcast::node
