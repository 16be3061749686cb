#include "couponcast/rules.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <limits>
#include <string>

#include "base/check.h"
#include "mining/itemset_index.h"
#include "mining/itemset_sink.h"

namespace couponcast {
namespace {

constexpr int64_t kStepsPerPoll = 1 << 16;
constexpr auto kMaxLength = static_cast<size_t>(ItemsetSink::kMaxLength);

// The rules of one set after the other.
class RuleFinder {
 public:
  RuleFinder(const ItemsetsView& sets, int64_t num_baskets, const RuleFilter& filter, CancelFlag cancel, int64_t* shared_count,
             RuleList* out)
      : sets_(sets), num_baskets_(num_baskets), filter_(filter), cancel_(cancel), shared_count_(shared_count), out_(out) {}

  bool AddRulesOf(int64_t set) {
    if (!Worked()) return false;
    ReadPath(set);
    if (length_ < 2) return true;
    never_ = 0;
    wanted_ = 0;
    if (!FindItems(filter_.antecedent_contains, &never_) || !FindItems(filter_.consequent_contains, &wanted_)) return true;
    return Grow(-1, 0, 0, 0);
  }

  Status status() const { return status_; }

 private:
  void ReadPath(int64_t set) {
    set_ = static_cast<int32_t>(set);
    length_ = sets_.lengths[static_cast<size_t>(set)];
    int32_t at = set_;
    for (size_t i = length_; i-- > 0;) {
      prefixes_[i + 1] = at;
      path_[i] = sets_.items[static_cast<size_t>(at)];
      at = sets_.parents[static_cast<size_t>(at)];
    }
    prefixes_[0] = -1;
  }

  // Sets the bits of the places of `items`; false unless all are there.
  bool FindItems(std::span<const int32_t> items, uint32_t* bits) const {
    const auto path = std::span(path_).first(length_);
    for (const int32_t item : items) {
      const auto found = std::ranges::find(path, item);
      if (found == path.end()) return false;
      *bits |= uint32_t{1} << (found - path.begin());
    }
    return true;
  }

  // Tries the consequents that begin with `consequent` (the items of `bits`, `count` of them) and go on at `from`.
  bool Grow(int32_t consequent, uint32_t bits, size_t from, int64_t count) {
    for (size_t next = from; next < length_; ++next) {
      const uint32_t with = bits | (uint32_t{1} << next);
      if ((with & never_) != 0 || count + 2 > static_cast<int64_t>(length_)) continue;
      if (!Worked()) return false;
      const int32_t grown = FindSet(sets_, consequent, path_[next]);
      const int32_t antecedent = Without(with);
      if (grown < 0 || antecedent < 0) {
        status_ = InvalidArgument("expected all frequent itemsets but a subset of one is missing");
        return false;
      }
      const RuleMetrics metrics = MetricsOf(Support(set_), Support(antecedent), Support(grown), num_baskets_);
      if (metrics.confidence < filter_.min_confidence) continue;
      if ((wanted_ & ~with) == 0 && Passes(metrics) && !Add(antecedent, grown)) return false;
      if (filter_.max_consequent_length > 0 && count + 1 >= filter_.max_consequent_length) continue;
      if (!Grow(grown, with, next + 1, count + 1)) return false;
    }
    return true;
  }

  // The set of the path's items but those of `bits`.
  int32_t Without(uint32_t bits) const {
    const auto first = static_cast<size_t>(std::countr_zero(bits));
    int32_t at = prefixes_[first];
    for (size_t i = first + 1; i < length_; ++i) {
      if ((bits >> i & 1) != 0) continue;
      at = FindSet(sets_, at, path_[i]);
      if (at < 0) return at;
    }
    return at;
  }

  int64_t Support(int32_t set) const { return sets_.supports[static_cast<size_t>(set)]; }

  bool Passes(const RuleMetrics& metrics) const {
    return metrics.lift >= filter_.min_lift && metrics.leverage >= filter_.min_leverage && metrics.conviction >= filter_.min_conviction &&
           metrics.zhang >= filter_.min_zhang;
  }

  bool Add(int32_t antecedent, int32_t consequent) {
    out_->antecedents.push_back(antecedent);
    out_->consequents.push_back(consequent);
    out_->sets.push_back(set_);
    if (std::atomic_ref(*shared_count_).fetch_add(1, std::memory_order_relaxed) < filter_.max_rules) return true;
    status_ = OutOfRange("expected at most " + std::to_string(filter_.max_rules) + " rules but found more");
    return false;
  }

  bool Worked() {
    if (++steps_ % kStepsPerPoll != 0 || !cancel_.IsSet()) return true;
    status_ = Cancelled();
    return false;
  }

  const ItemsetsView& sets_;
  int64_t num_baskets_;
  const RuleFilter& filter_;
  CancelFlag cancel_;
  int64_t* shared_count_;
  RuleList* out_;
  int32_t set_ = 0;
  size_t length_ = 0;
  std::array<int32_t, kMaxLength> path_{};
  std::array<int32_t, kMaxLength + 1> prefixes_{};  // by length
  uint32_t never_ = 0;                              // places that are in no consequent
  uint32_t wanted_ = 0;                             // places that are in every consequent
  int64_t steps_ = 0;
  Status status_;
};

Status CheckRules(const ItemsetsView& sets, int64_t num_baskets, const RulesView& rules) {
  COUPONCAST_RETURN_IF_ERROR(CheckItemsets(sets));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("numBaskets", num_baskets));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("antecedents", rules.antecedents.size(), rules.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("consequents", rules.consequents.size(), rules.size()));
  for (const std::span<const int32_t> positions : {rules.antecedents, rules.consequents, rules.sets}) {
    for (const int32_t position : positions) {
      if (position < 0 || position >= sets.size()) return OutOfRange("expected positions of sets but received " + std::to_string(position));
    }
  }
  return {};
}

RuleMetrics MetricsAt(const ItemsetsView& sets, int64_t num_baskets, const RulesView& rules, size_t rule) {
  const auto support = [&](std::span<const int32_t> positions) { return sets.supports[static_cast<size_t>(positions[rule])]; };
  return MetricsOf(support(rules.sets), support(rules.antecedents), support(rules.consequents), num_baskets);
}

double Choose(const RuleMetrics& metrics, RuleMetric metric, int32_t support) {
  switch (metric) {
    case RuleMetric::kSupport:
      return support;
    case RuleMetric::kConfidence:
      return metrics.confidence;
    case RuleMetric::kLift:
      return metrics.lift;
    case RuleMetric::kLeverage:
      return metrics.leverage;
    case RuleMetric::kConviction:
      return metrics.conviction;
    case RuleMetric::kZhang:
      return metrics.zhang;
  }
  return 0;
}

}  // namespace

RuleMetrics MetricsOf(int64_t s, int64_t a, int64_t c, int64_t n) {
  const auto real = [](int64_t value) { return static_cast<double>(value); };
  RuleMetrics metrics;
  metrics.confidence = real(s) / real(a);
  metrics.lift = real(s * n) / real(a * c);
  const double excess = real(s * n - a * c);
  metrics.leverage = excess / real(n * n);
  metrics.conviction = s == a ? std::numeric_limits<double>::infinity() : real(a * (n - c)) / real(n * (a - s));
  const int64_t most = std::max(s * (n - a), a * (c - s));
  metrics.zhang = most == 0 ? 0.0 : excess / real(most);
  return metrics;
}

Status FindRules(const ItemsetsView& sets, int64_t num_baskets, RowRange range, const RuleFilter& filter, CancelFlag cancel,
                 ProgressGauge progress, int64_t* shared_count, RuleList* out) {
  COUPONCAST_RETURN_IF_ERROR(CheckItemsets(sets));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("numBaskets", num_baskets));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("maxRules", filter.max_rules));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, sets.size()));
  RuleFinder finder(sets, num_baskets, filter, cancel, shared_count, out);
  for (int64_t set = range.begin; set < range.end; ++set) {
    progress.Set(set - range.begin, range.size());
    if (!finder.AddRulesOf(set)) return finder.status();
  }
  return {};
}

Status OrderRules(const ItemsetsView& sets, int64_t num_baskets, const RulesView& rules, RuleMetric metric, CancelFlag cancel,
                  std::span<int32_t> order) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(sets, num_baskets, rules));
  if (static_cast<int64_t>(order.size()) > rules.size()) {
    return InvalidArgument("expected at most " + std::to_string(rules.size()) + " elements in order but received " +
                           std::to_string(order.size()));
  }
  struct Key {
    double value;
    int32_t rule;
  };
  std::vector<Key> keys;
  keys.reserve(rules.sets.size());
  for (size_t rule = 0; rule < rules.sets.size(); ++rule) {
    const int32_t support = sets.supports[static_cast<size_t>(rules.sets[rule])];
    keys.push_back({Choose(MetricsAt(sets, num_baskets, rules, rule), metric, support), static_cast<int32_t>(rule)});
  }
  if (cancel.IsSet()) return Cancelled();
  const auto better = [&](const Key& x, const Key& y) {
    if (x.value != y.value) return x.value > y.value;
    const auto i = static_cast<size_t>(x.rule);
    const auto j = static_cast<size_t>(y.rule);
    const int32_t support_x = sets.supports[static_cast<size_t>(rules.sets[i])];
    const int32_t support_y = sets.supports[static_cast<size_t>(rules.sets[j])];
    if (support_x != support_y) return support_x > support_y;
    // Of equal supports, the rarer antecedent makes the higher confidence.
    const int32_t antecedent_x = sets.supports[static_cast<size_t>(rules.antecedents[i])];
    const int32_t antecedent_y = sets.supports[static_cast<size_t>(rules.antecedents[j])];
    if (antecedent_x != antecedent_y) return antecedent_x < antecedent_y;
    if (rules.antecedents[i] != rules.antecedents[j]) return rules.antecedents[i] < rules.antecedents[j];
    return rules.consequents[i] < rules.consequents[j];
  };
  std::ranges::partial_sort(keys, keys.begin() + static_cast<ptrdiff_t>(order.size()), better);
  for (size_t i = 0; i < order.size(); ++i) order[i] = keys[i].rule;
  return {};
}

Status MeasureRules(const ItemsetsView& sets, int64_t num_baskets, const RulesView& rules, std::span<double> metrics) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(sets, num_baskets, rules));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("metrics", metrics.size(), 5 * rules.size()));
  const size_t n = rules.sets.size();
  for (size_t rule = 0; rule < n; ++rule) {
    const RuleMetrics of = MetricsAt(sets, num_baskets, rules, rule);
    metrics[rule] = of.confidence;
    metrics[n + rule] = of.lift;
    metrics[2 * n + rule] = of.leverage;
    metrics[3 * n + rule] = of.conviction;
    metrics[4 * n + rule] = of.zhang;
  }
  return {};
}

}  // namespace couponcast
