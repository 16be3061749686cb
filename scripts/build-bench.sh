#!/usr/bin/env bash
# Builds bench/native into build/bench-native: couponcast_guard, and couponcast_bench where google-benchmark is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup-system.sh build
mkdir -p build
{ cmake --preset bench-native && cmake --build --preset bench-native; } >build/bench-native.log 2>&1 || {
  tail -n 40 build/bench-native.log >&2
  exit 1
}
