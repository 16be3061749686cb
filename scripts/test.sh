#!/usr/bin/env bash
# All tests: sets up, builds, checks, then native tests (release, sanitizers, fuzz corpus) and TypeScript tests.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup-system.sh test
COUPONCAST_TESTS=ON bash scripts/build.sh
bash scripts/check.sh
bash scripts/setup-onnxruntime.sh

# Runs a command quietly, or says what it said.
quiet() {
  "$@" >build/test.log 2>&1 || { tail -n 60 build/test.log >&2; exit 1; }
}

# The release tests are built with the addon, from the same objects.
for build in addon asan-ubsan tsan; do
  echo "test: native, $build"
  [ "$build" = addon ] || quiet cmake --preset "$build"
  quiet cmake --build "build/$build"
  quiet ctest --test-dir "build/$build" --no-tests=error --output-on-failure -j 2
  grep -E 'tests passed|Total Test time' build/test.log
done

# The fuzzers of the sanitizers' build: what they have found needs no coverage to be tried again.
echo "test: fuzz corpus"
for target in build/asan-ubsan/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  quiet "$target" -runs=0 native/fuzz/corpus
  echo "$(basename "$target"): $(find native/fuzz/corpus -type f | wc -l) inputs, no finding"
done

echo "test: TypeScript"
npx --no-install vitest run
