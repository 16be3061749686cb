#include "addon.h"
#include "couponcast/kmeans.h"
#include "couponcast/response.h"

namespace couponcast::node {
namespace {

Napi::Value KmeansAssignBinding(const Args& args) {
  KmeansPartial partial;
  partial.sums = args.Out<double>("outSums");
  partial.counts = args.Out<int64_t>("outCounts");
  Check(args.env(), KmeansAssign(args.In<float>("points"), args.Integer("dims"), args.In<float>("centroids"), args.Range(), args.Cancel(),
                                 args.Out<int32_t>("outLabels"), args.Out<float>("outDistances"), &partial));
  return Napi::Number::New(args.env(), partial.inertia);
}

Napi::Value KmeansMinDistanceBinding(const Args& args) {
  double sum = 0;
  Check(args.env(), KmeansMinDistance(args.In<float>("points"), args.Integer("dims"), args.In<float>("centroid"), args.Range(),
                                      args.Out<float>("outDistances"), &sum));
  return Napi::Number::New(args.env(), sum);
}

Napi::Value SolveSpdBinding(const Args& args) {
  Check(args.env(), SolveSpd(args.In<double>("a"), args.In<double>("b"), args.Out<double>("outSolution")));
  return args.env().Undefined();
}

}  // namespace

void ExportProfile(Napi::Object exports) {
  Export<KmeansAssignBinding>(exports, "kmeansAssign");
  Export<KmeansMinDistanceBinding>(exports, "kmeansMinDistance");
  Export<SolveSpdBinding>(exports, "solveSpd");
}

}  // namespace couponcast::node
