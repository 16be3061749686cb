#include <hwy/aligned_allocator.h>

#include <array>

#include "mining/class_miners.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/mining/eclat.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

#ifndef COUPONCAST_MINING_BIT_COLUMNS_
#define COUPONCAST_MINING_BIT_COLUMNS_
namespace couponcast {

// One vector of the widest target.
constexpr int64_t kWordsPerBlock = 8;

// The items that may follow a set, with the baskets that hold both.
struct BitColumns {
  std::vector<uint64_t, hwy::AlignedAllocator<uint64_t>> bits;
  std::vector<int32_t> ranks;
  std::vector<int64_t> supports;
  int64_t count = 0;

  void Reserve(int64_t columns, int64_t words) {
    const auto size = static_cast<size_t>(columns);
    if (bits.size() < size * static_cast<size_t>(words)) bits.resize(size * static_cast<size_t>(words));
    if (ranks.size() < size) {
      ranks.resize(size);
      supports.resize(size);
    }
    count = 0;
  }
};

// By length of the sets that end with a column.
struct BitLevels {
  std::array<BitColumns, ItemsetSink::kMaxLength + 2> of;
};

}  // namespace couponcast
#endif

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// out = a & b; returns the number of its bits.
HWY_INLINE int64_t AndCount(const uint64_t* HWY_RESTRICT a, const uint64_t* HWY_RESTRICT b, int64_t words, uint64_t* HWY_RESTRICT out) {
  const hn::CappedTag<uint64_t, kWordsPerBlock> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto total = hn::Zero(d);
  for (int64_t i = 0; i < words; i += lanes) {
    const auto both = hn::And(hn::Load(d, a + i), hn::Load(d, b + i));
    hn::Store(both, d, out + i);
    total = hn::Add(total, hn::PopulationCount(both));
  }
  return static_cast<int64_t>(hn::ReduceSum(d, total));
}

// Adds the sets of `length` items that end with a column of `seconds` of the level of `length`, and all that grow from them.
bool Grow(int length, RowRange seconds, int64_t words, BitLevels& levels, ItemsetSink* sink) {
  const BitColumns& here = levels.of[static_cast<size_t>(length)];
  for (int64_t e = seconds.begin; e < seconds.end; ++e) {
    if (!sink->Add(length, here.ranks[static_cast<size_t>(e)], here.supports[static_cast<size_t>(e)])) return false;
    if (e + 1 == here.count || !sink->GoesBeyond(length)) continue;
    BitColumns& next = levels.of[static_cast<size_t>(length) + 1];
    next.Reserve(here.count - e - 1, words);
    const uint64_t* column = here.bits.data() + e * words;
    for (int64_t f = e + 1; f < here.count; ++f) {
      const int64_t support = AndCount(column, here.bits.data() + f * words, words, next.bits.data() + next.count * words);
      if (support < sink->min_count()) continue;
      next.ranks[static_cast<size_t>(next.count)] = here.ranks[static_cast<size_t>(f)];
      next.supports[static_cast<size_t>(next.count)] = support;
      ++next.count;
    }
    if (!sink->Worked((here.count - e) * words)) return false;
    if (next.count > 0 && !Grow(length + 1, {0, next.count}, words, levels, sink)) return false;
  }
  return true;
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(Grow);

BitMiner::BitMiner() : levels_(std::make_unique<BitLevels>()) {}
BitMiner::~BitMiner() = default;

bool BitMiner::Mine(const ItemClass& item_class, RowRange seconds, ClassProjector* projector, ItemsetSink* sink) {
  constexpr int64_t kBitsPerBlock = kWordsPerBlock * 64;
  const int64_t words = (item_class.num_baskets + kBitsPerBlock - 1) / kBitsPerBlock * kWordsPerBlock;
  BitLevels& levels = *levels_;
  BitColumns& first = levels.of[2];
  first.Reserve(item_class.num_items(), words);
  first.count = item_class.num_items();
  std::fill_n(first.bits.begin(), first.count * words, 0);
  std::ranges::copy(item_class.ranks, first.ranks.begin());
  std::ranges::copy(item_class.supports, first.supports.begin());
  const bool completed = projector->ForEachCell(item_class, [&](int64_t basket, int32_t local) {
    first.bits[static_cast<size_t>(local * words + basket / 64)] |= uint64_t{1} << (basket % 64);
  });
  return completed && HWY_DYNAMIC_DISPATCH(Grow)(2, seconds, words, levels, sink);
}

}  // namespace couponcast
#endif  // HWY_ONCE
