#include "factor/score_tile.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/factor/score_tile.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_HAVE_SCALABLE
using Tag = hn::FixedTag<float, 4>;
#else
using Tag = hn::CappedTag<float, 16>;
#endif
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(Tag()));
// Vectors of a tile that are worked on at once: with their sums they fill 32 registers, or 16.
constexpr int64_t kVectors = kWidth == 16 ? 4 : 2;
constexpr int64_t kPart = kVectors * kWidth;

// Items [part, part + kPart) of the tile.
void ScorePart(const float* const* queries, int64_t factors, const float* HWY_RESTRICT part, float* HWY_RESTRICT scores) {
  const Tag d;
  std::array<std::array<hn::Vec<Tag>, kVectors>, kTileQueries> sums;
  for (auto& row : sums) {
    for (auto& sum : row) sum = hn::Zero(d);
  }
  const float* q0 = queries[0];
  const float* q1 = queries[1];
  const float* q2 = queries[2];
  const float* q3 = queries[3];
  const float* q4 = queries[4];
  const float* q5 = queries[5];
  for (int64_t k = 0; k < factors; ++k) {
    std::array<hn::Vec<Tag>, kVectors> items;
    for (int64_t v = 0; v < kVectors; ++v) items[v] = hn::LoadU(d, part + k * kTileItems + v * kWidth);
    const std::array<float, kTileQueries> values = {q0[k], q1[k], q2[k], q3[k], q4[k], q5[k]};
    for (int64_t q = 0; q < kTileQueries; ++q) {
      const auto value = hn::Set(d, values[q]);
      for (int64_t v = 0; v < kVectors; ++v) sums[q][v] = hn::Add(sums[q][v], hn::Mul(value, items[v]));
    }
  }
  for (int64_t q = 0; q < kTileQueries; ++q) {
    for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sums[q][v], d, scores + q * kTileItems + v * kWidth);
  }
}

void ScoreTileImpl(const float* const* queries, int64_t count, int64_t factors, const float* HWY_RESTRICT tile,
                   const float* HWY_RESTRICT thresholds, float* HWY_RESTRICT scores, uint64_t* HWY_RESTRICT hits) {
  // Places without a query repeat the last.
  std::array<const float*, kTileQueries> all;
  for (int64_t q = 0; q < kTileQueries; ++q) all[q] = queries[std::min(q, count - 1)];
  for (int64_t part = 0; part < kTileItems; part += kPart) ScorePart(all.data(), factors, tile + part, scores + part);
  const Tag d;
  for (int64_t q = 0; q < count; ++q) {
    const auto threshold = hn::Set(d, thresholds[q]);
    uint64_t bits = 0;
    for (int64_t at = 0; at < kTileItems; at += kWidth) {
      const auto reached = hn::Ge(hn::LoadU(d, scores + q * kTileItems + at), threshold);
      uint64_t part = 0;  // StoreMaskBits may write up to 8 bytes
      hn::StoreMaskBits(d, reached, reinterpret_cast<uint8_t*>(&part));
      bits |= (part & ((uint64_t{1} << kWidth) - 1)) << static_cast<unsigned>(at);
    }
    hits[q] = bits;
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(ScoreTileImpl);

void ScoreTile(const float* const* queries, int64_t count, int64_t factors, const float* tile, const float* thresholds, float* scores,
               uint64_t* hits) {
  HWY_DYNAMIC_DISPATCH(ScoreTileImpl)(queries, count, factors, tile, thresholds, scores, hits);
}

}  // namespace couponcast
#endif  // HWY_ONCE
