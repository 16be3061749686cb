#include "addon.h"
#include "couponcast/ease.h"
#include "couponcast/walk_weights.h"
#include "recommend_args.h"

namespace couponcast::node {
namespace {

EaseState State(const Args& args) {
  return {args.Out<double>("square"), args.Out<double>("pivot"), args.Out<double>("columns"), args.Out<double>("solved")};
}

Napi::Value EaseGramBinding(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  Check(args.env(), EaseGram(matrix.by_user(), matrix.by_item(), args.Number("regularisation"), args.Range(), args.Cancel(),
                             args.Out<double>("square")));
  return args.env().Undefined();
}

Napi::Value EasePivotBinding(const Args& args) {
  Check(args.env(), EasePivot(State(args), args.Integer("block")));
  return args.env().Undefined();
}

Napi::Value EasePanelBinding(const Args& args) {
  Check(args.env(), EasePanel(State(args), args.Integer("block"), args.Range(), args.Cancel()));
  return args.env().Undefined();
}

Napi::Value EaseUpdateBinding(const Args& args) {
  Check(args.env(), EaseUpdate(State(args), args.Integer("block"), args.Range(), args.Cancel()));
  return args.env().Undefined();
}

Napi::Value EaseWeightsBinding(const Args& args) {
  Check(args.env(), EaseWeights(args.In<double>("square"), args.Integer("items"), args.Range(), args.Out<float>("outWeights")));
  return args.env().Undefined();
}

Napi::Value RecommendDenseBinding(const Args& args) {
  Check(args.env(),
        RecommendFromDense(args.Users("matrix"), args.In<float>("dense"), args.Range(), Options(args), args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value ScopeWeightsDenseBinding(const Args& args) {
  Check(args.env(), ScopeWeightsOfDense(args.In<float>("dense"), Scopes(args, args.Users("matrix").cols), args.Range(), args.Cancel(),
                                        args.Out<float>("outWeights")));
  return args.env().Undefined();
}

Napi::Value WalkWeightsBinding(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  Check(args.env(), ComputeWalkWeights(matrix.by_item(), matrix.by_user(), {args.Number("alpha"), args.Number("beta")}, args.Cancel(),
                                       args.Out<float>("outTermWeight"), args.Out<float>("outLength"), args.Out<float>("outScale"),
                                       args.Out<float>("outRowFactor")));
  return args.env().Undefined();
}

}  // namespace

void ExportItemModels(Napi::Object exports) {
  Export<EaseGramBinding>(exports, "easeGram");
  Export<EasePivotBinding>(exports, "easePivot");
  Export<EasePanelBinding>(exports, "easePanel");
  Export<EaseUpdateBinding>(exports, "easeUpdate");
  Export<EaseWeightsBinding>(exports, "easeWeights");
  Export<RecommendDenseBinding>(exports, "recommendDense");
  Export<ScopeWeightsDenseBinding>(exports, "scopeWeightsDense");
  Export<WalkWeightsBinding>(exports, "walkWeights");
}

}  // namespace couponcast::node
