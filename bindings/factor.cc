#include "addon.h"
#include "couponcast/als.h"
#include "couponcast/factor_recommend.h"
#include "recommend_args.h"

namespace couponcast::node {
namespace {

AlsParams Params(const Args& args) {
  AlsParams params;
  params.factors = args.Integer("factors");
  params.regularisation = args.Number("regularisation");
  params.alpha = args.Number("alpha");
  params.solver = args.Bool("cholesky") ? AlsSolver::kCholesky : AlsSolver::kConjugateGradient;
  params.steps = args.Integer("steps");
  return params;
}

// The rows of an axis of a matrix, or those given as arrays.
CsrView Cells(const Args& args) {
  if (args.Has("matrix")) {
    const BehaviourMatrix& matrix = args.Matrix("matrix");
    return args.Text("axis") == "users" ? matrix.by_user() : matrix.by_item();
  }
  CsrView cells;
  cells.indptr = args.In<int64_t>("indptr");
  cells.indices = args.In<int32_t>("indices");
  cells.values = args.In<float>("values");
  cells.rows = static_cast<int64_t>(cells.indptr.size()) - 1;
  cells.cols = args.Integer("cols");
  const Status status = CheckCsr(cells, "rows");
  if (!status.ok()) Throw(args.env(), InvalidArgument(status.message()));
  return cells;
}

Napi::Value AlsStartBinding(const Args& args) {
  AlsStart(static_cast<uint64_t>(args.Integer("seed")), args.Integer("begin"), static_cast<float>(args.Number("scale")),
           args.Out<float>("outFactors"));
  return args.env().Undefined();
}

Napi::Value AlsGramBinding(const Args& args) {
  Check(args.env(), AlsGram(args.In<float>("rows"), args.Integer("factors"), args.Range(), args.Cancel(), args.Out<double>("outGram")));
  return args.env().Undefined();
}

Napi::Value AlsBasisBinding(const Args& args) {
  Check(args.env(), AlsBasis(args.In<double>("gram"), Params(args), args.Out<float>("outRoot"), args.Out<float>("outInverse")));
  return args.env().Undefined();
}

Napi::Value AlsTurnBinding(const Args& args) {
  Check(args.env(), AlsTurn(args.In<float>("rows"), args.Integer("factors"), args.In<float>("inverse"), args.Range(), args.Cancel(),
                            args.Out<float>("outTurned")));
  return args.env().Undefined();
}

Napi::Value AlsSolveBinding(const Args& args) {
  Check(args.env(), AlsSolve(Cells(args), args.In<float>("turned"), args.In<float>("root"), args.In<float>("inverse"), Params(args),
                             args.Range(), args.Cancel(), args.Out<float>("outSolved")));
  return args.env().Undefined();
}

Napi::Value AlsWorkBinding(const Args& args) {
  Check(args.env(), AlsWork(Cells(args), args.Range(), args.Out<double>("outWork")));
  return args.env().Undefined();
}

Napi::Value AlsLossBinding(const Args& args) {
  double sum = 0;
  Check(args.env(),
        AlsLoss(Cells(args), args.In<float>("rows"), args.In<float>("others"), Params(args), args.Range(), args.Cancel(), &sum));
  return Napi::Number::New(args.env(), sum);
}

FactorsView Factors(const Args& args) { return {args.Integer("factors"), args.In<float>("userFactors"), args.In<float>("itemFactors")}; }

Napi::Value RecommendFactorsBinding(const Args& args) {
  Check(args.env(), RecommendFromFactors(args.Users("matrix"), Factors(args), args.Range(), Options(args), args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value SimilarFactorsBinding(const Args& args) {
  Check(args.env(), SimilarFactors(args.In<float>("rows"), args.Integer("factors"), args.Range(), args.Integer("k"), args.Cancel(),
                                   args.Out<int32_t>("outIndices"), args.Out<float>("outScores"), args.Out<int32_t>("outCounts")));
  return args.env().Undefined();
}

Napi::Value ScopeWeightsFactorsBinding(const Args& args) {
  Check(args.env(), ScopeWeightsOfFactors(Factors(args), Scopes(args, args.Users("matrix").cols), args.Range(), args.Cancel(),
                                          args.Out<float>("outWeights")));
  return args.env().Undefined();
}

Napi::Value AffinityFactorsBinding(const Args& args) {
  Check(args.env(), AffinityFromFactors(Factors(args), args.In<float>("weights"), args.Integer("columns"), args.Range(), args.Cancel(),
                                        args.Out<float>("outAffinity")));
  return args.env().Undefined();
}

}  // namespace

void ExportFactor(Napi::Object exports) {
  Export<AlsStartBinding>(exports, "alsStart");
  Export<AlsGramBinding>(exports, "alsGram");
  Export<AlsBasisBinding>(exports, "alsBasis");
  Export<AlsTurnBinding>(exports, "alsTurn");
  Export<AlsSolveBinding>(exports, "alsSolve");
  Export<AlsWorkBinding>(exports, "alsWork");
  Export<AlsLossBinding>(exports, "alsLoss");
  Export<RecommendFactorsBinding>(exports, "recommendFactors");
  Export<SimilarFactorsBinding>(exports, "similarFactors");
  Export<ScopeWeightsFactorsBinding>(exports, "scopeWeightsFactors");
  Export<AffinityFactorsBinding>(exports, "affinityFactors");
}

}  // namespace couponcast::node
