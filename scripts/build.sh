#!/usr/bin/env bash
# Sets up and builds everything that is not up to date: system packages, npm packages, TypeScript, JSON Schema, addon.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup-system.sh build

stamp=node_modules/.couponcast-lock
if [ ! -f "$stamp" ] || ! cmp -s package-lock.json "$stamp"; then
  echo "build: npm ci"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi
echo "build: TypeScript"
npx --no-install tsc -p .
chmod +x dist/cli/main.js
node dist/campaign/write-json-schema.js >/dev/null
echo "build: native addon"
bash scripts/build-native.sh
