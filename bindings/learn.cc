#include "addon.h"
#include "couponcast/sparse_glm.h"

namespace couponcast::node {
namespace {

SparseRows RowsOf(const Args& args) {
  return {.cols = args.Integer("cols"),
          .indptr = args.In<int64_t>("indptr"),
          .indices = args.In<int32_t>("indices"),
          .values = args.In<float>("values")};
}

GlmFamily FamilyOf(const Args& args) { return args.Bool("gaussian") ? GlmFamily::kGaussian : GlmFamily::kLogistic; }

Napi::Value CheckGlmRowsBinding(const Args& args) {
  Check(args.env(),
        CheckGlmRows(RowsOf(args), FamilyOf(args), args.In<float>("y"), args.OptionalIn<float>("weights"), args.Range(), args.Cancel()));
  return args.env().Undefined();
}

Napi::Value GlmPartialBinding(const Args& args) {
  double loss = 0;
  Check(args.env(),
        GlmPartial(RowsOf(args), FamilyOf(args), args.In<float>("y"), args.OptionalIn<float>("weights"), args.In<double>("beta"),
                   args.Range(), args.Cancel(), &loss, args.Out<double>("outGradient"), args.OptionalOut<double>("outHessian")));
  return Napi::Number::New(args.env(), loss);
}

Napi::Value GlmScoresBinding(const Args& args) {
  Check(args.env(), GlmScores(RowsOf(args), args.In<double>("beta"), args.Range(), args.Cancel(), args.Out<double>("outScores")));
  return args.env().Undefined();
}

Napi::Value ElasticNetStepBinding(const Args& args) {
  Check(args.env(), ElasticNetStep(args.In<double>("hessian"), args.In<double>("gradient"), args.In<double>("beta"), args.Number("l1"),
                                   args.Number("tolerance"), args.Integer("maxSweeps"), args.Cancel(), args.Out<double>("outStep")));
  return args.env().Undefined();
}

Napi::Value FitIsotonicBinding(const Args& args) {
  Check(args.env(), FitIsotonic(args.In<double>("y"), args.In<double>("weights"), args.Out<double>("outFitted")));
  return args.env().Undefined();
}

}  // namespace

void ExportLearn(Napi::Object exports) {
  Export<CheckGlmRowsBinding>(exports, "checkGlmRows");
  Export<GlmPartialBinding>(exports, "glmPartial");
  Export<GlmScoresBinding>(exports, "glmScores");
  Export<ElasticNetStepBinding>(exports, "elasticNetStep");
  Export<FitIsotonicBinding>(exports, "fitIsotonic");
}

}  // namespace couponcast::node
