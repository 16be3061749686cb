#include "addon.h"
#include "allocation_args.h"
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
  problem.face = args.OptionalIn<int64_t>("face");
  problem.num_classes = args.Integer("numClasses");
  problem.user_class = args.OptionalIn<int32_t>("userClass");
  problem.group = args.In<int32_t>("group");
  problem.group_parent = args.In<int32_t>("groupParent");
  problem.group_cap = args.In<int32_t>("groupCap");
  problem.per_user = args.Integer("perUser");
  problem.measure = args.In<uint8_t>("measure");
  problem.floor = args.In<uint8_t>("floor");
  problem.limit = args.In<int64_t>("limit");
  problem.cell_indptr = args.In<int64_t>("cellIndptr");
  problem.cell_constraints = args.In<int32_t>("cellConstraints");
  return problem;
}

AllocationUnits Units(const Args& args) { return {args.OptionalIn<int64_t>("unitIndptr"), args.In<int32_t>("members")}; }

void Set(const Napi::Object& out, const char* name, double value) { out.Set(name, Napi::Number::New(out.Env(), value)); }

Napi::Object Stats(Napi::Env env, const PolishStats& stats) {
  const Napi::Object out = Napi::Object::New(env);
  const auto set = [&](const char* name, int64_t value) { Set(out, name, static_cast<double>(value)); };
  set("valueMilli", stats.value);
  set("spendMilli", stats.spend);
  set("assigned", stats.assigned);
  set("dropped", stats.dropped);
  set("moves", stats.moves);
  set("exchanges", stats.exchanges);
  set("broken", stats.broken);
  set("missing", stats.missing);
  return out;
}

Napi::Value CheckProblemBinding(const Args& args) {
  CandidateTotals totals;
  Check(args.env(), CheckProblem(Problem(args), args.Range(), args.Cancel(), &totals));
  const Napi::Object out = Napi::Object::New(args.env());
  Set(out, "value", static_cast<double>(totals.value));
  Set(out, "cost", static_cast<double>(totals.cost));
  Set(out, "face", static_cast<double>(totals.face));
  return out;
}

Napi::Value ToMilliBinding(const Args& args) {
  const std::string name = args.Text("name");
  const MoneyColumn column{name.c_str(),         args.In<double>("amount"), args.OptionalIn<double>("sigma"),
                           args.Number("kappa"), args.Bool("up"),           args.Integer("least")};
  Check(args.env(),
        ToMilli(args.In<int32_t>("counts"), args.Integer("width"), column, args.Range(), args.Cancel(), args.Out<int64_t>("milli")));
  return args.env().Undefined();
}

Napi::Value EvaluateDualBinding(const Args& args) {
  DualPartial partial;
  partial.usage = args.Out<int64_t>("outUsage");
  const PriceBox box{args.OptionalIn<double>("radius"), args.OptionalIn<uint8_t>("joined")};
  Check(args.env(), EvaluateDual(Problem(args), args.In<double>("prices"), box, args.Range(), args.Cancel(), &partial,
                                 args.OptionalOut<uint8_t>("outChosen"), args.OptionalOut<uint8_t>("outOpen")));
  const Napi::Object out = Napi::Object::New(args.env());
  Set(out, "surplus", partial.surplus);
  Set(out, "valueMilli", static_cast<double>(partial.value));
  Set(out, "spendMilli", static_cast<double>(partial.spend));
  Set(out, "assigned", static_cast<double>(partial.assigned));
  return out;
}

Napi::Value SolveDualBinding(const Args& args) {
  const DualTask task{args.In<double>("limits"), args.In<double>("start"), args.In<double>("lower"), args.In<double>("upper"),
                      args.Number("constant"),   args.Number("relative"),  args.Bool("ignoreValue"), args.Bool("exact")};
  DualSolution solution;
  Check(args.env(), SolveDual(Problem(args), Units(args), task, args.Cancel(), args.Out<double>("outPrices"), args.Out<int64_t>("outUsage"),
                              args.OptionalOut<uint8_t>("chosen"), &solution));
  const Napi::Object out = Napi::Object::New(args.env());
  Set(out, "bound", solution.bound);
  Set(out, "evaluations", static_cast<double>(solution.evaluations));
  return out;
}

Napi::Value RepairAndPolishBinding(const Args& args) {
  PolishStats stats;
  Check(args.env(), RepairAndPolish(Problem(args), Units(args), args.In<double>("prices"), args.In<int64_t>("left"), args.Cancel(),
                                    args.Out<uint8_t>("chosen"), &stats, args.Integer("enough")));
  return Stats(args.env(), stats);
}

Napi::Value FindFeasibleBinding(const Args& args) {
  FeasibilitySearch search;
  Check(args.env(),
        FindFeasible(Problem(args), Units(args), args.Integer("maxNodes"), args.Cancel(), args.Out<uint8_t>("chosen"), &search));
  const Napi::Object out = Napi::Object::New(args.env());
  out.Set("found", Napi::Boolean::New(args.env(), search.found));
  out.Set("exhausted", Napi::Boolean::New(args.env(), search.exhausted));
  return out;
}

Napi::Value CheckFeasibleBinding(const Args& args) {
  PolishStats totals;
  Check(args.env(),
        CheckFeasible(Problem(args), Units(args), args.In<uint8_t>("chosen"), args.Cancel(), args.Out<int64_t>("outUsage"), &totals));
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
  Check(args.env(), ExplainUnassigned(Problem(args), args.In<double>("prices"), args.In<uint8_t>("chosen"), args.Range(),
                                      args.Byte("budgetReason"), args.Byte("stockReason"), args.Out<uint8_t>("reasons")));
  return args.env().Undefined();
}

}  // namespace

AllocationProblem ProblemOf(const Args& args) { return Problem(args); }
AllocationUnits UnitsOf(const Args& args) { return Units(args); }

void ExportAllocation(Napi::Object exports) {
  Export<CheckProblemBinding>(exports, "checkProblem");
  Export<ToMilliBinding>(exports, "toMilli");
  Export<EvaluateDualBinding>(exports, "evaluateDual");
  Export<SolveDualBinding>(exports, "solveDual");
  Export<RepairAndPolishBinding>(exports, "repairAndPolish");
  Export<FindFeasibleBinding>(exports, "findFeasible");
  Export<CheckFeasibleBinding>(exports, "checkFeasible");
  Export<ListAssignmentsBinding>(exports, "listAssignments");
  Export<ExplainUnassignedBinding>(exports, "explainUnassigned");
}

}  // namespace couponcast::node
