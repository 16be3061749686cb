#!/usr/bin/env bash
# The tests of ONNX models need onnxruntime-node (113 MB), which no user of other models has to install: so it is no
# dependency, but comes into build/ and is linked from node_modules/. Without its install script, which fetches CUDA.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.30.0
folder=build/onnxruntime
package=$folder/node_modules/onnxruntime-node

if [ "$(node -p "require('./$package/package.json').version" 2>/dev/null)" != "$version" ]; then
  echo "setup: onnxruntime-node $version"
  mkdir -p "$folder"
  npm install --prefix "$folder" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error \
    "onnxruntime-node@$version" >/dev/null
fi
ln -sfnT "../$package" node_modules/onnxruntime-node
