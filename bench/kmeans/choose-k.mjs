import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chooseK, kmeansPredict } from "../../dist/index.js";
import { median } from "../tools.mjs";
import { readFloats } from "./read-floats.mjs";

const WHAT = `The choice of k and the prediction of clusters beside scikit-learn: K-means for each k, silhouettes on 2,000 points, the index
of Calinski and Harabasz; then the nearest of given centroids for all points.

  node bench/kmeans/choose-k.mjs --points file.f32 --centroids file.f32 --dims 32 [--from 2] [--to 12] [--threads 1,2]
    [--runs 3] [--python python3]

Files hold float32; bench/kmeans/run.mjs leaves such in build/bench/kmeans. Prints two lines of JSON for each number of threads:
medians, and what both found. Starts are each side's own k-means++, so inertias are near but not equal.`;

const { values: options } = parseArgs({
  options: {
    points: { type: "string" },
    centroids: { type: "string" },
    dims: { type: "string" },
    from: { type: "string", default: "2" },
    to: { type: "string", default: "12" },
    threads: { type: "string", default: "1,2" },
    runs: { type: "string", default: "3" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help || options.points === undefined || options.centroids === undefined) {
  console.log(WHAT);
  process.exit(options.help ? 0 : 2);
}

const PEER = fileURLToPath(new URL("./choose_k.py", import.meta.url));
const SAMPLE = 2000;
const [dims, minK, maxK, runs] = ["dims", "from", "to", "runs"].map((name) => Number(options[name]));
const { points, centroids } = options;
const [data, given] = [readFloats(points), readFloats(centroids)];

async function timed(work) {
  const seconds = [];
  let found;
  for (let run = 0; run < runs; run++) {
    const begun = performance.now();
    found = await work();
    seconds.push((performance.now() - begun) / 1000);
  }
  return { seconds: median(seconds), found };
}

for (const threads of options.threads.split(",").map(Number)) {
  const choice = await timed(() => chooseK(data, dims, { minK, maxK, sampleSize: SAMPLE, threads }));
  const nearest = await timed(() => kmeansPredict(data, dims, given, { threads }));
  const task = { points, centroids, dims, minK, maxK, sample: SAMPLE, threads, runs };
  const peer = JSON.parse(execFileSync(options.python, [PEER, JSON.stringify(task)], { encoding: "utf8" }));
  const version = `scikit-learn ${peer.version}`;
  const beside = (seconds, theirs) => ({ seconds, peerSeconds: theirs, ratio: theirs / seconds });
  const { k, qualities } = choice.found;
  console.log(
    JSON.stringify({
      name: `k of ${minK} to ${maxK}`,
      threads,
      ...beside(choice.seconds, median(peer.choice)),
      k,
      peerK: peer.k,
      inertias: qualities.map(({ inertia }) => inertia),
      peerInertias: peer.inertias,
      peer: version,
    }),
  );
  console.log(
    JSON.stringify({
      name: `nearest of ${given.length / dims}`,
      threads,
      ...beside(nearest.seconds, median(peer.nearest)),
      inertia: nearest.found.inertia,
      peerInertia: peer.inertia,
      peer: version,
    }),
  );
}
process.exit(0);
