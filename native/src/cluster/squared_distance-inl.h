// |a - b|² as every K-means kernel computes it, so that ways to a label cannot disagree: lane j of 16 sums the dimensions
// j, j + 16, ... in ascending order, then lane j += lane j + w for w = 8, 4, 2, 1. Multiply, then add: the same bits on
// every target. Relative error below DistanceError.
#if defined(COUPONCAST_CLUSTER_SQUARED_DISTANCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUPONCAST_CLUSTER_SQUARED_DISTANCE_INL_H_
#undef COUPONCAST_CLUSTER_SQUARED_DISTANCE_INL_H_
#else
#define COUPONCAST_CLUSTER_SQUARED_DISTANCE_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int64_t kDistanceLanes = 16;

HWY_INLINE float SumLanes(float* HWY_RESTRICT lanes) {
  const hn::CappedTag<float, 8> d8;
  const hn::FixedTag<float, 4> d4;
  for (size_t j = 0; j < 8; j += hn::Lanes(d8)) hn::Store(hn::Add(hn::Load(d8, lanes + j), hn::Load(d8, lanes + j + 8)), d8, lanes + j);
  const auto four = hn::Add(hn::Load(d4, lanes), hn::Load(d4, lanes + 4));
  const auto two = hn::Add(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
}

HWY_INLINE float SquaredDistance(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t dims) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN std::array<float, kDistanceLanes> sums;
  for (int64_t first = 0; first < kDistanceLanes; first += lanes) {
    auto sum = hn::Zero(d);
    int64_t dim = first;
    for (; dim + lanes <= dims; dim += kDistanceLanes) {
      const auto difference = hn::Sub(hn::LoadU(d, a + dim), hn::LoadU(d, b + dim));
      sum = hn::Add(sum, hn::Mul(difference, difference));
    }
    if (dim < dims) {
      const auto left = static_cast<size_t>(dims - dim);
      const auto difference = hn::Sub(hn::LoadN(d, a + dim, left), hn::LoadN(d, b + dim, left));
      sum = hn::Add(sum, hn::Mul(difference, difference));
    }
    hn::Store(sum, d, sums.data() + first);
  }
  return SumLanes(sums.data());
}

}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // COUPONCAST_CLUSTER_SQUARED_DISTANCE_INL_H_
