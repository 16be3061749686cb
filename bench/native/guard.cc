// couponcast_guard: one kernel on a small input, for callgrind to count the instructions of.
//   couponcast_guard --list    what it was built with and its cases, as JSON
//   couponcast_guard CASE      prepares, runs once to check the result, runs again inside couponcast_guard_measured
#include <hwy/base.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>

#include "bench/native/case.h"
#include "bench/native/targets.h"

#if __has_include(<gnu/libc-version.h>)
#include <gnu/libc-version.h>
#endif

// callgrind collects inside this function only; it finds it by its name.
extern "C" HWY_NOINLINE void couponcast_guard_measured(couponcast::bench::Case& one, couponcast::Status& status) { status = one.Run(); }

namespace couponcast::bench {
namespace {

// Fixed, so that figures do not depend on the machine: what valgrind knows and every server of ten years has.
constexpr int64_t kTarget = HWY_AVX2;

#ifdef __clang__
constexpr const char* kCompiler = "Clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

std::string Libc() {
#ifdef __GLIBC__
  return std::string("glibc ") + gnu_get_libc_version();
#else
  return "another";
#endif
}

void List(const Cases& cases) {
  std::printf(R"({"target": "%s", "compiler": "%s", "highway": "%d.%d", "libc": "%s", "cases": [)", hwy::TargetName(kTarget), kCompiler,
              HWY_MAJOR, HWY_MINOR, Libc().c_str());
  const char* separator = "";
  for (const auto& one : cases) {
    std::printf("%s\"%s\"", separator, one->name().c_str());
    separator = ", ";
  }
  std::printf("]}\n");
}

// Returns the exit code.
int Measure(Case& one) {
  UseTarget(kTarget);
  one.Prepare();
  Status status = one.Run();
  const std::string wrong = status.ok() ? one.Wrong() : status.message();
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s: wrong result: %s\n", one.name().c_str(), wrong.c_str());
    return 1;
  }
  couponcast_guard_measured(one, status);
  return status.ok() ? 0 : 1;
}

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: couponcast_guard --list | CASE\n", stderr);
    return 2;
  }
  const std::string name = argv[1];
  Inputs inputs(SizesOf("guard").value());
  const Cases cases = MakeCases(inputs);
  if (name == "--list") {
    List(cases);
    return 0;
  }
  const auto found = std::ranges::find_if(cases, [&](const auto& one) { return one->name() == name; });
  if (found == cases.end()) {
    std::fprintf(stderr, "no case %s\n", name.c_str());
    return 2;
  }
  const std::vector<int64_t> targets = Targets();
  if (std::ranges::find(targets, kTarget) == targets.end()) {
    std::fprintf(stderr, "this processor does not run %s\n", hwy::TargetName(kTarget));
    return 3;
  }
  // A thread begins with a heap of its own, on which nothing has been: what libraries allocate when they are loaded differs
  // from one process to the next, and how long filling and copying takes depends on the address.
  int exit_code = 1;
  std::thread([&] { exit_code = Measure(**found); }).join();
  return exit_code;
}

}  // namespace
}  // namespace couponcast::bench

// NOLINTNEXTLINE(bugprone-exception-escape): a tool that cannot go on may end so
int main(int argc, char** argv) { return couponcast::bench::Main(argc, argv); }
