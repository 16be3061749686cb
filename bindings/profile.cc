#include "addon.h"
#include "couponcast/response.h"

namespace couponcast::node {
namespace {

Napi::Value SolveSpdBinding(const Args& args) {
  Check(args.env(), SolveSpd(args.In<double>("a"), args.In<double>("b"), args.Out<double>("outSolution")));
  return args.env().Undefined();
}

}  // namespace

void ExportProfile(Napi::Object exports) { Export<SolveSpdBinding>(exports, "solveSpd"); }

}  // namespace couponcast::node
