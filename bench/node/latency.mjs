#!/usr/bin/env node
/** How long one user waits for recommendations. */
import { percentile, seconds } from "../tools.mjs";
import { script } from "./script.mjs";

const WHAT = `How long one user waits: the 20 best items from a model of 20 neighbours, on the calling thread, as a service asks between
two requests (ItemRecommender). Every call is timed on its own; the rows are those of the matrix's first users, taken in
turn, after a warm-up. By columns of the matrix, and by ids in and out. Below each, how many calls took how long.`;

const CALLS = { tiny: 5_000, small: 50_000, large: 200_000 };
const USERS = 5_000;
const WARM_UP = 0.2;
/** Calls of a class took less than its end; the last one holds the rest. */
const CLASS_ENDS = [1, 2, 4, 8, 16, 32, 64, 128, Number.POSITIVE_INFINITY].map((end) => end / 1e6);
const BAR = 40;

/** Seconds of each call, ascending. */
function sample(count, call) {
  const samples = new Float64Array(count);
  for (let i = -Math.ceil(count * WARM_UP); i < count; i++) {
    const user = (i + count) % USERS;
    const start = performance.now();
    call(user);
    if (i >= 0) samples[i] = (performance.now() - start) / 1000;
  }
  return samples.sort();
}

/** Calls in each class. */
function histogram(samples) {
  const counts = CLASS_ENDS.map(() => 0);
  for (const one of samples) counts[CLASS_ENDS.findIndex((end) => one < end)]++;
  return counts;
}

function classNames() {
  const micro = (value) => `${Math.round(value * 1e6)}`;
  return CLASS_ENDS.map((end, i) => {
    if (i === 0) return `< ${micro(end)} µs`;
    return end === Number.POSITIVE_INFINITY
      ? `>= ${micro(CLASS_ENDS[i - 1])} µs`
      : `${micro(CLASS_ENDS[i - 1])} - ${micro(end)} µs`;
  });
}

function drawn({ name, counts, calls }) {
  const most = Math.max(...counts);
  const lines = classNames().map((label, i) => {
    const bar = "#".repeat(Math.ceil((counts[i] / most) * BAR));
    return `${label.padStart(13)} ${((counts[i] / calls) * 100).toFixed(2).padStart(6)} % ${bar}`.trimEnd();
  });
  return [`${name}:`, ...lines].join("\n");
}

async function measure({ size, threads }) {
  const { ItemRecommender, openMatrix } = await import("../../dist/index.js");
  const { matrixOf, SIZES } = await import("../data.mjs");
  const matrix = await openMatrix(await matrixOf(size, (text) => process.stderr.write(`${text}\n`)));
  const recommender = await ItemRecommender.create(matrix, { n: 20, neighbours: 20, threads, fallback: false });
  const rows = Array.from({ length: USERS }, (_, user) => {
    const { indices, values } = matrix.userRow(user);
    return { indices, values, ids: Array.from(indices, (item) => matrix.itemId(item)), numbers: [...values] };
  });
  matrix.close();
  const calls = {
    "recommendColumns, a row of columns": (user) => recommender.recommendColumns(rows[user].indices, rows[user].values),
    "recommend, a row of ids": (user) => recommender.recommend(rows[user].ids, rows[user].numbers),
  };
  const raw = [];
  for (const [name, call] of Object.entries(calls)) {
    const samples = sample(CALLS[size], call);
    const shares = { p50: 0.5, p95: 0.95, p99: 0.99, p999: 0.999 };
    const at = Object.fromEntries(Object.entries(shares).map(([key, share]) => [key, percentile(samples, share)]));
    raw.push({ name, calls: samples.length, ...at, max: samples.at(-1), counts: histogram(samples) });
  }
  recommender.close();
  return {
    title: `One user at a time: ${SIZES[size].items} items, rows of ${USERS} users.`,
    columns: ["call", "calls", "p50", "p95", "p99", "p99.9", "max"],
    rows: raw.map(({ name, calls: timed, p50, p95, p99, p999, max }) => [
      name,
      timed,
      ...[p50, p95, p99, p999, max].map(seconds),
    ]),
    below: raw.map(drawn).join("\n\n"),
    raw,
  };
}

await script("latency.mjs", WHAT, measure);
