import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { evenRanges } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import { similarItems, similarUsers } from "../score/similar.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { coresByRow, countLabels, DEFAULT_MIN_SAMPLES } from "./dbscan.js";
import { LaneForests } from "./lane-forests.js";

export interface CosineDbscanOptions extends RunOptions {
  /** What is clustered: users by their items, or items by their users; default users. */
  axis?: Axis | undefined;
  /** Rows with 1 - cosine of at most this are neighbours; from 1e-6, below 1. */
  eps: number;
  /** A row with so many neighbours, itself included, is a core row; default 5. */
  minSamples?: number | undefined;
}

export interface CosineDbscanResult {
  /** [rows] cluster of each row, numbered by their smallest core row; -1 for noise. */
  labels: Int32Array;
  /** [rows] 1 for core rows. */
  cores: Uint8Array;
  /** [clusters] rows of each. */
  sizes: number[];
  numNoise: number;
}

const ROWS_PER_SHARD = 1024;
/** kCosineMarks of native/include/couponcast/cosine_dbscan.h. */
const MARKS = 16;

/**
 * DBSCAN on the rows of a behaviour matrix by cosine distance 1 - x.y / (|x| |y|), in float64; as dbscan besides. A row
 * without cells has no neighbour but itself.
 *
 * Pairs are found through the rarer columns of each row: what is left out is too short for a neighbour. The nearer eps is
 * to 1, the less is left out, and the more pairs are looked at; from 0.15 on the nearest rows of all are found first, in
 * float32, and only rows that may have neighbours are looked at (not where a row is shorter than 1e-12 or longer than 1e18). Memory: 8 bytes a cell, 100 a row, 12 a row and thread, and
 * 8 a row for each of the up to 64 nearest; no lists of neighbours.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CLOSED, _CORRUPT_FILE, _CANCELLED.
 * Source: Ester et al. 1996; Bayardo, Ma, Srikant 2007.
 */
export async function cosineDbscan(matrix: Matrix, options: CosineDbscanOptions): Promise<CosineDbscanResult> {
  checkMatrix("matrix", matrix);
  knownOptions("cosineDbscan", options, { ...RUN_OPTIONS, axis: true, eps: true, minSamples: true });
  const axis = oneOf("axis", options.axis ?? "users", ["users", "items"]);
  const eps = numberBetween("eps", options.eps, 1e-6, 1 - 1e-9);
  const minSamples = integerBetween("minSamples", options.minSamples ?? DEFAULT_MIN_SAMPLES, 1, 2 ** 31 - 1);
  const executor = new Executor(options);
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  if (rows === 0) return { labels: shared.i32(0), cores: shared.u8(0), sizes: [], numNoise: 0 };
  const cols = axis === "users" ? matrix.numItems : matrix.numUsers;
  const postings = {
    norms: shared.f64(rows),
    ranks: shared.i32(cols),
    cuts: shared.i32(rows),
    marks: shared.i32(MARKS),
    beginnings: shared.f32(rows * MARKS),
    indptr: shared.i64(cols + 1),
    entries: shared.i32(matrix.nnz),
    weights: shared.f32(matrix.nnz),
  };
  const common = { matrix: matrix.ref(), axis, eps, ...postings };
  const near = (await areMultiplied(executor, matrix, axis, rows))
    ? await nearRows(matrix, axis, eps, minSamples, options)
    : { cores: shared.i32(0), borders: shared.i32(0) };
  await executor.run({ kernel: "buildCosineIndex", args: common });
  const ranges = shards(rows, ROWS_PER_SHARD);
  const over = (
    kernel: "cosineCores" | "cosineLinks" | "cosineBorders",
    name: string,
    args: Record<string, Int32Array | number>,
    laneArgs?: (lane: number) => Record<string, Int32Array>,
  ) => {
    const calls = ranges.map(({ begin, end }) => ({
      kernel,
      args: { ...common, begin, end, ...args },
    }));
    return executor.map(calls, { name }, laneArgs === undefined ? {} : { laneArgs });
  };
  const cores = shared.i32(Math.ceil(rows / 32));
  await over("cosineCores", "core rows", { minSamples, candidates: near.cores, outCores: cores });
  const lanes = await LaneForests.make(executor, rows, ranges.length);
  await over("cosineLinks", "clusters", { cores }, (lane) => ({ forest: lanes.forests[lane]! }));
  const labels = shared.i32(rows);
  const { value } = await executor.run({
    kernel: "numberClusters",
    args: { cores, forest: await lanes.merged(), outLabels: labels },
  });
  await over("cosineBorders", "border rows", { cores, candidates: near.borders, labels });
  return { labels, cores: await coresByRow(cores, rows), ...(await countLabels(labels, value as number)) };
}

/** Squared lengths whose rows' products float32 holds without loss. */
const LEAST_SQUARE = 2 ** -80;
const LARGEST_SQUARE = 2 ** 120;

/** Whether float32 holds the products of all rows: what the nearest are found by. */
async function areMultiplied(executor: Executor, matrix: Matrix, axis: Axis, rows: number): Promise<boolean> {
  await matrix.check(executor);
  const outSquares = shared.f64(rows);
  const args = { matrix: matrix.ref(), axis, unit: false, outFactors: shared.f32(rows), outSquares };
  await executor.map(
    evenRanges(rows, executor.threads).map((range) => ({ kernel: "sparseRowLengths", args: { ...args, ...range } })),
  );
  let all = true;
  await forEachYielding(rows, (row) => {
    const square = outSquares[row]!;
    all &&= square === 0 || (square >= LEAST_SQUARE && square <= LARGEST_SQUARE);
  });
  return all;
}

/** Below this the postings leave out so much that looking through them costs less than finding the nearest. */
const MIN_EPS_OF_NEAREST = 0.15;
const MAX_NEAREST = 64;

/**
 * Rows that may be core rows, and rows that may have a neighbour at all, as bits: by the similarity of their nearest rows in
 * float32, less what rounding can amount to. Empty where that would not pay: then it may be any row.
 */
async function nearRows(
  matrix: Matrix,
  axis: Axis,
  eps: number,
  minSamples: number,
  { threads, signal, onProgress }: RunOptions,
): Promise<{ cores: Int32Array; borders: Int32Array }> {
  const [rows, cols] = axis === "users" ? [matrix.numUsers, matrix.numItems] : [matrix.numItems, matrix.numUsers];
  const k = Math.min(minSamples - 1, MAX_NEAREST, rows - 1);
  // A sum of as many products as there are columns, each rounded, and the weights' own roundings.
  const least = 1 - eps - (cols + 16) * 2 ** -23;
  if (k < 1 || eps < MIN_EPS_OF_NEAREST || least <= 0) return { cores: shared.i32(0), borders: shared.i32(0) };
  const similar = axis === "users" ? similarUsers : similarItems;
  const { scores } = await similar(matrix, { neighbours: k, threads, signal, onProgress });
  const bits = { cores: shared.i32(Math.ceil(rows / 32)), borders: shared.i32(Math.ceil(rows / 32)) };
  await forEachYielding(rows, (row) => {
    if (scores[row * k]! >= least) bits.borders[row >> 5]! |= 1 << (row & 31);
    if (scores[row * k + k - 1]! >= least) bits.cores[row >> 5]! |= 1 << (row & 31);
  });
  return bits;
}
