#include "couponcast/strata.h"

#include "addon.h"
#include "couponcast/curves.h"

namespace couponcast::node {
namespace {

DesignRows DesignOf(const Args& args) {
  return {.rows = args.Integer("rows"),
          .cols = args.Integer("cols"),
          .dense_cols = args.Integer("denseCols"),
          .dense = args.In<float>("dense"),
          .indices = args.In<int32_t>("indices"),
          .values = args.In<float>("values")};
}

Napi::Value StrataPartialBinding(const Args& args) {
  double loss = 0;
  Check(args.env(), StrataPartial(DesignOf(args), args.In<uint8_t>("outcomes"), args.In<double>("beta"), args.Range(), args.Cancel(), &loss,
                                  args.Out<double>("outGradient"), args.OptionalOut<double>("outInformation")));
  return Napi::Number::New(args.env(), loss);
}

Napi::Value StrataScoresBinding(const Args& args) {
  Check(args.env(), StrataScores(DesignOf(args), args.In<double>("beta"), args.Range(), args.Cancel(), args.Out<double>("outScores")));
  return args.env().Undefined();
}

Napi::Value CurveColumnsBinding(const Args& args) {
  const Curves curves = {.dims = args.Integer("dims"),
                         .knots = args.In<double>("knots"),
                         .mean = args.In<double>("mean"),
                         .deviation = args.In<double>("deviation"),
                         .farthest = args.Number("farthest")};
  Check(args.env(), CurveColumns(args.In<float>("features"), args.In<int32_t>("rows"), curves, args.In<int32_t>("places"),
                                 args.Integer("denseCols"), args.Range(), args.Cancel(), args.Out<float>("outDense")));
  return args.env().Undefined();
}

}  // namespace

void ExportStrata(Napi::Object exports) {
  Export<StrataPartialBinding>(exports, "strataPartial");
  Export<StrataScoresBinding>(exports, "strataScores");
  Export<CurveColumnsBinding>(exports, "curveColumns");
}

}  // namespace couponcast::node
