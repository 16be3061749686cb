#include "couponcast/kmeans_batch.h"

#include "addon.h"

namespace couponcast::node {
namespace {

Napi::Value KmeansAssignRowsBinding(const Args& args) {
  KmeansPartial partial;
  partial.sums = args.Out<double>("outSums");
  partial.weights = args.Out<double>("outWeights");
  partial.counts = args.Out<int64_t>("outCounts");
  const KmeansFrame frame{args.OptionalIn<float>("centre"), args.OptionalIn<float>("steps")};
  Check(args.env(), KmeansAssignRows(args.In<float>("points"), args.Integer("dims"), args.OptionalIn<float>("weights"),
                                     args.In<float>("centroids"), frame, args.In<int32_t>("rows"), args.Cancel(),
                                     args.Out<int32_t>("outLabels"), args.Out<float>("outDistances"), &partial));
  return Napi::Number::New(args.env(), partial.inertia);
}

Napi::Value SparseKmeansAssignRowsBinding(const Args& args) {
  double inertia = 0;
  Check(args.env(),
        SparseKmeansAssignRows(args.Matrix("matrix").by_user(), args.In<float>("factors"), args.In<double>("squares"),
                               args.In<float>("centroids"), args.In<double>("norms"), args.In<int32_t>("rows"), args.Cancel(),
                               args.Out<int32_t>("outLabels"), args.Out<float>("outDistances"), args.Out<int64_t>("outCounts"), &inertia));
  return Napi::Number::New(args.env(), inertia);
}

Napi::Value SparseKmeansAddRowsBinding(const Args& args) {
  Check(args.env(), SparseKmeansAddRows(args.Matrix("matrix").by_user(), args.In<float>("factors"), args.OptionalIn<float>("weights"),
                                        args.In<int32_t>("rows"), args.In<int32_t>("labels"), args.Integer("k"), args.Range(),
                                        args.Cancel(), args.Out<double>("outSums")));
  return args.env().Undefined();
}

Napi::Value SparseKmeansScaleBinding(const Args& args) {
  Check(args.env(), SparseKmeansScale(args.In<double>("sums"), args.In<double>("scale"), args.Integer("cols"), args.Range(), args.Cancel(),
                                      args.Out<float>("outCentroids"), args.Out<double>("outNorms"), args.Out<double>("outShifts")));
  return args.env().Undefined();
}

}  // namespace

void ExportKmeansBatch(Napi::Object exports) {
  Export<KmeansAssignRowsBinding>(exports, "kmeansAssignRows");
  Export<SparseKmeansAddRowsBinding>(exports, "sparseKmeansAddRows");
  Export<SparseKmeansAssignRowsBinding>(exports, "sparseKmeansAssignRows");
  Export<SparseKmeansScaleBinding>(exports, "sparseKmeansScale");
}

}  // namespace couponcast::node
