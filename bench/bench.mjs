#!/usr/bin/env node
/** npm run bench: whole calls beside their peers. See README.md. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { closeExecutors, coreVersion, simdTargets } from "../dist/index.js";
import { matrixOf, SIZES } from "./data.mjs";
import { askPeer, PEERS } from "./peers.mjs";
import { worksOf } from "./works.mjs";

/**
 * Largest relative difference of a score. scipy adds thousands of rounded float32 products; scikit-learn gives
 * 1 - distance, which loses digits of small scores.
 */
const TOLERANCE = { scipy: 1e-4, "scikit-learn": 1e-3, sparse_dot_topn: 1e-4, implicit: 1e-5, similaripy: 1e-4 };
/** A peer that has taken so many seconds is not run again. */
const PATIENCE_SECONDS = 60;

const { values: options } = parseArgs({
  options: {
    size: { type: "string", default: "small" },
    threads: { type: "string", default: availableParallelism() > 1 ? "1,2" : "1" },
    runs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    python: { type: "string", default: "/usr/bin/python3" },
    out: { type: "string" },
  },
});
const threadCounts = options.threads.split(",").map(Number);
const numRuns = Number(options.runs);
if (!(options.size in SIZES) || !threadCounts.every((n) => n >= 1) || !(numRuns >= 1)) {
  console.error(
    `usage: bench.mjs [--size ${Object.keys(SIZES).join("|")}] [--threads 1,2] [--runs 5] [--only name] [--python path] [--out dir]`,
  );
  process.exit(2);
}

const say = (text) => process.stderr.write(`${text}\n`);
const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The largest relative difference between two tables of scores. */
function largestDifference(ours, theirs) {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    const scale = Math.max(Math.abs(ours[i]), Math.abs(theirs[i]));
    if (scale > 0) largest = Math.max(largest, Math.abs(ours[i] - theirs[i]) / scale);
  }
  return largest;
}

async function timeOurs(work, path, threads) {
  // The first call starts the threads; a service makes it once.
  let result = await work.run(path, threads);
  const seconds = [];
  for (let i = 0; i < numRuns; i++) {
    const start = performance.now();
    result = await work.run(path, threads);
    seconds.push((performance.now() - start) / 1000);
  }
  return { seconds, scores: work.scores(result).scores };
}

const path = await matrixOf(options.size, say);
const scoresPath = `${path}.scores`;
const rows = [];
let wrong = 0;
for (const work of worksOf(options.size).filter(({ name }) => name.includes(options.only))) {
  for (const threads of threadCounts) {
    say(`${work.name}, ${threads} thread${threads > 1 ? "s" : ""}`);
    const ours = await timeOurs(work, path, threads);
    const row = { work: work.name, title: work.title, threads, seconds: ours.seconds, peers: {} };
    rows.push(row);
    for (const peer of PEERS) {
      const request = {
        peer,
        matrix: path,
        out: scoresPath,
        threads,
        runs: numRuns,
        patience: PATIENCE_SECONDS,
        task: work.task,
      };
      const answer = await askPeer(options.python, request);
      row.peers[peer] = answer;
      if (answer.missing !== undefined) continue;
      const bytes = readFileSync(scoresPath);
      const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      answer.difference = largestDifference(ours.scores, theirs);
      answer.same = answer.difference <= TOLERANCE[peer];
      if (!answer.same) wrong++;
    }
    rmSync(scoresPath, { force: true });
  }
}
await closeExecutors();

const seconds = (list) => `${median(list).toFixed(3)} s`;
function peerCell(row, { missing, same, seconds: list, difference }) {
  if (missing !== undefined) return "";
  if (!same) return `differs by ${difference.toExponential(1)}`;
  return `${seconds(list)} (${(median(list) / median(row.seconds)).toFixed(1)}x)`;
}
const shown = PEERS.filter((peer) => rows.some((row) => row.peers[peer].missing === undefined));
const table = [
  `| work (${options.size}) | threads | couponcast | ${shown.join(" | ")} |`,
  `|---|---|---|${shown.map(() => "---|").join("")}`,
  ...rows.map(
    (row) =>
      `| ${row.title} | ${row.threads} | ${seconds(row.seconds)} | ${shown.map((peer) => peerCell(row, row.peers[peer])).join(" | ")} |`,
  ),
].join("\n");
console.log(`\nMedians of ${numRuns} runs; in brackets the peer's time over ours.\n\n${table}\n`);
for (const peer of PEERS.filter((name) => !shown.includes(name)))
  say(`left out: ${peer}: ${rows[0]?.peers[peer].missing}`);

const cpu = cpus()[0].model.trim();
const name = `${new Date().toISOString().slice(0, 10)}-${cpu.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
const folder = options.out ?? join(fileURLToPath(new URL("./runs/", import.meta.url)), name);
mkdirSync(folder, { recursive: true });
const machine = { cpu, processors: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
const document = {
  couponcast: coreVersion(),
  simd: simdTargets()[0],
  machine,
  size: options.size,
  shape: SIZES[options.size],
  rows,
};
writeFileSync(join(folder, `${options.size}.json`), `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(join(folder, `${options.size}.md`), `${table}\n`);
say(`written to ${folder}`);
if (wrong > 0) {
  say(`${wrong} results differ from ours by more than rounding explains`);
  process.exit(1);
}
