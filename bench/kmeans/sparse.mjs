import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { clusterUsers, openMatrix } from "../../dist/index.js";
import { matrixOf } from "../data.mjs";
import { median } from "../tools.mjs";

const WHAT = `K-means on the rows of a behaviour matrix beside scikit-learn: unit rows, the same first k rows as start, 10 iterations.

  node bench/kmeans/sparse.mjs [--matrix file.safetensors] [--k 50] [--runs 3] [--threads 1,2] [--python python3]

Without --matrix: size S of bench/data.mjs (100k users x 20k items). Prints a line of JSON for each number of threads:
medians of whole calls, and both inertias.`;

const ITERATIONS = 10;
const PEER = fileURLToPath(new URL("./sklearn_sparse_kmeans.py", import.meta.url));

const { values: options } = parseArgs({
  options: {
    matrix: { type: "string" },
    k: { type: "string", default: "50" },
    runs: { type: "string", default: "3" },
    threads: { type: "string", default: "1,2" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});

async function main() {
  if (options.help) return console.log(WHAT);
  const path = options.matrix ?? (await matrixOf("small", console.error));
  const matrix = await openMatrix(path);
  const [k, runs] = [Number(options.k), Number(options.runs)];
  const startRows = Array.from({ length: k }, (_, row) => row);
  for (const threads of options.threads.split(",").map(Number)) {
    const seconds = [];
    let inertia = 0;
    for (let i = 0; i < runs; i++) {
      const begun = performance.now();
      ({ inertia } = await clusterUsers(matrix, { k, startRows, threads, maxIterations: ITERATIONS, tolerance: 0 }));
      seconds.push((performance.now() - begun) / 1000);
    }
    const task = JSON.stringify({ path, k, threads, iterations: ITERATIONS, runs });
    const peer = JSON.parse(execFileSync(options.python, [PEER, task], { encoding: "utf8" }));
    const [ours, theirs] = [median(seconds), median(peer.seconds)];
    const facts = { seconds: ours, peerSeconds: theirs, ratio: theirs / ours, inertia, peerInertia: peer.inertia };
    console.log(JSON.stringify({ k, threads, ...facts, peer: `scikit-learn ${peer.version}` }));
  }
}

await main();
process.exit(0);
