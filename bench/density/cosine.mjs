#!/usr/bin/env node
/** DBSCAN by cosine beside scikit-learn: the items of a matrix by their users, the labels compared, medians. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { matrixOf } from "../data.mjs";
import { median, peakMB, requireBuild, SIZE_NAMES, say } from "../tools.mjs";

const WHAT = `node bench/density/cosine.mjs [--size tiny|small | --matrix FILE] [--eps 0.3,0.6] [--min-samples 5] [--threads 1,2]
                              [--runs 3] [--python python3] [--ours-only]

Finds the crowds of items that the same users like, and lets scikit-learn find them too: an error if a label differs.
Prints clusters, seconds (median) and peak memory of both, each in a process of its own.`;

async function ours({ matrix: path, eps, "min-samples": minSamples, threads, runs }, labels) {
  const { closeExecutors, cosineDbscan, openMatrix } = await import("../../dist/index.js");
  const matrix = await openMatrix(path);
  const options = { axis: "items", eps: Number(eps), minSamples: Number(minSamples), threads: Number(threads) };
  const seconds = [];
  let result;
  for (let run = 0; run <= Number(runs); run++) {
    const begin = performance.now();
    result = await cosineDbscan(matrix, options);
    if (run > 0) seconds.push((performance.now() - begin) / 1000);
  }
  await closeExecutors();
  writeFileSync(labels, new Uint8Array(result.labels.slice().buffer));
  return { seconds: median(seconds), clusters: result.sizes.length, noise: result.numNoise, peakMb: peakMB() };
}

function inProcess(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args.map(String), { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      size: { type: "string", default: "small" },
      matrix: { type: "string" },
      eps: { type: "string", default: "0.3,0.6" },
      "min-samples": { type: "string", default: "5" },
      threads: { type: "string", default: "1,2" },
      runs: { type: "string", default: "3" },
      python: { type: "string", default: "python3" },
      "ours-only": { type: "boolean", default: false },
      child: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) return console.log(WHAT);
  if (!SIZE_NAMES.includes(options.size)) {
    say(`expected --size ${SIZE_NAMES.join(", ")} but received ${options.size}`);
    process.exit(2);
  }
  requireBuild();
  if (options.child !== undefined) return console.log(JSON.stringify(await ours(options, options.child)));
  const path = options.matrix ?? (await matrixOf(options.size, say));
  const labels = `${path}.cosine-labels`;
  const own = fileURLToPath(import.meta.url);
  const peer = fileURLToPath(new URL("./cosine.py", import.meta.url));
  for (const eps of options.eps.split(",")) {
    for (const threads of options.threads.split(",")) {
      const common = ["--matrix", path, "--min-samples", options["min-samples"], "--eps", eps, "--threads", threads];
      const mine = inProcess(process.execPath, [own, "--child", labels, ...common, "--runs", options.runs]);
      const label = `eps ${eps}, ${threads} threads: ${mine.clusters} clusters, ${mine.noise} noise; couponcast ${mine.seconds.toFixed(3)} s, ${mine.peakMb.toFixed(0)} MB`;
      if (options["ours-only"]) {
        console.log(label);
        continue;
      }
      const theirs = inProcess(options.python, [peer, path, eps, options["min-samples"], threads, labels]);
      if (theirs.different > 0) throw new Error(`${theirs.different} labels differ at eps ${eps}`);
      console.log(
        `${label}; scikit-learn ${theirs.seconds.toFixed(3)} s, ${theirs.peakMb.toFixed(0)} MB: ${(theirs.seconds / mine.seconds).toFixed(1)}x, labels equal`,
      );
    }
  }
}

await main();
