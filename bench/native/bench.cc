// couponcast_bench: the kernels on every SIMD target of this processor, beside what it can do at best.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "bench/native/case.h"
#include "bench/native/limits.h"
#include "bench/native/targets.h"

namespace couponcast::bench {
namespace {

constexpr const char* kUsage = R"(couponcast_bench [--size=tiny|small|large] [--benchmark_...]

Times each kernel on generated input, one thread, on every SIMD target that this processor runs. First it
measures what the machine can do (reads, fp32 and int8 arithmetic, scattered additions), then prints for each
kernel its rate and `share` (a ratio, although it is printed with /s): rate over the limit that its label names. Of
several limits it is the one that takes longest. A share above 1 says that the kernel finds a way around it: to do
less than its definition asks for, or to do it in an order that caches like better.

Before a kernel is timed its result is compared with plain code; a difference is an error and the exit code 1.

  --benchmark_filter=REGEX           e.g. 'SimilarRows/.*/AVX2'
  --benchmark_list_tests             names only
  --benchmark_repetitions=N          with --benchmark_report_aggregates_only=true: medians
  --benchmark_min_time=0.5s          time of one measurement
  --benchmark_out=FILE               JSON
)";

bool any_wrong = false;

// The limit that takes longest for a cost, and how long that is.
std::pair<std::string, double> LongestLimit(const Cost& cost, const Limits& limits, int64_t target) {
  std::pair<std::string, double> longest{"", 0};
  const auto consider = [&](const std::string& name, double amount, double rate) {
    if (amount > 0 && rate > 0 && amount / rate > longest.second) longest = {name, amount / rate};
  };
  const Limits::Compute& compute = limits.compute.at(target);
  consider("fp32 multiply then add", cost.flops, compute.mul_add);
  const Limits::Point& scatter = Limits::At(limits.scatter, cost.scatter_bytes);
  consider(scatter.name, cost.scatter_adds, scatter.rate);
  if (!limits.read.empty()) {
    const Limits::Point& read = Limits::At(limits.read, cost.read_set_bytes);
    consider(read.name, cost.read_bytes, read.rate);
  }
  return longest;
}

class Runner {
 public:
  explicit Runner(const Sizes& sizes) : inputs_(sizes), cases_(MakeCases(inputs_)), targets_(Targets()) {}

  void Register() {
    for (const auto& entry : cases_) {
      Case* const one = entry.get();
      for (const int64_t target : targets_) {
        if (!one->simd() && target != targets_.front()) continue;
        const std::string name = one->name() + (one->simd() ? std::string("/") + hwy::TargetName(target) : "");
        benchmark::RegisterBenchmark(name, [this, one, target](benchmark::State& state) {
          Measure(state, one, target);
        })->Unit(benchmark::kMillisecond);
      }
    }
  }

  void MeasureTheLimits() {
    std::fprintf(stderr, "measuring the limits of this machine\n");
    std::map<std::pair<int, bool>, int64_t> sizes;  // level and whether it may hold data
    for (const auto& cache : benchmark::CPUInfo::Get().caches) sizes[{cache.level, cache.type != "Instruction"}] = cache.size;
    const auto size = [&](int level, int64_t otherwise) {
      const auto found = sizes.find({level, true});
      return found == sizes.end() ? otherwise : found->second;
    };
    limits_ = MeasureLimits(targets_, size(1, 1 << 15), size(2, 1 << 20), size(3, 1 << 25));
    for (const auto& [name, figure] : Describe(limits_)) benchmark::AddCustomContext("limit: " + name, figure);
  }

 private:
  void Measure(benchmark::State& state, Case* one, int64_t target) {
    UseTarget(targets_.front());
    if (prepared_.insert(one).second) one->Prepare();
    UseTarget(target);
    if (checked_.insert({one, target}).second) {
      const Status status = one->Run();
      wrong_[{one, target}] = status.ok() ? one->Wrong() : status.message();
    }
    const std::string& wrong = wrong_[{one, target}];
    if (!wrong.empty()) {
      any_wrong = true;
      state.SkipWithError("wrong result: " + wrong);
      return;
    }
    for ([[maybe_unused]] auto iteration : state) {
      const Status status = one->Run();
      if (!status.ok()) {
        any_wrong = true;
        state.SkipWithError(status.message());
        break;
      }
    }
    const Cost cost = one->cost();
    const auto [limit, seconds] = LongestLimit(cost, limits_, target);
    constexpr auto kPerSecond = benchmark::Counter::kIsIterationInvariantRate;
    state.counters[cost.unit] = benchmark::Counter(cost.work, kPerSecond);
    state.counters["share"] = benchmark::Counter(seconds, kPerSecond);
    state.SetLabel("of " + limit);
  }

  Inputs inputs_;
  Cases cases_;
  std::vector<int64_t> targets_;
  Limits limits_;
  std::set<Case*> prepared_;
  std::set<std::pair<Case*, int64_t>> checked_;
  std::map<std::pair<Case*, int64_t>, std::string> wrong_;
};

int Main(int argc, char** argv) {
  std::string size = "small";
  bool list_only = false;
  for (int i = 1; i < argc;) {
    const std::string argument = argv[i];
    list_only = list_only || argument.starts_with("--benchmark_list_tests");
    if (argument.starts_with("--size=")) {
      size = argument.substr(std::strlen("--size="));
      for (int j = i; j + 1 < argc; ++j) argv[j] = argv[j + 1];
      --argc;
    } else {
      ++i;
    }
  }
  benchmark::Initialize(&argc, argv, [] { std::fputs(kUsage, stdout); });
  const std::optional<Sizes> sizes = SizesOf(size);
  if (benchmark::ReportUnrecognizedArguments(argc, argv) || !sizes) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  Runner runner(*sizes);
  runner.Register();
  benchmark::AddCustomContext("size", size);
  if (!list_only) runner.MeasureTheLimits();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return any_wrong ? 1 : 0;
}

}  // namespace
}  // namespace couponcast::bench

int main(int argc, char** argv) { return couponcast::bench::Main(argc, argv); }
