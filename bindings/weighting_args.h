// The arguments of everything that weighs documents.
#ifndef COUPONCAST_BINDINGS_WEIGHTING_ARGS_H_
#define COUPONCAST_BINDINGS_WEIGHTING_ARGS_H_

#include <string>

#include "addon.h"
#include "couponcast/weighting.h"

namespace couponcast::node {

// `axis` says whose rows are the documents: "users" or "items".
struct Documents {
  CsrView rows;
  CsrView cols;
};
inline Documents DocumentsOf(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  if (args.Text("axis") == "users") return {matrix.by_user(), matrix.by_item()};
  return {matrix.by_item(), matrix.by_user()};
}

inline WeightingParams Params(const Args& args) {
  const int64_t weighting = args.Integer("weighting");
  if (weighting < 0 || weighting >= kNumWeightings) Throw(args.env(), InvalidArgument("no weighting " + std::to_string(weighting)));
  WeightingParams params;
  params.weighting = static_cast<Weighting>(weighting);
  params.k1 = args.Number("k1");
  params.b = args.Number("b");
  params.lambda = args.Number("lambda");
  return params;
}

inline DocumentWeights Weights(const Args& args) {
  return {Params(args), args.In<float>("termWeight"), args.In<float>("length"), args.In<float>("scale")};
}

}  // namespace couponcast::node

#endif  // COUPONCAST_BINDINGS_WEIGHTING_ARGS_H_
