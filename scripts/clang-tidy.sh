#!/usr/bin/env bash
# Lints every C++ file of the project with clang-tidy, as .clang-tidy says. Quiet when clean.
# A file found clean is not looked at again until it, any header, the rules, its compile command or clang-tidy changes
# (stamps in build/tidy/clean; after an upgrade of system headers, remove that folder).
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/tidy
mkdir -p "$out/clean"

# One compile database for all of it: the addon as well (which otherwise only cmake-js configures), tests, fuzzers, benchmarks.
# Of the SIMD code one target is enough: all are the same text. Headers of others are parsed once, not with each file.
cmake -S . -B "$out" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++-22 -DCOUPONCAST_TESTS=ON -DCOUPONCAST_FUZZ=ON \
  -DCOUPONCAST_BENCH=ON -DCMAKE_CXX_FLAGS=-DHWY_COMPILE_ONLY_STATIC \
  -DCMAKE_JS_INC="$(node -p "require('node-api-headers').include_dir")" >"$out/configure.log" 2>&1 || {
  cat "$out/configure.log" >&2
  exit 1
}
cmake --build "$out" --target $(for library in core addon tests; do echo "CMakeFiles/couponcast_$library.dir/cmake_pch.hxx.pch"; done) >"$out/configure.log" || {
  cat "$out/configure.log" >&2
  exit 1
}

shared=$({
  clang-tidy-22 --version
  find native bindings bench -name '*.h' -print0 | sort -z | xargs -0 sha256sum .clang-tidy scripts/clang-tidy.sh "$out/compile_commands.json"
} | sha256sum)

# Prints what clang-tidy has to say about one file, or stamps it.
lint() {
  local file=$1 stamp key
  stamp="$out/clean/${file//\//_}"
  key=$({ echo "$shared" && cat "$file"; } | sha256sum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && return 0
  local log="$stamp.log"
  # The analyzer takes longer than all other checks together. It looks at the core and its fuzzers, which see hostile
  # bytes; tests run under the sanitizers, bindings and benchmarks only call. Nor need tests be fast.
  local checks=()
  case $file in
    native/tests/*) checks=(--checks=-clang-analyzer-*,-performance-*) ;;
    bindings/* | bench/*) checks=(--checks=-clang-analyzer-*) ;;
  esac
  if clang-tidy-22 -p "$out" --quiet "${checks[@]}" "$file" >"$log" 2>&1; then
    echo "$key" >"$stamp"
    rm -f "$log"
    return 0
  fi
  grep -v -E '^[0-9]+ warnings? (generated|treated as)' "$log" >&2 || true
  rm -f "$log"
  return 1
}
export -f lint
export out shared

find native/src native/tests native/fuzz bindings bench -name '*.cc' -print0 | sort -z | xargs -0 -n 1 -P "$(nproc)" bash -c 'lint "$0"'
