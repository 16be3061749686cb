#!/usr/bin/env node
/** What it costs to get to a kernel and back. */
import { Worker } from "node:worker_threads";
import { percentile, seconds } from "../tools.mjs";
import { script } from "./script.mjs";

const WHAT = `What it costs to get to a kernel and back: a call into the addon on this thread, and a round trip to a worker thread.
The kernel gets an empty range, so nothing but the way is timed. Beside them, as limits: an empty call in JavaScript, and a
message to a bare worker thread that sends it back, which takes several times as long when the system wakes a processor
for it as when both threads share one. Percentiles over samples; a sample is the mean of a batch of calls
where one is too short for the clock. The size only chooses how many samples are taken.`;

const SAMPLES = { tiny: 200, small: 2_000, large: 20_000 };
const WARM_UP = 0.2;

/** Seconds a call, sample by sample. */
async function sample(count, batch, call) {
  const samples = new Float64Array(count);
  const first = -Math.ceil(count * WARM_UP);
  for (let i = first; i < count; i++) {
    const start = performance.now();
    // One that answers at once is not awaited: that would be a turn of the queue.
    for (let j = 0; j < batch; j++) {
      const answer = call();
      if (answer instanceof Promise) await answer;
    }
    if (i >= 0) samples[i] = (performance.now() - start) / 1000 / batch;
  }
  return samples.sort();
}

/** Sends messages to a thread that sends them back. */
function echo() {
  const code =
    'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (m) => parentPort.postMessage(m));';
  const worker = new Worker(code, { eval: true });
  let done;
  worker.on("message", () => done());
  return {
    call: () =>
      new Promise((resolve) => {
        done = resolve;
        worker.postMessage(0);
      }),
    end: () => worker.terminate(),
  };
}

async function measure({ size }) {
  const { openMatrix } = await import("../../dist/index.js");
  const { addon } = await import("../../dist/native/addon.js");
  const { Executor, shared } = await import("../../dist/executor/executor.js");
  const { matrixOf } = await import("../data.mjs");

  const args = {
    points: shared.f32(4),
    dims: 4,
    centroid: new Float32Array(4),
    begin: 0,
    end: 0,
    outDistances: shared.f32(0),
  };
  const core = addon();
  const executor = new Executor({ threads: 1 });
  const bare = echo();
  const matrix = await openMatrix(await matrixOf("tiny", () => {}));
  const id = matrix.userId(matrix.numUsers >> 1);
  const nothing = (_) => 0;
  const calls = [
    { name: "a function of JavaScript that does nothing (limit)", batch: 1000, call: () => nothing(args) },
    { name: "addon, a kernel without work", batch: 200, call: () => core.kmeansMinDistance(args) },
    { name: "addon, an id looked up among 5,000", batch: 200, call: () => matrix.rowOf(id) },
    { name: "message to a bare worker thread and back (limit)", batch: 1, call: bare.call },
    {
      name: "worker thread, a kernel without work",
      batch: 1,
      call: () => executor.run({ kernel: "kmeansMinDistance", args }),
    },
  ];
  const raw = [];
  for (const { name, batch, call } of calls) {
    const samples = await sample(SAMPLES[size], batch, call);
    const at = (share) => percentile(samples, share);
    raw.push({ name, batch, samples: samples.length, min: samples[0], p50: at(0.5), p95: at(0.95), p99: at(0.99) });
  }
  matrix.close();
  await bare.end();
  return {
    title: `Crossing the boundary: ${SAMPLES[size]} samples each.`,
    columns: ["call", "calls a sample", "min", "p50", "p95", "p99"],
    rows: raw.map(({ name, batch, min, p50, p95, p99 }) => [name, batch, ...[min, p50, p95, p99].map(seconds)]),
    raw,
  };
}

await script("boundary.mjs", WHAT, measure);
