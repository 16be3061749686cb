#!/usr/bin/env bash
# Builds what is not up to date, then measures: see bench/README.md. --help builds nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" --help "*) ;;
  *) bash scripts/build.sh >&2 ;;
esac
exec node bench/bench.mjs "$@"
