#!/usr/bin/env node
/**
 * Our side of one work, in a process of its own so that its memory is known: ours.mjs '{"size", "work", "matrix", "given",
 * "out", "threads", "runs", "patience"}'. Prints one line of JSON: { seconds, peakMB, latency }; scores go to `out`.
 */
import { writeFileSync } from "node:fs";
import { closeExecutors } from "../../dist/index.js";
import { peakMB, percentile } from "../tools.mjs";
import { worksOf } from "../works.mjs";

const { size, work: name, matrix, given, out, threads, runs, patience } = JSON.parse(process.argv[2]);
const work = worksOf(size).find((one) => one.name === name);
const prepared = await work.prepare(matrix, given);

async function timed() {
  const start = performance.now();
  const result = await work.run(matrix, threads, prepared);
  return { result, seconds: (performance.now() - start) / 1000 };
}

// The first call starts the threads, which a service does once; a long one is all that there is.
const first = await timed();
const peak = peakMB();
let { result } = first;
const seconds = first.seconds > patience ? [first.seconds] : [];
while (seconds.length < runs && seconds.reduce((sum, one) => sum + one, 0) <= patience) {
  const next = await timed();
  result = next.result;
  seconds.push(next.seconds);
}
const answer = { seconds, peakMB: peak };
if (work.took !== undefined) {
  const sorted = work.took(result).sort();
  answer.latency = {};
  for (const [name, share] of Object.entries({ p50: 0.5, p95: 0.95, p99: 0.99, p999: 0.999 }))
    answer.latency[name] = percentile(sorted, share);
}
writeFileSync(out, work.scores(result));
console.log(JSON.stringify(answer));
await closeExecutors();
