#!/usr/bin/env node
/** Transitions and RFM beside DuckDB's SQL and pandas, on the same generated events. Not part of npm run bench. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { isInstalled, median, mustRun, ROOT, requireBuild, say, seconds, table } from "../tools.mjs";

const WHAT = `node bench/profiles/bench.mjs [--events 5000000] [--users 200000] [--threads 1,2] [--runs 3]

Events in no order, five behaviours, from the same Parquet file for all:
  - transitions: sequences by user and time, then the counts of all transitions; compared first
  - rfm: recency, frequency and money of each user, then scores by fifths
Ours reads the file with DuckDB and counts in the core; beside it DuckDB's SQL alone, and pandas (which gets plain arrays,
the fastest it can read) where it is installed.`;

const BEHAVIOURS = 5;
const PAIRS = `SELECT b, nb, count(*) AS n FROM (
  SELECT b, lead(b) OVER (PARTITION BY u ORDER BY t, b) AS nb FROM read_parquet($file)) WHERE nb IS NOT NULL GROUP BY ALL`;
const RFM = `SELECT u, ntile(5) OVER (ORDER BY r DESC), ntile(5) OVER (ORDER BY f), ntile(5) OVER (ORDER BY m) FROM (
  SELECT u, max(t) AS r, count(*) FILTER (b = 4) AS f, sum(m) FILTER (b = 4) AS m FROM read_parquet($file) GROUP BY u) WHERE f > 0`;
const PANDAS = `
import sys, time, numpy as np, pandas as pd
file, work = sys.argv[1:3]
begin = time.perf_counter()
e = pd.DataFrame({c: np.fromfile(f"{file}.{c}", d) for c, d in dict(u="i4", b="u1", t="i8", m="i4").items()})
if work == "transitions":
    e = e.sort_values(["u", "t", "b"])
    u, b = e.u.to_numpy(), e.b.to_numpy().astype(np.int64)
    same = u[1:] == u[:-1]
    counts = np.bincount(b[:-1][same] * ${BEHAVIOURS} + b[1:][same], minlength=${BEHAVIOURS ** 2})
else:
    p = e[e.b == 4].groupby("u").agg(f=("t", "size"), m=("m", "sum"))
    p["r"] = e.groupby("u").t.max()
    for c in "rfm": p[c + "5"] = pd.qcut(p[c].rank(method="first"), 5, labels=False) + 1
print(time.perf_counter() - begin)`;

async function main() {
  const { values } = parseArgs({
    options: {
      events: { type: "string", default: "5000000" },
      users: { type: "string", default: "200000" },
      threads: { type: "string", default: "1,2" },
      runs: { type: "string", default: "3" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(WHAT);
  requireBuild();
  const folder = join(ROOT, "build", "bench");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `profile-events-${values.events}-${values.users}.parquet`);
  await generate(file, Number(values.events), Number(values.users));
  const hasPandas =
    isInstalled("python3") &&
    (await mustRun("python3", ["-c", "import pandas"]).then(
      () => true,
      () => false,
    ));
  const rows = [];
  for (const threads of values.threads.split(",").map(Number)) {
    const runs = Number(values.runs);
    const ours = await transitions(file, Number(values.users), threads, runs);
    const sql = await inDuckDb(file, threads, runs, PAIRS);
    if (!sameCounts(ours.counts, sql.rows)) throw new Error("the counts differ from DuckDB's");
    rows.push(["transitions", threads, seconds(ours.time), seconds(ours.core), ratio(sql.time, ours.time), ""]);
    rows.push(["rfm", threads, seconds(await rfm(file, threads, runs)), "", "", ""]);
    rows.at(-1)[4] = seconds((await inDuckDb(file, threads, runs, RFM)).time);
    if (hasPandas && threads === 1) {
      for (const row of rows.slice(-2)) row[5] = seconds(await pandas(file, row[0], runs));
    }
  }
  console.log(table(["work", "threads", "ours", "of it in the core", "DuckDB SQL", "pandas"], rows));
}

const ratio = (peer, ours) => `${seconds(peer)} (${(peer / ours).toFixed(2)}x)`;

async function generate(file, events, users) {
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  say(`making ${file}`);
  rmSync(file, { force: true });
  // hash, not random: the same rows each time. Squared, so that some users have many events.
  await db.run(`COPY (SELECT CAST(floor(${users} * pow(hash(i, 1) / 18446744073709551616.0, 2)) AS INTEGER) AS u,
    CAST(hash(i, 2) % ${BEHAVIOURS} AS UTINYINT) AS b, CAST(1700000000000000 + hash(i, 3) % 31536000000000 AS BIGINT) AS t,
    CAST(hash(i, 4) % 10000 AS INTEGER) AS m FROM range(${events}) r(i)) TO '${file}' (FORMAT parquet)`);
  for (const [column, type] of Object.entries({ u: Int32Array, b: Uint8Array, t: BigInt64Array, m: Int32Array })) {
    const reader = await db.runAndReadAll(`SELECT ${column} FROM read_parquet('${file}')`);
    writeFileSync(`${file}.${column}`, type.from(reader.getColumns()[0]));
  }
  db.closeSync();
}

async function timed(runs, work) {
  const times = [];
  let last;
  for (let run = 0; run < runs; run++) {
    const begin = performance.now();
    last = await work();
    times.push((performance.now() - begin) / 1000);
  }
  return { time: median(times), last };
}

async function transitions(file, users, threads, runs) {
  const { sequencesOf, countTransitions } = await import("../../dist/index.js");
  const { DuckDb } = await import("../../dist/duckdb/duckdb.js");
  const cores = [];
  const names = Array.from({ length: BEHAVIOURS }, (_, b) => `b${b}`);
  const { time, last } = await timed(runs, async () => {
    const settings = { path: ":memory:", tempDir: join(ROOT, "build", "bench"), memoryLimitMb: 2048, threads };
    const db = await DuckDb.open({ ...settings, readable: [file] });
    const n = await db.count(`SELECT count(*) FROM read_parquet('${file}')`);
    const memory = (Type) => new Type(new SharedArrayBuffer(n * Type.BYTES_PER_ELEMENT));
    const events = { users: memory(Int32Array), behaviours: memory(Uint8Array), times: memory(BigInt64Array) };
    let at = 0;
    for await (const batch of db.streamColumns(`SELECT u, b, t FROM read_parquet('${file}')`, ["I32", "U8", "I64"])) {
      events.users.set(batch.columns[0], at);
      events.behaviours.set(batch.columns[1], at);
      events.times.set(batch.columns[2], at);
      at += batch.numRows;
    }
    db.close();
    const begin = performance.now();
    const sequences = await sequencesOf(events, { numUsers: users, behaviours: names, threads });
    const { all } = await countTransitions(sequences, { threads });
    cores.push((performance.now() - begin) / 1000);
    return all.counts;
  });
  return { time, core: median(cores), counts: last };
}

function sameCounts(counts, rows) {
  const own = new Map(rows.map(({ b, nb, n }) => [Number(b) * BEHAVIOURS + Number(nb), Number(n)]));
  return counts.every((n, place) => n === (own.get(place) ?? 0));
}

async function rfm(file, threads, runs) {
  const { rfm } = await import("../../dist/index.js");
  const features = join(ROOT, "build", "bench", "profile-features.parquet");
  const { time } = await timed(runs, async () => {
    const db = await (await DuckDBInstance.create(":memory:", { threads: String(threads) })).connect();
    await db.run(`COPY (SELECT CAST(u AS VARCHAR) AS user_id, max(t) AS last, count(*) FILTER (b = 4) AS frequency,
      coalesce(sum(m) FILTER (b = 4), 0) AS monetary_minor, (1731536000000000 - max(t)) / 86400000000.0 AS order_recency_days
      FROM read_parquet('${file}') GROUP BY u) TO '${features}' (FORMAT parquet)`);
    db.closeSync();
    await rfm(features, { threads });
  });
  return time;
}

async function inDuckDb(file, threads, runs, sql) {
  const { time, last } = await timed(runs, async () => {
    const db = await (await DuckDBInstance.create(":memory:", { threads: String(threads) })).connect();
    const reader = await db.runAndReadAll(sql.replace("$file", `'${file}'`));
    const rows = reader.currentRowCount < 1000 ? reader.getRowObjects() : [];
    db.closeSync();
    return rows;
  });
  return { time, rows: last };
}

async function pandas(file, work, runs) {
  const times = [];
  for (let run = 0; run < runs; run++) {
    const { stdout } = await mustRun("python3", ["-c", PANDAS, file, work]);
    times.push(Number(stdout));
  }
  return median(times);
}

await main();
process.exit(0);
