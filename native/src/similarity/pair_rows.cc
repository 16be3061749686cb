#include "similarity/pair_rows.h"

#include <hwy/cache_control.h>

#include <array>

#include "couponcast/all_pairs.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/similarity/pair_rows.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kAhead = 24;  // cells whose rows are fetched early
constexpr int64_t kLine = 64;

void Fetch(const void* row, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += kLine) hwy::Prefetch(static_cast<const uint8_t*>(row) + at);
}

// Multiply, then add: every target gives the same bits.
void AddTile(const float* HWY_RESTRICT tile, const PairTileCells& cells, int64_t documents, bool first, float* HWY_RESTRICT sums) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t document = 0; document < documents; ++document) {
    const int64_t begin = cells.begin[document];
    const int64_t end = cells.begin[document + 1];
    if (begin == end && !first) continue;
    for (int64_t r = 0; r < kPairTile; r += 4 * lanes) {
      float* at = sums + document * kPairTile + r;
      auto sum0 = first ? hn::Zero(d) : hn::LoadU(d, at);
      auto sum1 = first ? hn::Zero(d) : hn::LoadU(d, at + lanes);
      auto sum2 = first ? hn::Zero(d) : hn::LoadU(d, at + 2 * lanes);
      auto sum3 = first ? hn::Zero(d) : hn::LoadU(d, at + 3 * lanes);
      for (int64_t i = begin; i < end; ++i) {
        const float* row = tile + kPairTile * cells.row[i] + r;
        Fetch(tile + kPairTile * cells.row[i + static_cast<int64_t>(kPairTileAhead)] + r, 16 * lanes);
        const auto weight = hn::Set(d, cells.weight[i]);
        sum0 = hn::Add(sum0, hn::Mul(weight, hn::LoadU(d, row)));
        sum1 = hn::Add(sum1, hn::Mul(weight, hn::LoadU(d, row + lanes)));
        sum2 = hn::Add(sum2, hn::Mul(weight, hn::LoadU(d, row + 2 * lanes)));
        sum3 = hn::Add(sum3, hn::Mul(weight, hn::LoadU(d, row + 3 * lanes)));
      }
      hn::StoreU(sum0, d, at);
      hn::StoreU(sum1, d, at + lanes);
      hn::StoreU(sum2, d, at + 2 * lanes);
      hn::StoreU(sum3, d, at + 3 * lanes);
    }
  }
}

// A row is a line of the cache: byte b holds the weights of the ranks b, 64 + b, ... from its lowest bits on. Products come from a
// table for each weight and are summed in bytes as long as these hold them.
template <int kBits>
class Packed {
 public:
  Packed(int32_t largest, uint8_t* bytes, uint16_t* sums) : limit_(255 / (largest * largest)), bytes_(bytes), sums_(sums) {
    for (size_t weight = 0; weight < 16; ++weight) {
      for (size_t value = 0; value < 16; ++value) products_[16 * weight + value] = static_cast<uint8_t>(weight * value);
    }
  }

  HWY_ATTR void Add(const uint8_t* HWY_RESTRICT rows, const PairRowCells& cells) {
    for (int64_t i = 0; i < cells.count; ++i) {
      if (i + kAhead < cells.count) Fetch(rows + cells.first_row[i + kAhead] * kLine, cells.depth[i + kAhead] * kLine);
      const uint8_t* row = rows + cells.first_row[i] * kLine;
      const auto products = hn::LoadDup128(d8_, products_.data() + size_t{16} * cells.weight[i]);
      for (int64_t level = 0; level < cells.depth[i]; ++level) {
        AddRow(row + level * kLine, products, bytes_ + level * kRanks);
        if (++added_[static_cast<size_t>(level)] == limit_) Flush(level);
      }
    }
    for (int64_t level = 0; level < kMaxPairDepth; ++level) {
      if (added_[static_cast<size_t>(level)] > 0) Flush(level);
    }
  }

 private:
  static constexpr int64_t kRanks = kLine * 8 / kBits;
  using D8 = hn::CappedTag<uint8_t, kLine>;

  HWY_ATTR void AddRow(const uint8_t* HWY_RESTRICT row, hn::Vec<D8> products, uint8_t* HWY_RESTRICT bytes) const {
    const hn::Repartition<uint16_t, D8> d16;
    const auto mask = hn::Set(d8_, static_cast<uint8_t>((1 << kBits) - 1));
    for (int64_t at = 0; at < kLine; at += static_cast<int64_t>(hn::Lanes(d8_))) {
      auto packed = hn::LoadU(d8_, row + at);
      for (int64_t rank = at; rank < kRanks; rank += kLine) {
        const auto product = hn::TableLookupBytes(products, hn::And(packed, mask));
        hn::StoreU(hn::Add(hn::LoadU(d8_, bytes + rank), product), d8_, bytes + rank);
        packed = hn::BitCast(d8_, hn::ShiftRight<kBits>(hn::BitCast(d16, packed)));
      }
    }
  }

  HWY_ATTR void Flush(int64_t level) {
    const hn::CappedTag<uint16_t, kLine / 2> d16;
    const hn::Rebind<uint8_t, decltype(d16)> d8;
    uint8_t* bytes = bytes_ + level * kRanks;
    uint16_t* sums = sums_ + level * kRanks;
    for (int64_t rank = 0; rank < kRanks; rank += static_cast<int64_t>(hn::Lanes(d16))) {
      hn::StoreU(hn::Add(hn::LoadU(d16, sums + rank), hn::PromoteTo(d16, hn::LoadU(d8, bytes + rank))), d16, sums + rank);
      hn::StoreU(hn::Zero(d8), d8, bytes + rank);
    }
    added_[static_cast<size_t>(level)] = 0;
  }

  const D8 d8_;
  const int32_t limit_;
  uint8_t* const bytes_;
  uint16_t* const sums_;
  std::array<uint8_t, 256> products_;
  std::array<int32_t, kMaxPairDepth> added_{};  // rows in each level's bytes
};

void AddPacked(const uint8_t* HWY_RESTRICT rows, const PairRowCells& cells, int32_t largest, uint8_t* HWY_RESTRICT bytes,
               uint16_t* HWY_RESTRICT sums) {
  if (largest <= 3) {
    Packed<2>(largest, bytes, sums).Add(rows, cells);
  } else {
    Packed<4>(largest, bytes, sums).Add(rows, cells);
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(AddPacked);
HWY_EXPORT(AddTile);

void AddPairRows(std::span<const float> head, const PairRowCells& cells, int32_t largest, uint8_t* bytes, uint16_t* sums) {
  HWY_DYNAMIC_DISPATCH(AddPacked)(reinterpret_cast<const uint8_t*>(head.data()), cells, largest, bytes, sums);
}

void AddPairTile(const float* tile, const PairTileCells& cells, int64_t documents, bool first, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddTile)(tile, cells, documents, first, sums);
}

}  // namespace couponcast
#endif  // HWY_ONCE
