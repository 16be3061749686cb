#!/usr/bin/env node
/** Whether the cost of a multiply-add stays the same when the shop grows. Not part of npm run bench: it takes long. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { median, requireBuild, say, table } from "./tools.mjs";

const WHAT = `node bench/scale.mjs [--users 100000,1000000,5000000] [--items 100000] [--threads n] [--runs 3] [--json file]

Makes a shop of each size (seeded, streamed to build/bench: 0.8 GB a million users) and measures, in nanoseconds of a
thread for each multiply-add of the definition:
  - the 50 nearest users of the first 8,192 users among all
  - the best 20 items of the first 100,000 users from an item model of 20 neighbours, which is not timed
and how long opening takes. A cost that stays the same means that time grows with the work and with nothing else.`;

const QUERY_USERS = 8192;
const RECOMMEND_USERS = 100_000;

async function measure({ users, items, threads, runs }) {
  const { openMatrix, recommend, similarUsers } = await import("../dist/index.js");
  const { Executor, shared } = await import("../dist/executor/executor.js");
  const { matrixOfShape } = await import("./data.mjs");
  const path = await matrixOfShape(`scale-${users}-${items}`, { users, items }, say);
  const begin = performance.now();
  const matrix = await openMatrix(path);
  const openMs = performance.now() - begin;
  try {
    const query = { begin: 0, end: Math.min(QUERY_USERS, users) };
    const work = shared.f64(query.end);
    // Also reads and checks the whole file, which is done once a process.
    await new Executor({ threads }).run({
      kernel: "similarityWork",
      args: { matrix: matrix.ref(), axis: "users", ...query, outWork: work },
    });
    const similarMadds = work.reduce((sum, madds) => sum + madds, 0);
    const similar = await timed(runs, () => similarUsers(matrix, { neighbours: 50, range: query, threads }));
    const served = { begin: 0, end: Math.min(RECOMMEND_USERS, users) };
    const model = randomModel(items);
    let cells = 0;
    for (let user = 0; user < served.end; user++) cells += matrix.userRow(user).indices.length;
    const options = { model, n: 20, range: served, threads, fallback: false };
    const recommended = await timed(runs, () => recommend(matrix, options));
    const cost = (seconds, madds) => (median(seconds) * threads * 1e9) / madds;
    return {
      users,
      items,
      cells: matrix.nnz,
      openMs,
      similar: { seconds: similar, madds: similarMadds, nsPerMadd: cost(similar, similarMadds) },
      recommend: { seconds: recommended, madds: cells * model.k, nsPerMadd: cost(recommended, cells * model.k) },
    };
  } finally {
    matrix.close();
  }
}

/** A model as similarItems answers it, of the right shape: its scores do not matter for time. */
function randomModel(items) {
  const k = 20;
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const indices = Int32Array.from({ length: items * k }, () => next() % items);
  const scores = Float32Array.from({ length: items * k }, () => next() / 2 ** 32);
  return { k, range: { begin: 0, end: items }, indices, scores, counts: new Int32Array(items).fill(k) };
}

async function timed(runs, call) {
  await call();
  const seconds = [];
  for (let run = 0; run < runs; run++) {
    const begin = performance.now();
    await call();
    seconds.push((performance.now() - begin) / 1000);
  }
  return seconds;
}

const { values } = parseArgs({
  options: {
    users: { type: "string", default: "100000,1000000,5000000" },
    items: { type: "string", default: "100000" },
    threads: { type: "string", default: String(availableParallelism()) },
    runs: { type: "string", default: "3" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const sizes = values.users.split(",").map(Number);
const [items, threads, runs] = [values.items, values.threads, values.runs].map(Number);
if (values.help || ![...sizes, items, threads, runs].every((n) => Number.isInteger(n) && n >= 1)) {
  console.log(WHAT);
  process.exitCode = values.help ? 0 : 2;
} else {
  requireBuild();
  const { closeExecutors } = await import("../dist/index.js");
  const rows = [];
  for (const users of sizes) rows.push(await measure({ users, items, threads, runs }));
  await closeExecutors();
  const columns = ["users", "cells", "open", "similar, ns a multiply-add", "recommend, ns a multiply-add"];
  const cells = rows.map((row) => [
    row.users.toLocaleString("en"),
    row.cells.toLocaleString("en"),
    `${row.openMs.toFixed(1)} ms`,
    row.similar.nsPerMadd.toFixed(4),
    row.recommend.nsPerMadd.toFixed(2),
  ]);
  console.log(table(columns, cells));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ items, threads, runs, rows }, null, 2)}\n`);
}
