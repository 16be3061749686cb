// Logistic regression beside scikit-learn: the same rows, the same penalty, the loss that each reaches.
//   node bench/learn.mjs [--rows 5e6] [--python /usr/bin/python3]
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { logisticRegression } from "../dist/index.js";

const { values } = parseArgs({
  options: { rows: { type: "string", default: "5e6" }, python: { type: "string", default: "/usr/bin/python3" } },
});
const script = new URL("./learn.py", import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), "couponcast-learn-"));

function load(name, Kind) {
  const path = join(dir, name);
  const bytes = new Uint8Array(new SharedArrayBuffer(statSync(path).size));
  const file = openSync(path);
  for (let at = 0; at < bytes.length; ) at += readSync(file, bytes, at, Math.min(bytes.length - at, 2 ** 30), at);
  closeSync(file);
  return new Kind(bytes.buffer);
}

function python(...args) {
  const { status, stdout, stderr } = spawnSync(values.python, [script, dir, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

try {
  python("make", String(Number(values.rows)));
  const x = {
    cols: 200,
    indptr: load("indptr.i64", BigInt64Array),
    indices: load("indices.i32", Int32Array),
    values: load("values.f32", Float32Array),
  };
  const y = load("y.f32", Float32Array);
  await logisticRegression(
    {
      ...x,
      indptr: x.indptr.slice(0, 1001),
      indices: x.indices.slice(0, Number(x.indptr[1000])),
      values: x.values.slice(0, Number(x.indptr[1000])),
    },
    y.slice(0, 1000),
    { threads: 2 },
  );
  const times = [];
  let model;
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    model = await logisticRegression(x, y, { l2: 1, threads: 2 });
    times.push((performance.now() - start) / 1000);
  }
  times.sort((a, b) => a - b);
  console.log(`couponcast: ${times[1].toFixed(2)} s (2 threads), objective ${model.objective.toFixed(3)}`);
  console.log(python("fit", String(model.objective)));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
