#include "bench/native/limits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

#include "bench/native/random.h"
#include "bench/native/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/native/limits.cc"
#include <hwy/foreach_target.h>
// The headers must come behind foreach_target.h.
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains hide the latency of a multiplication and an addition on two units.
constexpr int64_t kChains = 12;

// Both return a number that depends on every step, and set `flops` to what they did.
float FusedImpl(int64_t steps, double* flops) {
  const hn::CappedTag<float, 16> d;
  const auto a = hn::Set(d, 0.5F);
  const auto b = hn::Set(d, 0.25F);
  auto s0 = hn::Iota(d, 0);
  auto s1 = s0;
  auto s2 = s0;
  auto s3 = s0;
  auto s4 = s0;
  auto s5 = s0;
  auto s6 = s0;
  auto s7 = s0;
  auto s8 = s0;
  auto s9 = s0;
  auto s10 = s0;
  auto s11 = s0;
  for (int64_t step = 0; step < steps; ++step) {
    s0 = hn::MulAdd(s0, a, b);
    s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b);
    s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b);
    s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b);
    s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b);
    s9 = hn::MulAdd(s9, a, b);
    s10 = hn::MulAdd(s10, a, b);
    s11 = hn::MulAdd(s11, a, b);
  }
  *flops = 2.0 * static_cast<double>(kChains * steps) * static_cast<double>(hn::Lanes(d));
  const auto left = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(s4, s5));
  const auto right = hn::Add(hn::Add(hn::Add(s6, s7), hn::Add(s8, s9)), hn::Add(s10, s11));
  return hn::ReduceSum(d, hn::Add(left, right));
}

float SeparateImpl(int64_t steps, double* flops) {
  const hn::CappedTag<float, 16> d;
  const auto a = hn::Set(d, 0.5F);
  const auto b = hn::Set(d, 0.25F);
  auto s0 = hn::Iota(d, 0);
  auto s1 = s0;
  auto s2 = s0;
  auto s3 = s0;
  auto s4 = s0;
  auto s5 = s0;
  auto s6 = s0;
  auto s7 = s0;
  auto s8 = s0;
  auto s9 = s0;
  auto s10 = s0;
  auto s11 = s0;
  for (int64_t step = 0; step < steps; ++step) {
    s0 = hn::Add(hn::Mul(s0, a), b);
    s1 = hn::Add(hn::Mul(s1, a), b);
    s2 = hn::Add(hn::Mul(s2, a), b);
    s3 = hn::Add(hn::Mul(s3, a), b);
    s4 = hn::Add(hn::Mul(s4, a), b);
    s5 = hn::Add(hn::Mul(s5, a), b);
    s6 = hn::Add(hn::Mul(s6, a), b);
    s7 = hn::Add(hn::Mul(s7, a), b);
    s8 = hn::Add(hn::Mul(s8, a), b);
    s9 = hn::Add(hn::Mul(s9, a), b);
    s10 = hn::Add(hn::Mul(s10, a), b);
    s11 = hn::Add(hn::Mul(s11, a), b);
  }
  *flops = 2.0 * static_cast<double>(kChains * steps) * static_cast<double>(hn::Lanes(d));
  const auto left = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(s4, s5));
  const auto right = hn::Add(hn::Add(hn::Add(s6, s7), hn::Add(s8, s9)), hn::Add(s10, s11));
  return hn::ReduceSum(d, hn::Add(left, right));
}

// Reads `count` words, a multiple of 64, in order.
uint64_t ReadImpl(const uint64_t* HWY_RESTRICT words, int64_t count) {
  const hn::CappedTag<uint64_t, 8> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d);
  auto s1 = s0;
  auto s2 = s0;
  auto s3 = s0;
  auto s4 = s0;
  auto s5 = s0;
  auto s6 = s0;
  auto s7 = s0;
  for (int64_t i = 0; i < count; i += 8 * lanes) {
    const uint64_t* at = words + i;
    s0 = hn::Or(s0, hn::Load(d, at));
    s1 = hn::Or(s1, hn::Load(d, at + lanes));
    s2 = hn::Or(s2, hn::Load(d, at + 2 * lanes));
    s3 = hn::Or(s3, hn::Load(d, at + 3 * lanes));
    s4 = hn::Or(s4, hn::Load(d, at + 4 * lanes));
    s5 = hn::Or(s5, hn::Load(d, at + 5 * lanes));
    s6 = hn::Or(s6, hn::Load(d, at + 6 * lanes));
    s7 = hn::Or(s7, hn::Load(d, at + 7 * lanes));
  }
  const auto left = hn::Or(hn::Or(s0, s1), hn::Or(s2, s3));
  const auto right = hn::Or(hn::Or(s4, s5), hn::Or(s6, s7));
  return hn::GetLane(hn::Or(left, right));
}

}  // namespace
}  // namespace couponcast::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast::bench {

HWY_EXPORT(FusedImpl);
HWY_EXPORT(SeparateImpl);
HWY_EXPORT(ReadImpl);

namespace {

constexpr int kPasses = 15;
constexpr double kPassSeconds = 0.01;  // at least

// Keeps results alive that nobody reads.
volatile double sink = 0;

// Processor time of this thread: what others do on the machine counts as little as possible.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Best rate of several passes; `work(repeats)` returns how much it did.
template <typename Work>
double BestRate(Work&& work) {
  int64_t repeats = 1;
  double best = 0;
  for (int pass = 0; pass < kPasses;) {
    const double start = Seconds();
    const double amount = work(repeats);
    const double seconds = Seconds() - start;
    if (seconds < kPassSeconds) {
      repeats *= 2;
      continue;
    }
    best = std::max(best, amount / seconds);
    ++pass;
  }
  return best;
}

double ReadRate(const uint64_t* words, int64_t bytes) {
  const int64_t count = bytes / 8;
  return BestRate([&](int64_t repeats) {
    uint64_t bits = 0;
    for (int64_t i = 0; i < repeats; ++i) bits |= HWY_DYNAMIC_DISPATCH(ReadImpl)(words, count);
    sink = static_cast<double>(bits);
    return static_cast<double>(bytes) * static_cast<double>(repeats);
  });
}

// Lists of ascending places, one in each 64 bytes of the accumulator, as a kernel adds the postings of a term.
double ScatterRate(int64_t bytes) {
  constexpr int64_t kLine = 16;           // floats of a cache line
  constexpr int64_t kPostings = 1 << 16;  // of all lists: they stay in the second-level cache
  constexpr size_t kUnroll = 4;           // a list has no place twice, so sums are read before they are written
  const int64_t entries = bytes / 4;
  const int64_t length = entries / kLine;
  Random random(1);
  std::vector<int32_t> places;
  std::vector<float> values;
  for (int64_t i = 0; i < kPostings; ++i) {
    places.push_back(static_cast<int32_t>(i % length * kLine + random.Below(kLine)));
    values.push_back(static_cast<float>(random.Unit()));
  }
  std::vector<float> sums(static_cast<size_t>(entries), 0.0F);
  return BestRate([&](int64_t repeats) {
    for (int64_t repeat = 0; repeat < repeats; ++repeat) {
      const float weight = 1.0F / static_cast<float>(repeat + 1);
      for (size_t i = 0; i < static_cast<size_t>(kPostings); i += kUnroll) {
        std::array<float, kUnroll> sum;
        for (size_t u = 0; u < kUnroll; ++u) sum[u] = sums[static_cast<size_t>(places[i + u])] + weight * values[i + u];
        for (size_t u = 0; u < kUnroll; ++u) sums[static_cast<size_t>(places[i + u])] = sum[u];
      }
    }
    sink = static_cast<double>(sums[0]);
    return static_cast<double>(kPostings) * static_cast<double>(repeats);
  });
}

Limits::Compute ComputeRates() {
  constexpr int64_t kSteps = 10'000;
  const auto flops_of = [](auto function) {
    return [function](int64_t repeats) {
      double flops = 0;
      sink = static_cast<double>(function(kSteps * repeats, &flops));
      return flops;
    };
  };
  return {BestRate(flops_of([](int64_t steps, double* flops) { return HWY_DYNAMIC_DISPATCH(FusedImpl)(steps, flops); })),
          BestRate(flops_of([](int64_t steps, double* flops) { return HWY_DYNAMIC_DISPATCH(SeparateImpl)(steps, flops); }))};
}

std::string Figure(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), value < 100 ? "%.2f" : "%.0f", value);
  return text.data();
}

// Right-aligned, so that names sort as sizes do.
std::string Kibibytes(int64_t bytes) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%4lld KiB", static_cast<long long>(bytes / 1024));
  return text.data();
}

}  // namespace

const Limits::Point& Limits::At(const std::vector<Point>& points, int64_t bytes) {
  return *std::ranges::min_element(points, {}, [&](const Point& point) {
    return std::fabs(std::log(static_cast<double>(std::max<int64_t>(bytes, 1)) / static_cast<double>(point.bytes)));
  });
}

Limits MeasureLimits(const std::vector<int64_t>& targets, int64_t l1_bytes, int64_t l2_bytes, int64_t l3_bytes) {
  constexpr int64_t kMost = int64_t{1} << 30;
  constexpr int64_t kLeast = int64_t{1} << 27;
  constexpr int64_t kGrain = 4096;
  Limits limits;
  UseTarget(targets.front());
  const int64_t memory = std::clamp(2 * l3_bytes, kLeast, kMost);
  const auto words = hwy::AllocateAligned<uint64_t>(static_cast<size_t>(memory / 8));
  if (words) {
    std::fill_n(words.get(), memory / 8, uint64_t{1});
    // Half a cache: the other half holds what else there is.
    const auto measure = [&](const char* level, int64_t bytes) {
      const int64_t whole = std::clamp(bytes / kGrain * kGrain, kGrain, memory);
      limits.read.push_back({std::string("read of ") + level + " (" + Kibibytes(whole) + ")", whole, ReadRate(words.get(), whole)});
    };
    measure("L1", l1_bytes / 2);
    measure("L2", l2_bytes / 2);
    measure("L3", l2_bytes * 4);
    measure("memory", memory);
  }
  for (const int64_t bytes : {1 << 14, 1 << 16, 1 << 18, 1 << 20}) {
    limits.scatter.push_back({"scatter-add to " + Kibibytes(bytes), bytes, ScatterRate(bytes)});
  }
  for (const int64_t target : targets) {
    UseTarget(target);
    limits.compute[target] = ComputeRates();
  }
  return limits;
}

std::vector<std::pair<std::string, std::string>> Describe(const Limits& limits) {
  std::vector<std::pair<std::string, std::string>> lines;
  lines.reserve(limits.read.size() + limits.scatter.size() + 2 * limits.compute.size());
  for (const Limits::Point& point : limits.read) lines.emplace_back(point.name + ", GB/s", Figure(point.rate * 1e-9));
  for (const Limits::Point& point : limits.scatter) lines.emplace_back(point.name + ", M/s", Figure(point.rate * 1e-6));
  for (const auto& [target, rates] : limits.compute) {
    const std::string name = hwy::TargetName(target);
    lines.emplace_back(name + " fp32 fused multiply-add, GFLOP/s", Figure(rates.fma * 1e-9));
    lines.emplace_back(name + " fp32 multiply then add, GFLOP/s", Figure(rates.mul_add * 1e-9));
  }
  return lines;
}

}  // namespace couponcast::bench
#endif  // HWY_ONCE
