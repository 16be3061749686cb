#!/usr/bin/env node
/** Logistic regression beside scikit-learn: the same rows, the same penalty, the objective that each reaches. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, requireBuild, say } from "./tools.mjs";

const SOLVERS = ["lbfgs", "newton-cholesky", "newton-cg", "sag"];
const WHAT = `node bench/learn.mjs [--rows 5000000] [--threads 1,2] [--runs 3] [--solvers ${SOLVERS.join(",")}]
                     [--limit 900] [--python python3]

Makes rows of 200 sparse columns, 20 of them set, and fits a logistic regression with an l2 penalty of 1: couponcast (median
of the runs), then each solver of scikit-learn in a process of its own, at tighter tolerances until it reaches the same
objective to 1e-7, or the limit of seconds is over. 5,000,000 rows take 2.5 GB here, 5 GB there.`;

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "5000000" },
    threads: { type: "string", default: "1,2" },
    runs: { type: "string", default: "3" },
    solvers: { type: "string", default: SOLVERS.join(",") },
    limit: { type: "string", default: "900" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (flags.help) {
  console.log(WHAT);
  process.exit(0);
}
requireBuild();
const { closeExecutors, logisticRegression } = await import("../dist/index.js");

const COLUMNS = 200;
const dir = mkdtempSync(join(tmpdir(), "couponcast-learn-"));
const script = fileURLToPath(new URL("./learn.py", import.meta.url));

/** Bigger files than `readFileSync` can read, into memory that threads share. */
function load(name, Kind) {
  const path = join(dir, name);
  const bytes = new Uint8Array(new SharedArrayBuffer(statSync(path).size));
  const file = openSync(path);
  for (let at = 0; at < bytes.length; ) at += readSync(file, bytes, at, Math.min(bytes.length - at, 2 ** 30), at);
  closeSync(file);
  return new Kind(bytes.buffer);
}

/** What the script printed, or null when the time was over. */
function python(args, seconds = Number(flags.limit)) {
  const { status, error, stdout, stderr } = spawnSync(flags.python, [script, dir, ...args], {
    encoding: "utf8",
    timeout: seconds * 1000,
  });
  if (error?.code === "ETIMEDOUT") return stdout.trim() || null;
  if (status !== 0) throw new Error(error?.message ?? stderr);
  return stdout.trim();
}

try {
  say(`making ${flags.rows} rows`);
  python(["make", String(Number(flags.rows))]);
  const x = {
    cols: COLUMNS,
    indptr: load("indptr.i64", BigInt64Array),
    indices: load("indices.i32", Int32Array),
    values: load("values.f32", Float32Array),
  };
  const y = load("y.f32", Float32Array);
  let objective = Number.POSITIVE_INFINITY;
  for (const threads of flags.threads.split(",").map(Number)) {
    const seconds = [];
    for (let run = 0; run < Number(flags.runs); run++) {
      const start = performance.now();
      const model = await logisticRegression(x, y, { l2: 1, threads });
      seconds.push((performance.now() - start) / 1000);
      objective = model.objective;
    }
    console.log(`couponcast, ${threads} threads: ${median(seconds).toFixed(2)} s, objective ${objective.toFixed(3)}`);
  }
  for (const solver of flags.solvers.split(",")) {
    console.log(python(["fit", solver, String(objective)]) ?? `scikit-learn ${solver}: more than ${flags.limit} s`);
  }
} finally {
  await closeExecutors();
  rmSync(dir, { recursive: true, force: true });
}
