#include "addon.h"
#include "couponcast/allocate.h"

namespace couponcast::node {
namespace {

// Content of the candidates is checked once, by the binding checkProblem, before the others run.
AllocationProblem Problem(const Args& args) {
  AllocationProblem problem;
  problem.counts = args.In<int32_t>("counts");
  problem.users = static_cast<int64_t>(problem.counts.size());
  problem.width = args.Integer("width");
  problem.coupons = args.In<int32_t>("coupons");
  problem.value = args.In<int64_t>("value");
  problem.cost = args.In<int64_t>("cost");
  problem.group = args.In<int32_t>("group");
  problem.stock = args.In<int64_t>("stock");
  problem.coupon_budget = args.In<int64_t>("couponBudget");
  problem.budget = args.Integer("budgetMilli");
  problem.per_user = args.Integer("perUser");
  return problem;
}

Multipliers Prices(const Args& args) {
  return {args.In<double>("budgetMultiplier").empty() ? 0.0 : args.In<double>("budgetMultiplier")[0],
          args.In<double>("couponBudgetMultipliers"), args.In<double>("stockMultipliers")};
}

Napi::Object Stats(Napi::Env env, const PolishStats& stats) {
  const Napi::Object out = Napi::Object::New(env);
  const auto set = [&](const char* name, int64_t value) { out.Set(name, Napi::Number::New(env, static_cast<double>(value))); };
  set("valueMilli", stats.value);
  set("spendMilli", stats.spend);
  set("assigned", stats.assigned);
  set("dropped", stats.dropped);
  set("moves", stats.moves);
  set("exchanges", stats.exchanges);
  return out;
}

Napi::Value CheckProblemBinding(const Args& args) {
  Check(args.env(), CheckProblem(Problem(args)));
  return args.env().Undefined();
}

Napi::Value EvaluateDualBinding(const Args& args) {
  DualPartial partial;
  partial.coupon_count = args.Out<int64_t>("outCouponCount");
  partial.coupon_spend = args.Out<int64_t>("outCouponSpend");
  Check(args.env(),
        EvaluateDual(Problem(args), Prices(args), args.Range(), args.Cancel(), &partial, args.OptionalOut<uint8_t>("outChosen")));
  const Napi::Object out = Napi::Object::New(args.env());
  out.Set("surplus", Napi::Number::New(args.env(), partial.surplus));
  out.Set("valueMilli", Napi::Number::New(args.env(), static_cast<double>(partial.value)));
  out.Set("spendMilli", Napi::Number::New(args.env(), static_cast<double>(partial.spend)));
  return out;
}

Napi::Value SolveBundleMasterBinding(const Args& args) {
  double model_value = 0;
  Check(args.env(), SolveBundleMaster(args.In<double>("slopes"), args.In<double>("offsets"), args.In<double>("center"), args.Number("step"),
                                      args.Cancel(), args.Out<double>("outPoint"), &model_value));
  return Napi::Number::New(args.env(), model_value);
}

Napi::Value RepairAndPolishBinding(const Args& args) {
  PolishStats stats;
  Check(args.env(), RepairAndPolish(Problem(args), Prices(args), args.Cancel(), args.Out<uint8_t>("chosen"), &stats));
  return Stats(args.env(), stats);
}

Napi::Value CheckFeasibleBinding(const Args& args) {
  PolishStats totals;
  Check(args.env(), CheckFeasible(Problem(args), args.In<uint8_t>("chosen"), &totals));
  return Stats(args.env(), totals);
}

Napi::Value ListAssignmentsBinding(const Args& args) {
  const AssignmentRows rows = Unwrap(args.env(), ListAssignments(Problem(args), args.In<uint8_t>("chosen"), args.Range()));
  const Napi::Object out = Napi::Object::New(args.env());
  out.Set("users", CopyOf(args.env(), std::span<const int32_t>(rows.users)));
  out.Set("coupons", CopyOf(args.env(), std::span<const int32_t>(rows.coupons)));
  out.Set("ranks", CopyOf(args.env(), std::span<const int32_t>(rows.ranks)));
  out.Set("places", CopyOf(args.env(), std::span<const int64_t>(rows.places)));
  out.Set("values", CopyOf(args.env(), std::span<const int64_t>(rows.values)));
  out.Set("costs", CopyOf(args.env(), std::span<const int64_t>(rows.costs)));
  return out;
}

Napi::Value ExplainUnassignedBinding(const Args& args) {
  Check(args.env(), ExplainUnassigned(Problem(args), Prices(args), args.In<uint8_t>("chosen"), args.Range(), args.Byte("budgetReason"),
                                      args.Byte("stockReason"), args.Out<uint8_t>("reasons")));
  return args.env().Undefined();
}

}  // namespace

void ExportAllocation(Napi::Object exports) {
  Export<CheckProblemBinding>(exports, "checkProblem");
  Export<EvaluateDualBinding>(exports, "evaluateDual");
  Export<SolveBundleMasterBinding>(exports, "solveBundleMaster");
  Export<RepairAndPolishBinding>(exports, "repairAndPolish");
  Export<CheckFeasibleBinding>(exports, "checkFeasible");
  Export<ListAssignmentsBinding>(exports, "listAssignments");
  Export<ExplainUnassignedBinding>(exports, "explainUnassigned");
}

}  // namespace couponcast::node
