#!/usr/bin/env bash
# Builds the addon and puts it where the loader looks. Incremental: does nothing when nothing changed.
# COUPONCAST_TESTS=ON builds the native tests too, in the same folder and from the same objects.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/addon
mkdir -p build prebuilds

# Runs a command quietly, or says what it said.
quiet() {
  "$@" >build/addon.log 2>&1 || { cat build/addon.log >&2; exit 1; }
}

targets=(couponcast_addon)
[ "${COUPONCAST_TESTS:-OFF}" = ON ] && targets+=(couponcast_tests)
# cmake-js knows where Node's headers are. It configures once; from then on ninja runs cmake again when a list changes.
[ -f "$out/build.ninja" ] || quiet npx --no-install cmake-js configure --out "$out" -G Ninja --CDCOUPONCAST_TESTS="${COUPONCAST_TESTS:-OFF}"
if [ "${COUPONCAST_TESTS:-OFF}" = ON ] && ! grep -q '^COUPONCAST_TESTS:BOOL=ON$' "$out/CMakeCache.txt"; then
  quiet cmake -B "$out" -DCOUPONCAST_TESTS=ON
fi

# Shows how far ninja is: its own line on a terminal, a line for each tenth of the steps in a log.
progress() {
  local line step total tenth shown=0
  while IFS= read -r line; do
    echo "$line" >>build/addon.log
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    step=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]} tenth=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    [ "$tenth" -gt "$shown" ] && echo "build: native addon, step $step of $total, $((SECONDS)) s"
    shown=$tenth
  done
}
: >build/addon.log
if [ -t 1 ]; then
  NINJA_STATUS='build: step %f of %t, %o steps/s, %es: ' cmake --build "$out" --target "${targets[@]}"
else
  NINJA_STATUS='[%f/%t] ' cmake --build "$out" --target "${targets[@]}" 2>&1 | progress || { cat build/addon.log >&2; exit 1; }
fi

triple=$(node -p "const {familySync,MUSL}=require('detect-libc'); process.platform+'-'+process.arch+(familySync()===MUSL?'-musl':'-gnu')")
target="prebuilds/couponcast.${triple}.node"
if ! cmp -s "$out/Release/couponcast.node" "$target"; then
  # The new file is renamed into place, so a process that has the old one loaded keeps it.
  cp "$out/Release/couponcast.node" "$target.tmp"
  mv "$target.tmp" "$target"
fi
