#!/usr/bin/env node
/** DBSCAN beside scikit-learn: the same float32 points, the labels compared, each side in a process of its own, medians. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { randomOf } from "../data.mjs";
import { median, peakMB, requireBuild } from "../tools.mjs";

const WHAT = `node bench/density/dbscan.mjs [--rows 200000] [--dims 4] [--eps 0.2,0.5] [--min-samples 8] [--threads 1,2]
                                [--runs 3] [--python python3] [--ours-only]

Makes points of 20 normal groups and 5 % noise, finds the clusters, and lets scikit-learn find them too: an error if a label
differs. Prints clusters, seconds (median) and peak memory of both.`;

const FOLDER = fileURLToPath(new URL("../../build/bench/", import.meta.url));
const GROUPS = 20;
const NOISE = 0.05;

/** Normal groups of different spreads around random centres, and points anywhere between them. */
function points(rows, dims, seed) {
  const random = randomOf(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const centres = Array.from({ length: GROUPS }, () => Array.from({ length: dims }, () => 4 * normal()));
  const spreads = centres.map(() => 0.3 + 0.7 * random());
  const values = new Float32Array(rows * dims);
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(random() * GROUPS);
    const isNoise = random() < NOISE;
    for (let d = 0; d < dims; d++)
      values[row * dims + d] = isNoise ? 24 * random() - 12 : centres[group][d] + spreads[group] * normal();
  }
  return values;
}

async function ours(file, dims, eps, minSamples, threads, runs) {
  const { closeExecutors, dbscan } = await import("../../dist/index.js");
  const bytes = readFileSync(file);
  const shared = new Float32Array(new SharedArrayBuffer(bytes.length));
  new Uint8Array(shared.buffer).set(bytes);
  const seconds = [];
  let result;
  for (let run = 0; run <= runs; run++) {
    const begin = performance.now();
    result = await dbscan(shared, dims, { eps, minSamples, threads });
    if (run > 0) seconds.push((performance.now() - begin) / 1000);
  }
  await closeExecutors();
  writeFileSync(`${file}.labels`, new Uint8Array(result.labels.buffer));
  const { sizes, numNoise } = result;
  return {
    seconds: median(seconds),
    clusters: sizes.length,
    noise: numNoise,
    peakMb: peakMB(),
  };
}

function inProcess(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      rows: { type: "string", default: "200000" },
      dims: { type: "string", default: "4" },
      eps: { type: "string", default: "0.2,0.5" },
      "min-samples": { type: "string", default: "8" },
      threads: { type: "string", default: "1,2" },
      runs: { type: "string", default: "3" },
      python: { type: "string", default: "python3" },
      "ours-only": { type: "boolean", default: false },
      child: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) return console.log(WHAT);
  requireBuild();
  const numbers = (text) => text.split(",").map(Number);
  const [rows, dims, runs] = [options.rows, options.dims, options.runs].map(Number);
  mkdirSync(FOLDER, { recursive: true });
  const file = `${FOLDER}density-${rows}x${dims}.f32`;
  if (!existsSync(file)) writeFileSync(file, new Uint8Array(points(rows, dims, 1).buffer));
  if (options.child) {
    const result = await ours(
      file,
      dims,
      Number(options.eps),
      Number(options["min-samples"]),
      Number(options.threads),
      runs,
    );
    console.log(JSON.stringify(result));
    return;
  }
  const own = fileURLToPath(import.meta.url);
  const peer = fileURLToPath(new URL("./dbscan.py", import.meta.url));
  console.log(`${rows} x ${dims}, min_samples ${options["min-samples"]}`);
  for (const eps of numbers(options.eps)) {
    for (const threads of numbers(options.threads)) {
      const common = ["--rows", rows, "--dims", dims, "--min-samples", options["min-samples"], "--eps", eps];
      const mine = inProcess(
        process.execPath,
        [own, "--child", ...common, "--threads", threads, "--runs", runs].map(String),
      );
      const label = `eps ${eps}, ${threads} threads: ${mine.clusters} clusters, ${mine.noise} noise; couponcast ${mine.seconds.toFixed(3)} s, ${mine.peakMb.toFixed(0)} MB`;
      if (options["ours-only"]) {
        console.log(label);
        continue;
      }
      const args = [peer, file, dims, eps, options["min-samples"], threads, `${file}.labels`].map(String);
      const theirs = inProcess(options.python, args);
      if (theirs.different > 0) throw new Error(`${theirs.different} labels differ at eps ${eps}`);
      console.log(
        `${label}; scikit-learn ${theirs.seconds.toFixed(3)} s, ${theirs.peakMb.toFixed(0)} MB: ${(theirs.seconds / mine.seconds).toFixed(1)}x, labels equal`,
      );
    }
  }
}

await main();
