#include "mining/itemset_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "base/check.h"
#include "mining/itemset_sink.h"

namespace couponcast {
namespace {

constexpr int64_t kSetsPerPoll = 1 << 14;
constexpr auto kMaxLength = static_cast<size_t>(ItemsetSink::kMaxLength);

Status NotAll() { return InvalidArgument("expected all frequent itemsets but a subset of one is missing"); }

Status CheckTable(size_t table, size_t sets) {
  if (std::has_single_bit(table) && table >= 2 * sets) return {};
  return InvalidArgument("expected a power of two of at least " + std::to_string(2 * sets) + " elements in table but received " +
                         std::to_string(table));
}

}  // namespace

Status CheckItemsets(const ItemsetsView& sets) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lengths", sets.lengths.size(), sets.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("supports", sets.supports.size(), sets.size()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("parents", sets.parents.size(), sets.size()));
  return CheckTable(sets.table.size(), sets.items.size());
}

Status IndexItemsets(std::span<const int32_t> items, std::span<const uint8_t> lengths, CancelFlag cancel, std::span<int32_t> parents,
                     std::span<int32_t> table) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("lengths", lengths.size(), static_cast<int64_t>(items.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("parents", parents.size(), static_cast<int64_t>(items.size())));
  COUPONCAST_RETURN_IF_ERROR(CheckTable(table.size(), items.size()));
  std::ranges::fill(table, -1);
  const size_t mask = table.size() - 1;
  std::array<int32_t, kMaxLength + 1> latest{-1};
  size_t before = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i % kSetsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    const size_t length = lengths[i];
    if (length < 1 || length > std::min(before + 1, kMaxLength)) {
      return InvalidArgument("expected each set behind those that it begins with but set " + std::to_string(i) + " of " +
                             std::to_string(length) + " items follows one of " + std::to_string(before));
    }
    before = length;
    parents[i] = latest[length - 1];
    latest[length] = static_cast<int32_t>(i);
    size_t place = FirstPlace(parents[i], items[i], mask);
    while (table[place] >= 0) place = (place + 1) & mask;
    table[place] = static_cast<int32_t>(i);
  }
  return {};
}

Status FlagSupersets(const ItemsetsView& sets, CancelFlag cancel, ProgressGauge progress, std::span<uint8_t> flags) {
  COUPONCAST_RETURN_IF_ERROR(CheckItemsets(sets));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("flags", flags.size(), sets.size()));
  std::ranges::fill(flags, 0);
  // without[length][j]: the set of the path's first `length` items but the j-th, which is one of without[length - 1]
  // and one more item.
  std::array<std::array<int32_t, kMaxLength>, kMaxLength + 1> without{};
  for (int64_t i = 0; i < sets.size(); ++i) {
    if (i % kSetsPerPoll == 0) {
      if (cancel.IsSet()) return Cancelled();
      progress.Set(i, sets.size());
    }
    const auto set = static_cast<size_t>(i);
    const size_t length = sets.lengths[set];
    auto& subsets = without[length];
    subsets[length - 1] = sets.parents[set];
    for (size_t j = 0; j + 1 < length; ++j) {
      subsets[j] = FindSet(sets, without[length - 1][j], sets.items[set]);
      if (subsets[j] < 0) return NotAll();
    }
    if (length == 1) continue;
    for (size_t j = 0; j < length; ++j) {
      const auto subset = static_cast<size_t>(subsets[j]);
      flags[subset] |= sets.supports[subset] == sets.supports[set] ? kHasSuperset | kHasEqualSuperset : kHasSuperset;
    }
  }
  return {};
}

}  // namespace couponcast
