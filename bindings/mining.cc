#include <algorithm>

#include "addon.h"
#include "couponcast/itemsets.h"
#include "couponcast/rules.h"

namespace couponcast::node {
namespace {

BasketsView BasketsOf(const Args& args) { return {args.In<int64_t>("indptr"), args.In<int32_t>("items"), args.Integer("numItems")}; }

// JavaScript has positions as int32: the bits are the same.
std::span<uint32_t> Positions(std::span<int32_t> values) { return {reinterpret_cast<uint32_t*>(values.data()), values.size()}; }

Status Count(const Args& args, const BasketsView& baskets, std::span<int32_t> counts, int64_t* num_too_long) {
  return CountBasketItems(baskets, args.Range(), args.Integer("maxBasketItems"), args.Cancel(), counts, num_too_long);
}

Napi::Value CountBasketItemsBinding(const Args& args) {
  int64_t num_too_long = 0;
  Check(args.env(), Count(args, BasketsOf(args), args.Out<int32_t>("outCounts"), &num_too_long));
  return Napi::Number::New(args.env(), static_cast<double>(num_too_long));
}

Status Rank(const Args& args, const BasketsView& baskets, std::span<const int32_t> counts, int64_t* num_ranks) {
  return RankBaskets(baskets, args.Range(), args.Integer("maxBasketItems"), counts, args.Integer("shard"), args.Integer("minCount"),
                     args.Cancel(), args.Out<int32_t>("outItemOfRank"), args.Out<int64_t>("outRankBegin"), args.Out<int32_t>("outRanks"),
                     Positions(args.Out<int32_t>("outOccurrences")), num_ranks);
}

Napi::Value RankBasketsBinding(const Args& args) {
  int64_t num_ranks = 0;
  Check(args.env(), Rank(args, BasketsOf(args), args.In<int32_t>("shardCounts"), &num_ranks));
  return Napi::Number::New(args.env(), static_cast<double>(num_ranks));
}

// Both, where all baskets are one shard.
Napi::Value CountAndRankBasketsBinding(const Args& args) {
  const BasketsView baskets = BasketsOf(args);
  std::vector<int32_t> counts(static_cast<size_t>(std::max<int64_t>(baskets.num_items, 0)));
  int64_t num_too_long = 0;
  Check(args.env(), Count(args, baskets, counts, &num_too_long));
  int64_t num_ranks = 0;
  Check(args.env(), Rank(args, baskets, counts, &num_ranks));
  const Napi::Object result = Napi::Object::New(args.env());
  result.Set("numTooLong", static_cast<double>(num_too_long));
  result.Set("numRanks", static_cast<double>(num_ranks));
  return result;
}

Napi::Value MineItemsetsBinding(const Args& args) {
  const RankedBaskets baskets{args.In<int32_t>("ranks"), Positions(args.Out<int32_t>("occurrences")), args.In<int64_t>("rankBegin"),
                              args.In<int32_t>("itemOfRank")};
  const MiningOptions options{.min_count = args.Integer("minCount"),
                              .max_length = args.Integer("maxLength"),
                              .max_itemsets = args.Integer("maxItemsets"),
                              .algorithm = static_cast<MiningAlgorithm>(args.Byte("algorithm"))};
  const std::span<int64_t> shared = args.Out<int64_t>("shared");
  if (shared.size() != 2) Throw(args.env(), InvalidArgument("expected two elements in shared"));
  const std::span<const int64_t> numbers = args.In<int64_t>("shares");
  if (numbers.size() % 4 != 0) Throw(args.env(), InvalidArgument("expected four elements a share in shares"));
  std::vector<MiningShare> shares;
  for (size_t i = 0; i < numbers.size(); i += 4) shares.push_back({{numbers[i], numbers[i + 1]}, numbers[i + 2], numbers[i + 3]});
  ItemsetList list;
  Check(args.env(), MineItemsets(baskets, shares, options, args.Cancel(), args.Progress(),
                                 {.next_share = &shared[0], .num_itemsets = &shared[1]}, &list));
  const Napi::Object result = Napi::Object::New(args.env());
  result.Set("items", CopyOf<int32_t>(args.env(), list.items));
  result.Set("lengths", CopyOf<uint8_t>(args.env(), list.lengths));
  result.Set("supports", CopyOf<int32_t>(args.env(), list.supports));
  result.Set("shares", CopyOf<int64_t>(args.env(), list.shares));
  result.Set("ends", CopyOf<int64_t>(args.env(), list.ends));
  return result;
}

ItemsetsView ItemsetsOf(const Args& args) {
  return {args.In<int32_t>("items"), args.In<uint8_t>("lengths"), args.In<int32_t>("supports"), args.In<int32_t>("parents"),
          args.In<int32_t>("table")};
}

RulesView RulesOf(const Args& args) { return {args.In<int32_t>("antecedents"), args.In<int32_t>("consequents"), args.In<int32_t>("sets")}; }

Napi::Value IndexItemsetsBinding(const Args& args) {
  Check(args.env(), IndexItemsets(args.In<int32_t>("items"), args.In<uint8_t>("lengths"), args.Cancel(), args.Out<int32_t>("outParents"),
                                  args.Out<int32_t>("outTable")));
  return args.env().Undefined();
}

Napi::Value FlagSupersetsBinding(const Args& args) {
  Check(args.env(), FlagSupersets(ItemsetsOf(args), args.Cancel(), args.Progress(), args.Out<uint8_t>("outFlags")));
  return args.env().Undefined();
}

Napi::Value FindRulesBinding(const Args& args) {
  const RuleFilter filter{.min_confidence = args.Number("minConfidence"),
                          .min_lift = args.Number("minLift"),
                          .min_leverage = args.Number("minLeverage"),
                          .min_conviction = args.Number("minConviction"),
                          .min_zhang = args.Number("minZhang"),
                          .max_consequent_length = args.Integer("maxConsequentLength"),
                          .antecedent_contains = args.In<int32_t>("antecedentContains"),
                          .consequent_contains = args.In<int32_t>("consequentContains"),
                          .max_rules = args.Integer("maxRules")};
  const std::span<int64_t> shared_count = args.Out<int64_t>("sharedCount");
  if (shared_count.size() != 1) Throw(args.env(), InvalidArgument("expected one element in sharedCount"));
  RuleList rules;
  Check(args.env(), FindRules(ItemsetsOf(args), args.Integer("numBaskets"), args.Range(), filter, args.Cancel(), args.Progress(),
                              shared_count.data(), &rules));
  const Napi::Object result = Napi::Object::New(args.env());
  result.Set("antecedents", CopyOf<int32_t>(args.env(), rules.antecedents));
  result.Set("consequents", CopyOf<int32_t>(args.env(), rules.consequents));
  result.Set("sets", CopyOf<int32_t>(args.env(), rules.sets));
  return result;
}

Napi::Value OrderRulesBinding(const Args& args) {
  Check(args.env(), OrderRules(ItemsetsOf(args), args.Integer("numBaskets"), RulesOf(args), static_cast<RuleMetric>(args.Byte("metric")),
                               args.Cancel(), args.Out<int32_t>("outOrder")));
  return args.env().Undefined();
}

Napi::Value MeasureRulesBinding(const Args& args) {
  Check(args.env(), MeasureRules(ItemsetsOf(args), args.Integer("numBaskets"), RulesOf(args), args.Out<double>("outMetrics")));
  return args.env().Undefined();
}

}  // namespace

void ExportMining(Napi::Object exports) {
  Export<CountBasketItemsBinding>(exports, "countBasketItems");
  Export<RankBasketsBinding>(exports, "rankBaskets");
  Export<CountAndRankBasketsBinding>(exports, "countAndRankBaskets");
  Export<MineItemsetsBinding>(exports, "mineItemsets");
  Export<IndexItemsetsBinding>(exports, "indexItemsets");
  Export<FlagSupersetsBinding>(exports, "flagSupersets");
  Export<FindRulesBinding>(exports, "findRules");
  Export<OrderRulesBinding>(exports, "orderRules");
  Export<MeasureRulesBinding>(exports, "measureRules");
}

}  // namespace couponcast::node
