import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { kmeans } from "../../dist/index.js";
import { randomOf } from "../data.mjs";
import { median } from "../tools.mjs";
import { eakmeans } from "./eakmeans.mjs";
import { readFloats } from "./read-floats.mjs";

const WHAT = `K-means beside scikit-learn: the same points, the same start, 20 iterations.

  node bench/kmeans/run.mjs [--runs 3] [--threads 1,2] [--python python3] [--points file.f32 --centroids file.f32 --dims 32]
  node bench/kmeans/run.mjs --eakmeans path/to/withblaskmeans    beside its Yinyang instead; points go there as text

Prints a line of JSON for each shape and number of threads: medians of whole calls, and how far the inertias are apart.`;

const ITERATIONS = 20;
const SHAPES = [
  { name: "1M x 32, k 100", n: 1_000_000, dims: 32, k: 100 },
  { name: "200k x 128, k 1000", n: 200_000, dims: 128, k: 1000 },
];
const FOLDER = fileURLToPath(new URL("../../build/bench/kmeans/", import.meta.url));
const PEER = fileURLToPath(new URL("./sklearn_kmeans.py", import.meta.url));

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    threads: { type: "string", default: "1,2" },
    python: { type: "string", default: "python3" },
    eakmeans: { type: "string" },
    points: { type: "string" },
    centroids: { type: "string" },
    dims: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(WHAT);
  process.exit(0);
}

/** Points around k places, and k of the points to start from. */
function makeData({ n, dims, k }) {
  mkdirSync(FOLDER, { recursive: true });
  const points = join(FOLDER, `${n}-${dims}-${k}.f32`);
  const centroids = `${points}.start`;
  if (existsSync(centroids)) return { points, centroids };
  const random = randomOf(3);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const places = Float32Array.from({ length: k * dims }, normal);
  const all = new Float32Array(n * dims);
  for (let i = 0; i < n; i++) {
    const place = Math.floor(random() * k);
    for (let d = 0; d < dims; d++) all[i * dims + d] = places[place * dims + d] + 0.7 * normal();
  }
  writeFileSync(points, all);
  writeFileSync(centroids, all.subarray(0, k * dims));
  return { points, centroids };
}

const given = options.points !== undefined;
const shapes = given ? [{ name: options.points, dims: Number(options.dims) }] : SHAPES;
for (const shape of shapes) {
  const files = given ? { points: options.points, centroids: options.centroids } : makeData(shape);
  const [points, centroids] = [readFloats(files.points), readFloats(files.centroids)];
  const k = centroids.length / shape.dims;
  for (const threads of options.threads.split(",").map(Number)) {
    // What becomes of empty clusters is the peer's way.
    const emptyClusters = options.eakmeans === undefined ? "relocate" : "keep";
    const run = { k, centroids, threads, emptyClusters, maxIterations: ITERATIONS, tolerance: 0 };
    const seconds = [];
    let inertia = 0;
    for (let i = 0; i < Number(options.runs); i++) {
      const begun = performance.now();
      ({ inertia } = await kmeans(points, shape.dims, run));
      seconds.push((performance.now() - begun) / 1000);
    }
    const task = { ...files, dims: shape.dims, k, threads, iterations: ITERATIONS, runs: Number(options.runs) };
    const peer =
      options.eakmeans === undefined
        ? JSON.parse(execFileSync(options.python, [PEER, JSON.stringify(task)], { encoding: "utf8" }))
        : eakmeans(options.eakmeans, task, FOLDER);
    const [ours, theirs] = [median(seconds), median(peer.seconds)];
    console.log(
      JSON.stringify({
        name: shape.name,
        threads,
        seconds: ours,
        peerSeconds: theirs,
        ratio: theirs / ours,
        inertia,
        peerInertia: peer.inertia,
        peer: peer.version,
      }),
    );
  }
}
process.exit(0);
