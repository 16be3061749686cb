import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { matrixOfShape } from "../data.mjs";
import { median, mustRun, ROOT, requireBuild, say, seconds, table } from "../tools.mjs";

const WHAT = `EASE beside scipy: products of items, LAPACK's inverse by Cholesky's factor, and the weights, all in float64.

  node bench/factors/ease.mjs [--items 6000] [--users 100000] [--runs 3] [--threads 1,2] [--python python3]

First compares all weights, to 1e-6 of the largest. Prints medians; the two sides are run in turn.`;

const PEER = fileURLToPath(new URL("./ease.py", import.meta.url));
const PARTS = ["products", "inverse", "weights"];
const TOLERANCE = 1e-6;

const { values: options } = parseArgs({
  options: {
    items: { type: "string", default: "6000" },
    users: { type: "string", default: "100000" },
    runs: { type: "string", default: "3" },
    threads: { type: "string", default: "1,2" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** Seconds of each part of a call, by when its progress ends. */
async function timed(ease, matrix, threads) {
  const ends = {};
  const begun = performance.now();
  const onProgress = ({ stage }) => {
    ends[stage === "inverse" ? "inverse" : "products"] = performance.now();
  };
  const { weights } = await ease(matrix, { threads, onProgress });
  const times = [begun, ends.products, ends.inverse, performance.now()];
  return { weights, parts: PARTS.map((_, i) => (times[i + 1] - times[i]) / 1000) };
}

async function main() {
  if (options.help) return console.log(WHAT);
  requireBuild();
  const { closeExecutors, ease, openMatrix } = await import("../../dist/index.js");
  const [users, items, runs] = [options.users, options.items, options.runs].map(Number);
  const path = await matrixOfShape(`ease-${users}-${items}`, { users, items }, say);
  const matrix = await openMatrix(path);
  const weightsPath = join(ROOT, "build/bench/ease-weights.f32");
  const rows = [];
  for (const threads of options.threads.split(",").map(Number)) {
    const { weights } = await timed(ease, matrix, threads);
    writeFileSync(weightsPath, weights);
    const [ours, theirs] = [[], []];
    for (let run = 0; run < runs; run++) {
      ours.push((await timed(ease, matrix, threads)).parts);
      const compared = run === 0 ? [weightsPath] : [];
      const { stdout } = await mustRun(options.python, [PEER, path, String(threads), ...compared]);
      const peer = JSON.parse(stdout);
      if (peer.difference > TOLERANCE) throw new Error(`the weights differ by ${peer.difference} of the largest`);
      theirs.push(peer.parts);
    }
    const sum = (parts) => parts.reduce((a, b) => a + b);
    for (const [name, of] of [...PARTS.map((part, i) => [part, (parts) => parts[i]]), ["all", sum]]) {
      const [mine, peers] = [median(ours.map(of)), median(theirs.map(of))];
      rows.push([name, String(threads), seconds(mine), seconds(peers), (peers / mine).toFixed(2)]);
    }
  }
  matrix.close();
  await closeExecutors();
  console.log(table([`EASE, ${items} items`, "threads", "couponcast", "scipy", "times"], rows));
}

await main();
