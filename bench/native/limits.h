// What this machine can do at best, on one thread: measured, so that a kernel's rate can be read as a share of it.
#ifndef COUPONCAST_BENCH_NATIVE_LIMITS_H_
#define COUPONCAST_BENCH_NATIVE_LIMITS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace couponcast::bench {

struct Limits {
  // Rate for data of so many bytes; the sizes ascend.
  struct Point {
    std::string name;
    int64_t bytes;
    double rate;
  };
  struct Compute {
    double fma;      // fp32 flops/s, fused multiply-add, operands in registers
    double mul_add;  // fp32 flops/s, multiply then add: what the kernels are allowed (-ffp-contract=off)
  };

  std::vector<Point> read;             // bytes/s read in order: L1, L2, L3 (four times L2), memory (twice L3)
  std::vector<Point> scatter;          // float additions/s to ascending places of an accumulator, one a cache line
  std::map<int64_t, Compute> compute;  // by SIMD target

  // The size that is nearest to a set of `bytes`, as a ratio.
  static const Point& At(const std::vector<Point>& points, int64_t bytes);
};

// Takes some seconds and, for the read from memory, up to 1 GiB. Each figure is the best of several passes, in
// processor time.
Limits MeasureLimits(const std::vector<int64_t>& targets, int64_t l1_bytes, int64_t l2_bytes, int64_t l3_bytes);

// The limits as pairs of name (with its unit) and figure.
std::vector<std::pair<std::string, std::string>> Describe(const Limits& limits);

}  // namespace couponcast::bench

#endif  // COUPONCAST_BENCH_NATIVE_LIMITS_H_
