// The arguments of everything that answers with lists of items or sums over coupons.
#ifndef COUPONCAST_BINDINGS_RECOMMEND_ARGS_H_
#define COUPONCAST_BINDINGS_RECOMMEND_ARGS_H_

#include "addon.h"
#include "couponcast/affinity.h"
#include "couponcast/recommend.h"

namespace couponcast::node {

inline RecommendOptions Options(const Args& args) {
  RecommendOptions options;
  options.n = args.Integer("n");
  options.filter_seen = args.Bool("filterSeen");
  options.normalise = args.Bool("normalise");
  options.allowed = args.OptionalIn<uint8_t>("allowed");
  options.fallback.labels = args.OptionalIn<int32_t>("labels");
  options.fallback.indptr = args.OptionalIn<int64_t>("fallbackIndptr");
  options.fallback.items = args.OptionalIn<int32_t>("fallbackItems");
  options.fallback.scores = args.OptionalIn<float>("fallbackScores");
  return options;
}

inline RecommendOutput Output(const Args& args) {
  return {args.Out<int32_t>("outItems"), args.Out<float>("outScores"), args.Out<uint8_t>("outSources"), args.Out<int32_t>("outCounts")};
}

inline ScopeView Scopes(const Args& args, int64_t items) {
  return {items, args.In<int64_t>("scopeIndptr"), args.In<int32_t>("scopeItems")};
}

}  // namespace couponcast::node

#endif  // COUPONCAST_BINDINGS_RECOMMEND_ARGS_H_
