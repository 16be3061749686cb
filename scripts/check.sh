#!/usr/bin/env bash
# Format, lint, types and dependency rules. Native code is formatted by clang-format (scripts/setup-system.sh test installs it).
set -euo pipefail
cd "$(dirname "$0")/.."
echo "check: biome"
npx --no-install biome ci --error-on-warnings .
echo "check: types"
npx --no-install tsc -p . --noEmit
npx --no-install tsc -p test --noEmit
echo "check: dependency rules"
npx --no-install depcruise --config .dependency-cruiser.json src
if command -v clang-format-22 >/dev/null; then
  echo "check: clang-format"
  git ls-files '*.h' '*.cc' | xargs clang-format-22 --dry-run --Werror
fi
echo "check: clean"
