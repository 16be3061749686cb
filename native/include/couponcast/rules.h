// Closed and maximal itemsets, and association rules, from all frequent itemsets; src/mining drives them.
#ifndef COUPONCAST_RULES_H_
#define COUPONCAST_RULES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

// What IndexItemsets made of an ItemsetList, so that a set is found by its items.
struct ItemsetsView {
  std::span<const int32_t> items;     // [sets] last item of each
  std::span<const uint8_t> lengths;   // [sets]
  std::span<const int32_t> supports;  // [sets]
  std::span<const int32_t> parents;   // [sets] the set without its last item, or -1
  std::span<const int32_t> table;     // [a power of two >= 2 * sets] positions by hash, or -1
  int64_t size() const { return static_cast<int64_t>(items.size()); }
};

// Fills parents and table. The sets are in the order of MineItemsets, so that each comes behind all sets it begins with.
// Cost: O(sets). Errors: kInvalidArgument, kCancelled.
Status IndexItemsets(std::span<const int32_t> items, std::span<const uint8_t> lengths, CancelFlag cancel, std::span<int32_t> parents,
                     std::span<int32_t> table);

// flags[i] says of set i which sets of one more item exist: kHasSuperset, and kHasEqualSuperset for one with the same
// support. So a set without kHasEqualSuperset is closed, one without kHasSuperset is maximal: as far as the sets go
// (every subset of a frequent set is frequent, so one more item decides).
//
// Cost: O(sets * length^2). Errors: kInvalidArgument, kCancelled.
inline constexpr uint8_t kHasSuperset = 1;
inline constexpr uint8_t kHasEqualSuperset = 2;
Status FlagSupersets(const ItemsetsView& sets, CancelFlag cancel, ProgressGauge progress, std::span<uint8_t> flags);

struct RuleMetrics {
  double confidence = 0;  // s / a
  double lift = 0;        // s n / (a c)
  double leverage = 0;    // s / n - (a / n)(c / n)
  double conviction = 0;  // a (n - c) / (n (a - s)), infinite when s = a
  double zhang = 0;       // leverage / max(s / n (1 - a / n), a / n (c / n - s / n)), 0 when that is 0
};

// Of a rule between sets of a, c and (both together) s of n baskets. Products are exact in int64 (n < 2^31).
RuleMetrics MetricsOf(int64_t s, int64_t a, int64_t c, int64_t n);

// What a rule must reach; the defaults let everything through.
struct RuleFilter {
  double min_confidence = 0;
  double min_lift = 0;
  double min_leverage = -1;
  double min_conviction = 0;
  double min_zhang = -1;
  int64_t max_consequent_length = 0;             // 0: no limit
  std::span<const int32_t> antecedent_contains;  // items that must all be there
  std::span<const int32_t> consequent_contains;
  int64_t max_rules = 0;  // refused beyond
};

// Rules by position: set = antecedent and consequent together, all three frequent itemsets.
struct RuleList {
  std::vector<int32_t> antecedents;
  std::vector<int32_t> consequents;
  std::vector<int32_t> sets;
};

// All rules antecedent -> consequent (both not empty, disjoint) from the sets of `range` that pass the filter.
//
// shared_count  [1] rules that all calls of one run found so far; calls on several threads add to it
//
// Order: by set, then by consequent in the order of the sets. A larger consequent of the same set has no higher
// confidence, so the search stops below min_confidence.
// Errors: kInvalidArgument, kOutOfRange (more than max_rules), kCancelled.
// Source: Agrawal & Srikant 1994 (ap-genrules); Zhang 2000; formulas.md, "Association rules".
Status FindRules(const ItemsetsView& sets, int64_t num_baskets, RowRange range, const RuleFilter& filter, CancelFlag cancel,
                 ProgressGauge progress, int64_t* shared_count, RuleList* out);

// Rules by position, as columns.
struct RulesView {
  std::span<const int32_t> antecedents;
  std::span<const int32_t> consequents;
  std::span<const int32_t> sets;
  int64_t size() const { return static_cast<int64_t>(sets.size()); }
};

enum class RuleMetric : int32_t { kSupport = 0, kConfidence = 1, kLift = 2, kLeverage = 3, kConviction = 4, kZhang = 5 };

// The positions of rules from best to worst by a metric; of equal ones the higher support, then the higher confidence,
// then the antecedent and then the consequent that comes first among the sets.
//
// order  [at most rules] out: the best order.size()
//
// Cost: O(rules log order.size()). Memory: 16 bytes a rule. Errors: kInvalidArgument, kCancelled.
Status OrderRules(const ItemsetsView& sets, int64_t num_baskets, const RulesView& rules, RuleMetric metric, CancelFlag cancel,
                  std::span<int32_t> order);

// metrics  [5 * rules] out: confidences, lifts, leverages, convictions, Zhang's metrics
Status MeasureRules(const ItemsetsView& sets, int64_t num_baskets, const RulesView& rules, std::span<double> metrics);

}  // namespace couponcast

#endif  // COUPONCAST_RULES_H_
