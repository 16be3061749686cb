#include "addon.h"
#include "couponcast/cosine_dbscan.h"
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
  Check(args.env(), NumberClusters(args.OptionalIn<int32_t>("order"), args.In<int32_t>("cores"), args.Out<int32_t>("forest"),
                                   args.Out<int32_t>("outLabels"), &clusters));
  return Napi::Number::New(args.env(), static_cast<double>(clusters));
}

Napi::Value DbscanBordersBinding(const Args& args) {
  Check(args.env(), DbscanBorders(TreeOf(args), args.Number("eps"), args.In<int32_t>("cores"), args.Range(), args.Cancel(), args.Progress(),
                                  args.Out<int32_t>("labels")));
  return args.env().Undefined();
}

// The compared rows, and their transpose.
struct Rows {
  const CsrView& matrix;
  const CsrView& transpose;
};

Rows RowsOf(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  if (args.Text("axis") == "users") return {matrix.by_user(), matrix.by_item()};
  return {matrix.by_item(), matrix.by_user()};
}

CosineIndex IndexOf(const Args& args) {
  return {args.In<double>("norms"),     args.In<int32_t>("ranks"),  args.In<int32_t>("cuts"),    args.In<int32_t>("marks"),
          args.In<float>("beginnings"), args.In<int64_t>("indptr"), args.In<int32_t>("entries"), args.In<float>("weights")};
}

Napi::Value BuildCosineIndexBinding(const Args& args) {
  const Rows rows = RowsOf(args);
  Check(args.env(), BuildCosineIndex(rows.matrix, rows.transpose, args.Number("eps"), args.Cancel(),
                                     {args.Out<double>("norms"), args.Out<int32_t>("ranks"), args.Out<int32_t>("cuts"),
                                      args.Out<int32_t>("marks"), args.Out<float>("beginnings"), args.Out<int64_t>("indptr"),
                                      args.Out<int32_t>("entries"), args.Out<float>("weights")}));
  return args.env().Undefined();
}

Napi::Value CosineCoresBinding(const Args& args) {
  Check(args.env(),
        CosineCores(RowsOf(args).matrix, IndexOf(args), args.Number("eps"), args.Integer("minSamples"), args.In<int32_t>("candidates"),
                    args.Range(), args.Cancel(), args.Progress(), args.Out<int32_t>("outCores")));
  return args.env().Undefined();
}

Napi::Value CosineLinksBinding(const Args& args) {
  Check(args.env(), CosineLinks(RowsOf(args).matrix, IndexOf(args), args.Number("eps"), args.In<int32_t>("cores"), args.Range(),
                                args.Cancel(), args.Progress(), args.Out<int32_t>("forest")));
  return args.env().Undefined();
}

Napi::Value CosineBordersBinding(const Args& args) {
  Check(args.env(),
        CosineBorders(RowsOf(args).matrix, IndexOf(args), args.Number("eps"), args.In<int32_t>("cores"), args.In<int32_t>("candidates"),
                      args.Range(), args.Cancel(), args.Progress(), args.Out<int32_t>("labels")));
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
  Export<BuildCosineIndexBinding>(exports, "buildCosineIndex");
  Export<CosineCoresBinding>(exports, "cosineCores");
  Export<CosineLinksBinding>(exports, "cosineLinks");
  Export<CosineBordersBinding>(exports, "cosineBorders");
}

}  // namespace couponcast::node
