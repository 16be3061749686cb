#!/usr/bin/env node
/** What it costs to open a matrix. */
import { readFileSync, realpathSync } from "node:fs";
import { percentile, seconds } from "../tools.mjs";
import { script } from "./script.mjs";

const WHAT = `What it costs to open a matrix: openMatrix and close, of the matrix of the size, the file in the system's cache. Beside the
times the pages (of 4 KiB) that are in memory afterwards and were not before (Linux accounts them): of the matrix's file, and
of the whole process, which also loads the code that opens. For comparison the cells of one user, read for the first time.`;

const CALLS = { tiny: 200, small: 2_000, large: 2_000 };
const WARM_UP = 0.2;
const PAGE = 4096;

/** Pages in memory: those of a mapped file, and those of the process. */
function resident(path) {
  const kilobytes = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  const maps = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const ofFile = maps.filter((map) => map.slice(0, map.indexOf("\n")).endsWith(` ${path}`));
  const file = ofFile.reduce((sum, map) => sum + kilobytes(map, "Rss"), 0);
  return {
    file: (file * 1024) / PAGE,
    all: (kilobytes(readFileSync("/proc/self/status", "utf8"), "VmRSS") * 1024) / PAGE,
  };
}

const between = (before, after) => ({ file: after.file - before.file, all: after.all - before.all });

async function measure({ size }) {
  const { openMatrix } = await import("../../dist/index.js");
  const { addon } = await import("../../dist/native/addon.js");
  const { matrixOf, SIZES } = await import("../data.mjs");
  const path = realpathSync(await matrixOf(size, (text) => process.stderr.write(`${text}\n`)));
  // Loads the library.
  addon();
  const states = [];
  // The first looks allocate what the next ones use again.
  for (let i = 0; i < 5; i++) states[0] = resident(path);
  const matrix = await openMatrix(path);
  states.push(resident(path));
  matrix.userRow(matrix.numUsers >> 1);
  states.push(resident(path));
  matrix.close();

  const samples = new Float64Array(CALLS[size]);
  for (let i = -Math.ceil(samples.length * WARM_UP); i < samples.length; i++) {
    const start = performance.now();
    const one = await openMatrix(path);
    if (i >= 0) samples[i] = (performance.now() - start) / 1000;
    one.close();
  }
  samples.sort();
  const raw = [
    {
      name: "openMatrix",
      p50: percentile(samples, 0.5),
      p99: percentile(samples, 0.99),
      ...between(states[0], states[1]),
    },
    { name: "then the row of one user, the first time", ...between(states[1], states[2]) },
  ];
  const { users, items } = SIZES[size];
  return {
    title: `Opening a matrix: ${users} users x ${items} items, ${CALLS[size]} calls.`,
    columns: ["call", "p50", "p99", "pages of the file", "of the process"],
    rows: raw.map(({ name, p50, p99, file, all }) => [
      name,
      p50 === undefined ? "" : seconds(p50),
      p99 === undefined ? "" : seconds(p99),
      file,
      all,
    ]),
    raw,
  };
}

await script("open.mjs", WHAT, measure);
