#include "couponcast/evaluation.h"

#include "addon.h"

namespace couponcast::node {
namespace {

Napi::Value RankDescendingBinding(const Args& args) {
  Check(args.env(), RankDescending(args.In<double>("scores"), args.Cancel(), args.Out<int32_t>("outOrder")));
  return args.env().Undefined();
}

Napi::Value PoissonBootstrapBinding(const Args& args) {
  Check(args.env(),
        PoissonBootstrap(args.In<double>("values"), args.Integer("columns"), args.In<int32_t>("groups"), args.Integer("numGroups"),
                         args.Integer("seed"), args.Range(), args.Cancel(), args.Out<double>("outSums")));
  return args.env().Undefined();
}

}  // namespace

void ExportEvaluation(Napi::Object exports) {
  Export<RankDescendingBinding>(exports, "rankDescending");
  Export<PoissonBootstrapBinding>(exports, "poissonBootstrap");
}

}  // namespace couponcast::node
