#!/usr/bin/env bash
# The main job on generated data: sets up, builds, makes a shop, decides who gets which coupon.
# A second call does nothing twice: it finds the shop made and the run up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/build.sh
if [ ! -d demo/shop ]; then
  node dist/cli/main.js synth --users 20000 --items 2000 --events 1000000 --coupons 24 --seed 1 -o demo/shop
fi
node dist/cli/main.js run demo/shop/campaign.yaml --out demo/run
