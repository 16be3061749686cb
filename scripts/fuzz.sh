#!/usr/bin/env bash
# Fuzzes the readers: fuzz.sh [seconds per target]. All start from native/fuzz/corpus. New inputs stay in
# build/fuzz-corpus/<target>; findings in build/fuzz-findings.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
for target in build/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=$(basename "$target" | sed 's/^fuzz_//')
  mkdir -p "build/fuzz-corpus/$name" build/fuzz-findings
  "$target" -max_total_time="$seconds" -artifact_prefix=build/fuzz-findings/ -print_final_stats=1 -dict=native/fuzz/safetensors.dict \
    "build/fuzz-corpus/$name" native/fuzz/corpus
done
