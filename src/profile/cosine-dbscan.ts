import { Executor, type RunOptions, shards, shared } from "../executor/executor.js";
import type { Axis } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
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
 * to 1, the less is left out, and the more pairs are looked at. Memory: 8 bytes a cell, 88 a row, and 12 a row and thread; no
 * lists of neighbours.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CLOSED, _CORRUPT_FILE, _CANCELLED.
 * Source: Ester et al. 1996; Bayardo, Ma, Srikant 2007.
 */
export async function cosineDbscan(matrix: Matrix, options: CosineDbscanOptions): Promise<CosineDbscanResult> {
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
  await over("cosineCores", "core rows", { minSamples, outCores: cores });
  const lanes = await LaneForests.make(executor, rows, ranges.length);
  await over("cosineLinks", "clusters", { cores }, (lane) => ({ forest: lanes.forests[lane]! }));
  const labels = shared.i32(rows);
  const { value } = await executor.run({
    kernel: "numberClusters",
    args: { cores, forest: await lanes.merged(), outLabels: labels },
  });
  await over("cosineBorders", "border rows", { cores, labels });
  return { labels, cores: await coresByRow(cores, rows), ...(await countLabels(labels, value as number)) };
}
