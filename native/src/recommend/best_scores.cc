#include "recommend/best_scores.h"

#include <algorithm>
#include <limits>

#include "base/best_keys.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/recommend/best_scores.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// maxima [groups * kScoreBlock]: the largest score above 0 of each place, blocks dealt to the groups in turn. Four places of a
// lane side by side, so that no comparison waits for the one before.
void BlockMaximaImpl(const float* HWY_RESTRICT scores, int64_t padded, int64_t groups, float* HWY_RESTRICT maxima) {
  constexpr int64_t kPart = kScoreBlock / 4;
  const hn::CappedTag<float, kPart> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  // Not Max, which may let a NaN in.
  const auto larger = [&](auto largest, const float* at) {
    const auto score = hn::LoadU(d, at);
    return hn::IfThenElse(hn::Gt(score, largest), score, largest);
  };
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t i = 0; i < kPart; i += lanes) {
      auto largest0 = hn::Zero(d);
      auto largest1 = hn::Zero(d);
      auto largest2 = hn::Zero(d);
      auto largest3 = hn::Zero(d);
      for (int64_t at = group * kScoreBlock + i; at < padded; at += groups * kScoreBlock) {
        largest0 = larger(largest0, scores + at);
        largest1 = larger(largest1, scores + at + kPart);
        largest2 = larger(largest2, scores + at + 2 * kPart);
        largest3 = larger(largest3, scores + at + 3 * kPart);
      }
      float* to = maxima + group * kScoreBlock + i;
      hn::StoreU(largest0, d, to);
      hn::StoreU(largest1, d, to + kPart);
      hn::StoreU(largest2, d, to + 2 * kPart);
      hn::StoreU(largest3, d, to + 3 * kPart);
    }
  }
}

// The k-th largest of kScoreBlock values: the least of those that fewer than k exceed. No branch that could be foretold wrong.
float KthOfBlockImpl(const float* HWY_RESTRICT values, int64_t k) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto one = hn::Set(di, 1);
  const auto limit = hn::Set(di, static_cast<int32_t>(k));
  const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  auto kth = infinity;
  for (int64_t i = 0; i < kScoreBlock; i += lanes) {
    const auto own = hn::LoadU(d, values + i);
    auto larger = hn::Zero(di);
    for (int64_t j = 0; j < kScoreBlock; ++j) {
      larger = hn::MaskedAddOr(larger, hn::RebindMask(di, hn::Gt(hn::Set(d, values[j]), own)), larger, one);
    }
    kth = hn::Min(kth, hn::IfThenElse(hn::RebindMask(d, hn::Lt(larger, limit)), own, infinity));
  }
  return hn::ReduceMin(d, kth);
}

// Writes scores >= bound and their places, in order; both outputs have room for kScoreBlock more. Returns how many.
int64_t TakeFromImpl(const float* HWY_RESTRICT scores, int64_t padded, float bound, float* HWY_RESTRICT taken,
                     int32_t* HWY_RESTRICT places) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto limit = hn::Set(d, bound);
  int64_t found = 0;
  for (int64_t at = 0; at < padded; at += lanes) {
    const auto score = hn::LoadU(d, scores + at);
    const auto above = hn::Ge(score, limit);
    hn::CompressStore(hn::Iota(di, static_cast<int32_t>(at)), hn::RebindMask(di, above), di, places + found);
    found += static_cast<int64_t>(hn::CompressStore(score, above, d, taken + found));
  }
  return found;
}

// Writes the k largest of distinct keys in descending order: a key's place is the number of larger ones. Reads keys up to a
// multiple of 8, padded with what is smaller than all.
void SortByRankImpl(const uint64_t* HWY_RESTRICT keys, int64_t count, int64_t k, uint64_t* HWY_RESTRICT sorted) {
  const hn::CappedTag<uint64_t, 8> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t j = 0; j < count; ++j) {
    const auto key = hn::Set(d, keys[j]);
    size_t larger = 0;
    for (int64_t i = 0; i < count; i += lanes) larger += hn::CountTrue(d, hn::Gt(hn::LoadU(d, keys + i), key));
    if (static_cast<int64_t>(larger) < k) sorted[larger] = keys[j];
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(BlockMaximaImpl);
HWY_EXPORT(KthOfBlockImpl);
HWY_EXPORT(TakeFromImpl);
HWY_EXPORT(SortByRankImpl);

namespace {

constexpr int64_t kMaxGroups = 16;
constexpr size_t kKeyPadding = 8;
constexpr size_t kSortByRank = 64;  // keys, beyond which counting the larger ones costs more than sorting

}  // namespace

// A score that k scores reach: the k-th largest of the maxima of parts. So little more than k is looked at twice.
float BestScores::LowerBound(std::span<const float> scores) {
  constexpr float kLeast = std::numeric_limits<float>::denorm_min();
  const int64_t groups = (2 * k_ + kScoreBlock - 1) / kScoreBlock;
  if (groups > kMaxGroups || std::ssize(scores) <= k_) return kLeast;
  maxima_.resize(static_cast<size_t>(groups * kScoreBlock));
  HWY_DYNAMIC_DISPATCH(BlockMaximaImpl)(scores.data(), std::ssize(scores), groups, maxima_.data());
  if (groups == 1) return std::max(HWY_DYNAMIC_DISPATCH(KthOfBlockImpl)(maxima_.data(), k_), kLeast);
  return std::max(KthLargest(maxima_, k_), kLeast);
}

std::span<const ScoredIndex> BestScores::Of(std::span<const float> scores, std::span<const int32_t> items) {
  const auto room = scores.size() + static_cast<size_t>(kScoreBlock);
  if (taken_.size() < room) {
    taken_.resize(room);
    places_.resize(room);
  }
  const float bound = LowerBound(scores);
  const auto found =
      static_cast<size_t>(HWY_DYNAMIC_DISPATCH(TakeFromImpl)(scores.data(), std::ssize(scores), bound, taken_.data(), places_.data()));
  keys_.assign(2 * (found + kKeyPadding), 0);
  for (size_t j = 0; j < found; ++j) {
    keys_[j] = BestKey(taken_[j], items.empty() ? places_[j] : items[static_cast<size_t>(places_[j])]);
  }
  const size_t size = std::min(found, static_cast<size_t>(k_));
  std::span<uint64_t> sorted = std::span(keys_).first(found);
  if (found <= kSortByRank) {
    sorted = std::span(keys_).subspan(found + kKeyPadding);
    HWY_DYNAMIC_DISPATCH(SortByRankImpl)(keys_.data(), static_cast<int64_t>(found), k_, sorted.data());
  } else {
    if (size < found) SelectKeys(sorted, k_);
    SortKeys(sorted.first(size));
  }
  best_.resize(size);
  std::ranges::transform(sorted.first(size), best_.begin(), [](uint64_t key) { return ScoredIndex{ScoreOfKey(key), IndexOfKey(key)}; });
  return best_;
}

}  // namespace couponcast
#endif  // HWY_ONCE
