#include "couponcast/explore.h"

#include "allocation_args.h"

namespace couponcast::node {
namespace {

SetChances Chances(const Args& args, const char* prices, const char* temperature, const char* keep, bool ignore_value) {
  return {args.In<double>(prices), args.Number(temperature), ignore_value, args.Number(keep)};
}

Napi::Object Totals(Napi::Env env, const ExpectedUse& use) {
  const Napi::Object out = Napi::Object::New(env);
  const auto set = [&](const char* name, double value) { out.Set(name, Napi::Number::New(env, value)); };
  set("surplus", use.surplus);
  set("valueMilli", use.value);
  set("spendMilli", use.spend);
  set("assigned", use.assigned);
  return out;
}

ExpectedUse Outputs(const Args& args) {
  ExpectedUse use;
  use.usage = args.Out<double>("outUsage");
  use.curvature = args.Out<double>("outCurvature");
  return use;
}

Napi::Value ExpectUseBinding(const Args& args) {
  ExpectedUse use = Outputs(args);
  const SetChances chances{args.In<double>("prices"), args.Number("temperature"), args.Bool("ignoreValue"), 1};
  Check(args.env(), ExpectUse(ProblemOf(args), UnitsOf(args), chances, args.Range(), args.Cancel(), &use));
  return Totals(args.env(), use);
}

Napi::Value DrawSetsBinding(const Args& args) {
  ExpectedUse use = Outputs(args);
  const DrawTask task{.epsilon = args.Number("epsilon"),
                      .wide = Chances(args, "widePrices", "wideTemperature", "wideKeep", true),
                      .near = Chances(args, "nearPrices", "nearTemperature", "nearKeep", false),
                      .fixed = args.OptionalIn<uint8_t>("fixed"),
                      .best = args.In<uint8_t>("best"),
                      .keys = args.In<int64_t>("keys"),
                      .seed = args.Integer("seed")};
  const Draws draws{args.Out<uint8_t>("chosen"), args.Out<double>("propensity"), args.Out<double>("decision"), args.Out<uint8_t>("isBest")};
  Check(args.env(), DrawSets(ProblemOf(args), UnitsOf(args), task, args.Range(), args.Cancel(), draws, &use));
  return Totals(args.env(), use);
}

}  // namespace

void ExportExplore(Napi::Object exports) {
  Export<ExpectUseBinding>(exports, "expectUse");
  Export<DrawSetsBinding>(exports, "drawSets");
}

}  // namespace couponcast::node
