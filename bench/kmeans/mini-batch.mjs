import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { miniBatchKmeans } from "../../dist/index.js";
import { median } from "../tools.mjs";
import { readFloats } from "./read-floats.mjs";

const WHAT = `Mini-batch K-means beside scikit-learn: the same points, start and number of batches.

  node bench/kmeans/mini-batch.mjs --points file.f32 --centroids file.f32 --dims 32 [--batch 10000] [--iterations 20]
    [--threads 1,2] [--runs 3] [--python python3]

Files hold float32; bench/kmeans/run.mjs leaves such in build/bench/kmeans. Prints a line of JSON for each number of threads.`;

const { values: options } = parseArgs({
  options: {
    points: { type: "string" },
    centroids: { type: "string" },
    dims: { type: "string" },
    batch: { type: "string", default: "10000" },
    iterations: { type: "string", default: "20" },
    threads: { type: "string", default: "1,2" },
    runs: { type: "string", default: "3" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help || options.points === undefined) {
  console.log(WHAT);
  process.exit(options.help ? 0 : 2);
}

const PEER = fileURLToPath(new URL("./mini_batch.py", import.meta.url));
const [dims, batch, iterations, runs] = ["dims", "batch", "iterations", "runs"].map((name) => Number(options[name]));

const { points, centroids } = options;
const [data, start] = [readFloats(points), readFloats(centroids)];
for (const threads of options.threads.split(",").map(Number)) {
  const run = { k: start.length / dims, centroids: start, threads, batchSize: batch };
  const seconds = [];
  let inertia = 0;
  for (let i = 0; i < runs; i++) {
    const begun = performance.now();
    ({ inertia } = await miniBatchKmeans(data, dims, { ...run, maxIterations: iterations, maxNoImprovement: 0 }));
    seconds.push((performance.now() - begun) / 1000);
  }
  const task = { points, centroids, dims, batch, threads, iterations, runs };
  const peer = JSON.parse(execFileSync(options.python, [PEER, JSON.stringify(task)], { encoding: "utf8" }));
  const [ours, theirs] = [median(seconds), median(peer.seconds)];
  console.log(
    JSON.stringify({
      name: `mini-batches of ${batch}, ${iterations} passes`,
      threads,
      seconds: ours,
      peerSeconds: theirs,
      ratio: theirs / ours,
      inertia,
      peerInertia: peer.inertia,
      peer: `scikit-learn ${peer.version}`,
    }),
  );
}
process.exit(0);
