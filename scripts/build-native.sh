#!/usr/bin/env bash
# Builds the addon with cmake-js and puts it where the loader looks. Incremental: does nothing when nothing changed.
# With COUPONCAST_TESTS=ON the native tests can be built in the same folder, from the same objects.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build prebuilds
npx --no-install cmake-js compile --out build/addon -T couponcast_addon -G Ninja --CDCOUPONCAST_TESTS="${COUPONCAST_TESTS:-OFF}" >build/addon.log 2>&1 || {
  cat build/addon.log >&2
  exit 1
}
triple=$(node -p "const {familySync,MUSL}=require('detect-libc'); process.platform+'-'+process.arch+(familySync()===MUSL?'-musl':'-gnu')")
target="prebuilds/couponcast.${triple}.node"
if ! cmp -s build/addon/Release/couponcast.node "$target"; then
  # A new file renamed into place: a process that has the old one loaded keeps it.
  cp build/addon/Release/couponcast.node "$target.tmp"
  mv "$target.tmp" "$target"
fi
