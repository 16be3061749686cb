// Ends worker threads while they are inside similarRows, in every way that there is. Prints one line a way; a crash of
// the process is what the test looks for. Arguments: matrix file.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";

const [matrix] = process.argv.slice(2);
const addon = new URL("../../../dist/native/addon.js", import.meta.url).href;
const index = new URL("../../../dist/index.js", import.meta.url).href;

// A kernel over all rows without a cancel flag: terminate() must wait for it, then the thread goes.
const kernel = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(${JSON.stringify(addon)}).then(({ addon }) => {
    const matrix = addon().openMatrix({ path: workerData });
    const { numUsers, numItems } = addon().matrixInfo({ matrix });
    const args = { matrix, axis: "users", weighting: 0, k1: 1.2, b: 0.75, lambda: 1 };
    const weights = { termWeight: new Float32Array(numItems), length: new Float32Array(numUsers), scale: new Float32Array(numUsers) };
    addon().weighTerms({ ...args, outTermWeight: weights.termWeight, outLength: weights.length });
    addon().scaleDocuments({ ...args, ...weights, begin: 0, end: numUsers, outScale: weights.scale });
    const end = Math.min(numUsers, 1500);
    parentPort.postMessage("inside");
    addon().similarRows({ ...args, ...weights, begin: 0, end, k: 5, includeSelf: false, outIndices: new Int32Array(end * 5), outScores: new Float32Array(end * 5), outCounts: new Int32Array(end) });
    parentPort.postMessage("done");
  });
`;
for (let round = 0; round < 3; round++) {
  const worker = new Worker(kernel, { eval: true, workerData: matrix });
  const [message] = await once(worker, "message");
  await sleep(20);
  const code = await worker.terminate();
  console.log(`kernel ${message}, terminated with ${code}`);
}

// A thread that uses the library, ended in the middle of a call: its own pool of threads goes with it.
const library = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(${JSON.stringify(index)}).then(async ({ openMatrix, similarUsers }) => {
    const matrix = await openMatrix(workerData);
    parentPort.postMessage("inside");
    await similarUsers(matrix, { neighbours: 5, threads: 2 });
  });
`;
for (let round = 0; round < 2; round++) {
  const worker = new Worker(library, { eval: true, workerData: matrix });
  await once(worker, "message");
  await sleep(300);
  await worker.terminate();
  console.log("library terminated");
}

const { closeExecutors, openMatrix, similarUsers } = await import(index);
const open = await openMatrix(matrix);
const running = similarUsers(open, { neighbours: 5, threads: 2 }).catch((error) => error.code);
await sleep(300);
await closeExecutors();
console.log(`closed: ${await running}`);
const part = await similarUsers(open, { neighbours: 5, threads: 2, range: { begin: 0, end: 10 } });
console.log(`again: ${part.counts.length}`);
open.close();
