#include "mining/item_class.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace couponcast {
namespace {

// Looking through all ranks is cheap for each, so it pays unless there are many more ranks than cells.
constexpr int64_t kRanksPerCell = 8;

}  // namespace

ClassProjector::ClassProjector(const RankedBaskets& baskets, CancelFlag cancel)
    : baskets_(baskets), cancel_(cancel), counts_(baskets.rank_begin.size(), 0), local_of_rank_(baskets.rank_begin.size(), -1) {}

bool ClassProjector::Open(int32_t rank, int64_t min_count, ItemClass* out) {
  const std::span<const uint32_t> occurrences = OccurrencesOf(rank);
  const auto end = static_cast<int32_t>(baskets_.num_ranks());
  const int32_t* ranks = baskets_.ranks.data();
  out->rank = rank;
  out->num_baskets = static_cast<int64_t>(occurrences.size());
  out->num_cells = 0;
  out->ranks.clear();
  out->supports.clear();
  int64_t delivered = 0;
  int64_t basket = 0;
  for (const uint32_t from : occurrences) {
    if (basket % kBasketsPerPoll == 0 && cancel_.IsSet()) return false;
    PrefetchAhead(occurrences, basket++);
    const int32_t* at = ranks + from;
    for (; *at != end; ++at) ++counts_[static_cast<size_t>(*at)];
    delivered += at - (ranks + from);
  }
  const auto take = [&](int32_t other) {
    int32_t& count = counts_[static_cast<size_t>(other)];
    if (count >= min_count) {
      out->ranks.push_back(other);
      out->supports.push_back(count);
      out->num_cells += count;
    }
    count = 0;
  };
  if (end - rank <= delivered * kRanksPerCell) {
    const auto limit = static_cast<int32_t>(min_count);
    constexpr int32_t kBlock = 16;
    int32_t other = rank + 1;
    for (; other + kBlock <= end; other += kBlock) {
      int32_t* block = counts_.data() + other;
      int32_t most = 0;
      for (int32_t i = 0; i < kBlock; ++i) most = std::max(most, block[i]);
      if (most >= limit) {
        for (int32_t i = 0; i < kBlock; ++i) take(other + i);
      } else if (most > 0) {
        std::fill_n(block, kBlock, 0);
      }
    }
    for (; other < end; ++other) take(other);
    return true;
  }
  for (const uint32_t from : occurrences) {
    for (const int32_t* at = ranks + from; *at != end; ++at) {
      if (counts_[static_cast<size_t>(*at)] > 0) take(*at);
    }
  }
  std::vector<std::pair<int32_t, int64_t>> found;
  found.reserve(out->ranks.size());
  for (size_t i = 0; i < out->ranks.size(); ++i) found.emplace_back(out->ranks[i], out->supports[i]);
  std::ranges::sort(found);
  for (size_t i = 0; i < found.size(); ++i) std::tie(out->ranks[i], out->supports[i]) = found[i];
  return true;
}

bool ClassProjector::ReadRows(const ItemClass& item_class, ClassRows* out) {
  out->items.clear();
  out->indptr.assign(1, 0);
  int64_t row = 0;
  const auto close = [&] {
    if (static_cast<int64_t>(out->items.size()) - out->indptr.back() >= 2) {
      out->indptr.push_back(static_cast<int64_t>(out->items.size()));
    } else {
      out->items.resize(static_cast<size_t>(out->indptr.back()));
    }
  };
  const bool completed = ForEachCell(item_class, [&](int64_t basket, int32_t local) {
    if (basket != row) close();
    row = basket;
    out->items.push_back(local);
  });
  close();
  return completed;
}

}  // namespace couponcast
