// Seeded numbers, the same with every standard library.
#ifndef COUPONCAST_BENCH_NATIVE_RANDOM_H_
#define COUPONCAST_BENCH_NATIVE_RANDOM_H_

#include <cmath>
#include <cstdint>
#include <numbers>

namespace couponcast::bench {

// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double Unit() { return static_cast<double>(Bits() >> 11) * 0x1.0p-53; }
  // In [0, bound).
  int64_t Below(int64_t bound) { return static_cast<int64_t>(Bits() % static_cast<uint64_t>(bound)); }
  // Standard normal, by Box and Muller.
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Unit()));
    return radius * std::cos(2 * std::numbers::pi * Unit());
  }

 private:
  uint64_t state_;
};

}  // namespace couponcast::bench

#endif  // COUPONCAST_BENCH_NATIVE_RANDOM_H_
