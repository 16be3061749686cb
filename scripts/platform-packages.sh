#!/usr/bin/env bash
# Makes the per-platform packages of the prebuilt binaries: platform-packages.sh <folder with couponcast.*.node files>.
# A release builds one binary on each platform (with -DCOUPONCAST_FETCH_HIGHWAY=ON, so that it needs no system library),
# collects them in one folder, runs this, publishes npm/* and then `napi pre-publish` and the main package.
set -euo pipefail
cd "$(dirname "$0")/.."
binaries=${1:?usage: platform-packages.sh <folder with couponcast.*.node files>}
npx --no-install napi create-npm-dirs --npm-dir npm
for package in npm/*/; do
  triple=$(basename "$package")
  binary="$binaries/couponcast.$triple.node"
  if [ -f "$binary" ]; then
    cp "$binary" "$package"
  else
    echo "platform-packages: no binary for $triple, package left out" >&2
    rm -rf "$package"
  fi
done
npx --no-install napi version --npm-dir npm
