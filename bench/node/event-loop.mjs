#!/usr/bin/env node
/** How long the event loop is held while the library computes. */
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { seconds } from "../tools.mjs";
import { script } from "./script.mjs";

const WHAT = `How long the event loop is held while the library computes on its worker threads: whole calls on generated data, and
as the floor a loop that has nothing to do. Two measures:
  delay   by perf_hooks.monitorEventLoopDelay, how much later than due a timer of 1 ms fires (p50, p99, max). It also holds
          the time in which the processor belonged to somebody else, workers included.
  busy    processor time of this thread between two turns at most (Linux accounts it): what the library itself spends.
A call that takes less than half a second is repeated.`;

const RESOLUTION_MS = 1;
const LEAST_SECONDS = { tiny: 0.5, small: 2, large: 2 };
const SIMILAR_USERS = { tiny: 500, small: 2_000, large: 500 };
const DIMS = 8;
const WIDTH = 4;
const COUPONS = 20;

/** Processor time of this thread so far, seconds; undefined where it is not accounted. */
function processorSeconds() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e9;
  } catch {
    return undefined;
  }
}

async function watch(call, leastSeconds) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let last = processorSeconds();
  let busy = last === undefined ? undefined : 0;
  const timer = setInterval(() => {
    const now = processorSeconds();
    if (busy !== undefined) busy = Math.max(busy, now - last);
    last = now;
  }, RESOLUTION_MS);
  histogram.enable();
  await sleep(5);
  const start = performance.now();
  let calls = 0;
  try {
    do {
      await call();
      calls++;
    } while (performance.now() - start < leastSeconds * 1000);
  } finally {
    clearInterval(timer);
    histogram.disable();
  }
  const took = (performance.now() - start) / 1000 / calls;
  const late = (nanoseconds) => Math.max(nanoseconds / 1e9 - RESOLUTION_MS / 1e3, 0);
  const percentile = (share) => late(histogram.percentile(share));
  const delay = { p50: percentile(50), p99: percentile(99), max: late(histogram.max) };
  return { calls, seconds: took, turns: histogram.count, delay, busy };
}

/** Pseudo-random numbers of a position, whole, in [0, bound). */
const scattered = (position, bound) => (Math.imul(position + 1, 2654435761) >>> 8) % bound;

function candidatesOf(users) {
  const places = users * WIDTH;
  const candidates = {
    width: WIDTH,
    counts: new Int32Array(users).fill(WIDTH),
    coupons: new Int32Array(places),
    valueMinor: new Float64Array(places),
    costMinor: new Float64Array(places),
  };
  for (let at = 0; at < places; at++) {
    candidates.coupons[at] = (at % WIDTH) * (COUPONS / WIDTH) + ((at >> 2) % (COUPONS / WIDTH));
    candidates.valueMinor[at] = scattered(at, 500);
    candidates.costMinor[at] = 20 + scattered(at * 7, 200);
  }
  const coupons = Array.from({ length: COUPONS }, (_, j) => ({ stock: j % 4 === 0 ? users / 50 : undefined }));
  return { candidates, limits: { budgetMinor: users * 20, coupons } };
}

async function measure({ size, threads }) {
  const { allocate, kmeans, openMatrix, recommend, similarItems, similarUsers } = await import("../../dist/index.js");
  const { matrixOf, SIZES } = await import("../data.mjs");
  const matrix = await openMatrix(await matrixOf(size, (text) => process.stderr.write(`${text}\n`)));
  const { users } = SIZES[size];
  const points = Float32Array.from({ length: users * DIMS }, (_, i) => scattered(i, 1000));
  const { candidates, limits } = candidatesOf(users);
  const range = { begin: 0, end: SIMILAR_USERS[size] };
  const calls = {
    "nothing (floor)": () => sleep(200),
    "similarItems, 20 neighbours": () => similarItems(matrix, { neighbours: 20, threads }),
    [`similarUsers, 50 neighbours, ${range.end} users`]: () => similarUsers(matrix, { neighbours: 50, range, threads }),
    "recommend, 20 items for each user": () => recommend(matrix, { n: 20, neighbours: 20, threads }),
    [`kmeans, ${DIMS} features, 8 clusters`]: () => kmeans(points, DIMS, { k: 8, maxIterations: 8, threads }),
    [`allocate, ${COUPONS} coupons`]: () => allocate(candidates, limits, { threads }),
  };
  const raw = [];
  for (const [name, call] of Object.entries(calls)) {
    // The first call starts the threads, and the first turns are compiled.
    await watch(call, 0);
    raw.push({ name, threads, ...(await watch(call, LEAST_SECONDS[size])) });
  }
  matrix.close();
  return {
    title: `The event loop under load: ${users} users, ${threads} worker threads.`,
    columns: ["call", "takes", "turns", "delay p50", "p99", "max", "busy at most"],
    rows: raw.map(({ name, seconds: took, turns, delay, busy }) => [
      name,
      seconds(took),
      turns,
      ...[delay.p50, delay.p99, delay.max].map(seconds),
      busy === undefined ? "" : seconds(busy),
    ]),
    raw,
  };
}

await script("event-loop.mjs", WHAT, measure);
