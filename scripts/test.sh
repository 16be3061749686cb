#!/usr/bin/env bash
# All tests: sets up, builds, checks, then native tests (release, sanitizers, fuzz corpus) and TypeScript tests.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup-system.sh test
bash scripts/build.sh
bash scripts/check.sh
bash scripts/setup-onnxruntime.sh

for preset in release asan-ubsan tsan; do
  echo "test: native, $preset"
  cmake --preset "$preset" >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; exit 1; }
  cmake --build --preset "$preset" >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; exit 1; }
  ctest --preset "$preset" --no-tests=error -j 2 --quiet --output-log "build/$preset-tests.log" || { tail -n 60 "build/$preset-tests.log" >&2; exit 1; }
  grep -E 'tests passed|Total Test time' "build/$preset-tests.log"
done

# The fuzzers of the sanitizers' build: what they have found needs no coverage to be tried again.
echo "test: fuzz corpus"
for target in build/asan-ubsan/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  "$target" -runs=0 native/fuzz/corpus >build/fuzz.log 2>&1 || { tail -n 40 build/fuzz.log >&2; exit 1; }
  echo "$(basename "$target"): $(find native/fuzz/corpus -type f | wc -l) inputs, no finding"
done

echo "test: TypeScript"
npx --no-install vitest run
