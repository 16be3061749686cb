#!/usr/bin/env bash
# Installs the Debian packages that are missing. The argument says for what: build, test, test-all or bench. Says what it
# installs. Does nothing when all are there.
set -euo pipefail

build=(
  g++ cmake ninja-build # compiler and build system of the core
  libhwy-dev            # Google Highway: SIMD with runtime dispatch
  libxxhash-dev         # XXH3 digests
  nlohmann-json3-dev    # the JSON header of tensor files
)
test=(
  libgtest-dev    # native tests
  clang-format-22 # format of the core
  chromium        # the report in a real browser
  python3-scipy   # reads a matrix file as scipy.sparse does
)
test_all=(
  clang-22 libclang-rt-22-dev # sanitizers and libFuzzer
  clang-tidy-22               # lint of the core; it passes over system headers from version 22 on
  libbenchmark-dev            # lint of bench/native
)
bench=(
  libbenchmark-dev # google-benchmark: kernels on every SIMD target
  hyperfine        # whole commands
  valgrind         # callgrind counts instructions (npm run bench:guard)
  python3-scipy    # a peer
)
case "${1:-build}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${build[@]}" "${test[@]}") ;;
  test-all) wanted=("${build[@]}" "${test[@]}" "${test_all[@]}") ;;
  bench) wanted=("${build[@]}" "${bench[@]}") ;;
  *) echo "usage: setup-system.sh [build|test|test-all|bench]" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: these packages are needed and this is no Debian: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A list that cannot be refreshed need not be one that is needed: the installation tells.
{ "${as_root[@]}" apt-get update -q || true; "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || {
  tail -n 30 "$log" >&2
  echo "setup: apt-get failed, see above" >&2
  exit 1
}
