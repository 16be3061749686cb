#!/usr/bin/env bash
# What takes too long for each commit: clang-tidy, docs of every export, sanitizers, the fuzz corpus, the long tests of
# TypeScript, and property tests with ten times as many cases. Run npm test first: the two share nothing but the build.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup-system.sh test-all
bash scripts/build.sh
bash scripts/setup-onnxruntime.sh

# Runs a command quietly, or prints what it said.
quiet() {
  "$@" >build/test.log 2>&1 || { tail -n 60 build/test.log >&2; exit 1; }
}

echo "test: clang-tidy"
bash scripts/clang-tidy.sh
for build in asan-ubsan tsan; do
  echo "test: native, $build"
  quiet cmake --preset "$build"
  quiet cmake --build "build/$build"
  quiet ctest --test-dir "build/$build" --no-tests=error --output-on-failure -j 2
  grep -E 'tests passed|Total Test time' build/test.log
done

# The fuzzers are part of the build with sanitizers. Inputs that once failed are tried again.
echo "test: fuzz corpus"
for target in build/asan-ubsan/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  quiet "$target" -runs=0 native/fuzz/corpus
  echo "$(basename "$target"): $(find native/fuzz/corpus -type f | wc -l) inputs, no finding"
done

echo "test: TypeScript, long"
npx --no-install vitest run --project long
echo "test: TypeScript, ten times as many cases"
COUPONCAST_PROPERTY_RUNS=10 npx --no-install vitest run --project short test/property
