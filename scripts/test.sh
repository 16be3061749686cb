#!/usr/bin/env bash
# What a developer runs before each commit: sets up, builds, checks format and types, then native and TypeScript tests.
# The slow rest is in scripts/test-all.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
bash scripts/setup-system.sh test
COUPONCAST_TESTS=ON bash scripts/build.sh
bash scripts/check.sh
echo "test: native"
ctest --test-dir build/addon --no-tests=error --output-on-failure -j 2 >build/test.log 2>&1 || { tail -n 60 build/test.log >&2; exit 1; }
grep -E 'tests passed|Total Test time' build/test.log
echo "test: TypeScript"
npx --no-install vitest run --project short
echo "test: all passed in $((SECONDS - started)) s. Before a release, run npm run test:all as well."
