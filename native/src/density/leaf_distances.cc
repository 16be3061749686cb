#include "density/leaf_distances.h"

#include <array>
#include <bit>
#include <limits>

#include "couponcast/kd_tree.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/density/leaf_distances.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;

HWY_INLINE uint32_t Bits(D d, hn::Mask<D> mask) {
  std::array<uint8_t, 8> bytes{};
  hn::StoreMaskBits(d, mask, bytes.data());
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8;
}

uint32_t SlotsNearBoxImpl(const float* HWY_RESTRICT block, const float* HWY_RESTRICT box, int64_t dims, float limit) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  uint32_t near = 0;
  for (int64_t at = 0; at < kLeafPoints; at += lanes) {
    auto sum = hn::Zero(d);
    for (int64_t dim = 0; dim < dims; ++dim) {
      const auto x = hn::LoadU(d, block + dim * kLeafPoints + at);
      const auto gap = hn::Max(hn::Zero(d), hn::Max(hn::Sub(hn::Set(d, box[dim]), x), hn::Sub(x, hn::Set(d, box[dims + dim]))));
      sum = hn::Add(sum, hn::Mul(gap, gap));
    }
    near |= Bits(d, hn::Le(sum, hn::Set(d, limit))) << at;
  }
  return near;
}

// Bits of the slots of b that are surely and that are perhaps within the limits of slot `slot` of a.
void CompareSlotImpl(const float* HWY_RESTRICT a, int64_t slot, const float* HWY_RESTRICT b, int64_t dims, float sure_limit,
                     float perhaps_limit, uint32_t* HWY_RESTRICT surely, uint32_t* HWY_RESTRICT perhaps) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  *surely = 0;
  *perhaps = 0;
  for (int64_t at = 0; at < kLeafPoints; at += lanes) {
    auto sum = hn::Zero(d);
    for (int64_t dim = 0; dim < dims; ++dim) {
      const auto difference = hn::Sub(hn::Set(d, a[dim * kLeafPoints + slot]), hn::LoadU(d, b + dim * kLeafPoints + at));
      sum = hn::Add(sum, hn::Mul(difference, difference));
    }
    *surely |= Bits(d, hn::Le(sum, hn::Set(d, sure_limit))) << at;
    *perhaps |= Bits(d, hn::Le(sum, hn::Set(d, perhaps_limit))) << at;
  }
}

void SlotsWithinImpl(const float* HWY_RESTRICT a, uint32_t slots, const float* HWY_RESTRICT b, int64_t dims, float surely, float perhaps,
                     uint32_t* HWY_RESTRICT sure_masks, uint32_t* HWY_RESTRICT unsure_masks) {
  for (; slots != 0; slots &= slots - 1) {
    const int slot = std::countr_zero(slots);
    uint32_t sure = 0;
    uint32_t possible = 0;
    CompareSlotImpl(a, slot, b, dims, surely, perhaps, &sure, &possible);
    sure_masks[slot] = sure;
    unsure_masks[slot] = possible & ~sure;
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(SlotsNearBoxImpl);
HWY_EXPORT(SlotsWithinImpl);

SquaredLimit::SquaredLimit(double squared, int64_t dims) : exact(squared) {
  // Twice what the roundings can add up to, in terms of the sum itself.
  const double error = 2 * static_cast<double>(dims + 3) * 0x1.0p-24;
  const double least = static_cast<double>(dims) * static_cast<double>(std::numeric_limits<float>::min());
  const double high = squared * (1 + error) + 2 * least;
  if (error < 0.25 && high < static_cast<double>(std::numeric_limits<float>::max()) / 4) {
    surely = static_cast<float>(squared * (1 - error) - 2 * least);
    perhaps = static_cast<float>(high);
  } else {
    surely = -1;
    perhaps = std::numeric_limits<float>::infinity();
  }
}

uint32_t SlotsNearBox(const float* block, uint32_t slots, const float* box, int64_t dims, const SquaredLimit& limit) {
  return slots & HWY_DYNAMIC_DISPATCH(SlotsNearBoxImpl)(block, box, dims, limit.perhaps);
}

void SlotsWithin(const float* a, uint32_t slots, const float* b, int64_t dims, const SquaredLimit& limit, uint32_t* masks) {
  std::array<uint32_t, kLeafPoints> unsure{};
  HWY_DYNAMIC_DISPATCH(SlotsWithinImpl)(a, slots, b, dims, limit.surely, limit.perhaps, masks, unsure.data());
  for (; slots != 0; slots &= slots - 1) {
    const int slot = std::countr_zero(slots);
    for (uint32_t left = unsure[static_cast<size_t>(slot)]; left != 0; left &= left - 1) {
      const int other = std::countr_zero(left);
      if (SquaredDistance(a, slot, b, other, dims) <= limit.exact) masks[slot] |= uint32_t{1} << other;
    }
  }
}

double SquaredDistance(const float* a, int64_t slot_a, const float* b, int64_t slot_b, int64_t dims) {
  double sum = 0;
  for (int64_t dim = 0; dim < dims; ++dim) {
    const double difference = static_cast<double>(a[dim * kLeafPoints + slot_a]) - static_cast<double>(b[dim * kLeafPoints + slot_b]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace couponcast
#endif  // HWY_ONCE
