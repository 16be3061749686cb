#!/usr/bin/env bash
# Builds what is not up to date, then times whole calls beside their peers: see bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/build.sh >&2
exec node bench/bench.mjs "$@"
