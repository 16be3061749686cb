#!/usr/bin/env bash
# Runs the short tests on other versions of Node: test-node.sh [MAJOR ...] (default: 20 22 24). npm's package `node` brings
# each into build/node-MAJOR. The addon is the one that stands in prebuilds/: Node-API is the same for all.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$#" -gt 0 ] || set -- 20 22 24
bash scripts/build.sh
for major in "$@"; do
  folder=build/node-$major
  if [ ! -x "$folder/node_modules/node/bin/node" ]; then
    echo "setup: Node $major"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-save --no-package-lock --no-audit --no-fund --loglevel=error "node@$major" >/dev/null
  fi
  bin=$PWD/$folder/node_modules/node/bin
  echo "test: TypeScript on Node $("$bin/node" --version)"
  PATH="$bin:$PATH" node node_modules/vitest/vitest.mjs run --project short
done
