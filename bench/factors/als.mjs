/** ALS beside implicit: node bench/factors/als.mjs [--size small | --matrix FILE] [--threads 2] [--python python3]. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { matrixOf } from "../data.mjs";
import { mustRun, requireBuild, SIZE_NAMES, say, seconds, table } from "../tools.mjs";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    size: { type: "string", default: "small" },
    matrix: { type: "string" },
    threads: { type: "string", default: "2" },
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "15" },
    ranking: { type: "boolean", default: true },
    help: { type: "boolean", default: false },
  },
});
if (values.help || !SIZE_NAMES.includes(values.size)) {
  say(
    "usage: node bench/factors/als.mjs [--size tiny|small|large | --matrix FILE] [--threads 2] [--rounds 15] [--no-ranking] [--python python3]",
  );
  process.exit(values.help ? 0 : 2);
}
requireBuild();
const { als, closeExecutors, openMatrix, recommend } = await import("../../dist/index.js");
const threads = Number(values.threads);
const path = values.matrix === undefined ? await matrixOf(values.size, say) : resolve(values.matrix);

async function timed(call) {
  const start = performance.now();
  const result = await call();
  return { result, seconds: (performance.now() - start) / 1000 };
}

const rounds = Number(values.rounds);

async function peer() {
  try {
    const script = ["bench/factors/als.py", path, String(threads), String(rounds), values.ranking ? "1" : "0"];
    const { stdout } = await mustRun(values.python, script);
    return JSON.parse(stdout.trim().split("\n").at(-1));
  } catch (error) {
    say(`implicit: ${String(error.message).split("\n").at(-1)}`);
    return {};
  }
}

const rows = [];
const row = (work, ours, theirs) =>
  rows.push([
    work,
    seconds(ours),
    theirs === undefined ? "–" : seconds(theirs),
    theirs ? (theirs / ours).toFixed(2) : "–",
  ]);
const matrix = await openMatrix(path);
const { result, seconds: fit } = await timed(() => als(matrix, { iterations: rounds, threads }));
const theirs = await peer();
row(`als, 64 factors, ${rounds} rounds`, fit, theirs.fit);
if (values.ranking) {
  // Ranking alone: a model of one round costs little, and the products are as many.
  const both = await timed(() => recommend(matrix, { method: "als", als: { iterations: 1 }, threads }));
  const alone = await timed(() => als(matrix, { iterations: 1, threads }));
  row("top 20 of all users", both.seconds - alone.seconds, theirs.rank);
}
say(`loss ${result.loss.toFixed(1)}, implicit ${theirs.loss?.toFixed(1) ?? "–"}`);
matrix.close();
await closeExecutors();
console.log(table([`work (${values.matrix ?? values.size}), ${threads} threads`, "couponcast", "peer", "times"], rows));
