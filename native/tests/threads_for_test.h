// Tests in which threads meet. The thread sanitizer's build holds the test files that include this, and no others.
#ifndef COUPONCAST_TESTS_THREADS_FOR_TEST_H_
#define COUPONCAST_TESTS_THREADS_FOR_TEST_H_

#include <cstdint>
#include <thread>
#include <vector>

namespace couponcast::testing {

// Calls run(0), ..., run(threads - 1) at once, the first on the caller's thread.
template <typename Run>
void OnThreads(int64_t threads, const Run& run) {
  std::vector<std::jthread> started;
  for (int64_t t = 1; t < threads; ++t) started.emplace_back([&run, t] { run(t); });
  run(0);
}

}  // namespace couponcast::testing

#endif  // COUPONCAST_TESTS_THREADS_FOR_TEST_H_
