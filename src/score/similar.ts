import { CouponcastError } from "../errors.js";
import type { ArgValue, KernelCall } from "../executor/call.js";
import { Executor, type RowRange, type RunOptions, shared } from "../executor/executor.js";
import { equalShards, type ShardSizes, shardsOfWork } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { integerBetween } from "../util/arguments.js";
import { allPairs, type Outputs } from "./all-pairs.js";
import { documentWeights, type WeightingOptions } from "./weighting.js";

export interface SimilarOptions extends RunOptions, WeightingOptions {
  /** Neighbours a row, at least 1; default 50. */
  k?: number | undefined;
  /** Whether a row may be its own neighbour; default false. */
  includeSelf?: boolean | undefined;
  /** Rows [begin, end) only; default all. */
  range?: RowRange | undefined;
}

/** The k nearest rows of each row, fixed width, best first, of equal scores the smaller row. */
export interface Neighbours {
  k: number;
  range: RowRange;
  /** [rows * k] row of each neighbour, unused places -1. */
  indices: Int32Array;
  /** [rows * k] similarity, > 0; unused places 0. */
  scores: Float32Array;
  /** [rows] used places. */
  counts: Int32Array;
}

/** Rows of one call that does not share a pass over all others, at most. */
const PLAIN_ROWS = 65_536;
/** Enough work to hide the call, little enough for balance and progress. */
const ROW_SHARDS: ShardSizes = { minWork: 3e7, maxWork: 1e9, maxRows: PLAIN_ROWS };

/** @internal */
export function checkRange(range: RowRange | undefined, rows: number): RowRange {
  const checked = range ?? { begin: 0, end: rows };
  if (
    !Number.isInteger(checked.begin) ||
    !Number.isInteger(checked.end) ||
    checked.begin < 0 ||
    checked.begin > checked.end ||
    checked.end > rows
  ) {
    throw new CouponcastError(
      "ERR_COUPONCAST_OUT_OF_RANGE",
      `expected a range within [0, ${rows}) but received [${checked.begin}, ${checked.end})`,
    );
  }
  return checked;
}

async function computeNeighbours(
  executor: Executor,
  matrix: Matrix,
  axis: Axis,
  options: SimilarOptions,
  range: RowRange,
  k: number,
  outputs: Outputs,
): Promise<void> {
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  const documents = { matrix: matrix.ref(), axis, ...(await documentWeights(executor, matrix, axis, options)) };
  const includeSelf = options.includeSelf ?? false;
  const whole = range.begin === 0 && range.end === rows;
  if (whole && (await allPairs(executor, { documents, matrix, axis, k, includeSelf, outputs }))) return;
  const work = shared.f64(range.end - range.begin);
  await executor.run({ kernel: "similarityWork", args: { matrix: matrix.ref(), axis, ...range, outWork: work } });
  const rowsPerCall = await executor.run({
    kernel: "similarRowsPerCall",
    args: { matrix: matrix.ref(), axis, ...range, k, threads: executor.threads },
  });
  // Of rows that share a pass over all others no fewer than that; others in many shards, for balance.
  const together = rowsPerCall.value as number;
  const shards =
    together < PLAIN_ROWS
      ? await equalShards(work, Math.ceil(work.length / together))
      : await shardsOfWork(work, executor.threads, ROW_SHARDS);
  const calls = shards.map(({ begin, end }): KernelCall => {
    const shard = { begin: range.begin + begin, end: range.begin + end };
    return { kernel: "similarRows", args: { ...documents, ...shard, k, includeSelf, ...outputs(shard) } };
  });
  await executor.map(calls, { name: `similar ${axis}`, weight: (index) => shards[index]!.work });
}

async function similar(matrix: Matrix, axis: Axis, options: SimilarOptions): Promise<Neighbours> {
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  const k = Math.min(integerBetween("k", options.k ?? 50, 1, 2 ** 31 - 1), Math.max(rows, 1));
  const range = checkRange(options.range, rows);
  const count = range.end - range.begin;
  const indices = shared.i32(count * k);
  const scores = shared.f32(count * k);
  const counts = shared.i32(count);
  await computeNeighbours(new Executor(options), matrix, axis, options, range, k, (shard) => {
    const begin = shard.begin - range.begin;
    const end = shard.end - range.begin;
    return {
      outIndices: indices.subarray(begin * k, end * k),
      outScores: scores.subarray(begin * k, end * k),
      outCounts: counts.subarray(begin, end),
    };
  });
  return { k, range, indices, scores, counts };
}

/**
 * The k users most similar to each user: similarity(u, v) = sum_i w_ui w_vi over items, cosine by default.
 *
 * Exact. Sums in float32 in a fixed order, so neither threads nor shards change a bit. Similarities > 0 only.
 * Cost: one multiply-add per pair of cells in a common item; memory 8 k bytes a user for the answer.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE, _CORRUPT_FILE, _CANCELLED, _CLOSED.
 * Source: formulas.md, `user-knn`.
 */
export function similarUsers(matrix: Matrix, options: SimilarOptions = {}): Promise<Neighbours> {
  return similar(matrix, "users", options);
}

/** The k items most similar to each item, as similarUsers with users and items exchanged. Source: formulas.md, `item-knn`. */
export function similarItems(matrix: Matrix, options: SimilarOptions = {}): Promise<Neighbours> {
  return similar(matrix, "items", options);
}

/** Writes the neighbours of all rows of an axis as a model file; nothing of it is held in memory. */
export async function writeNeighbours(
  matrix: Matrix,
  axis: Axis,
  path: string,
  options: SimilarOptions,
): Promise<void> {
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  const k = Math.min(integerBetween("k", options.k ?? 50, 1, 2 ** 31 - 1), Math.max(rows, 1));
  const writer = TensorFileWriter.create(
    path,
    [
      { name: "neighbours.indices", dtype: "I32", shape: [rows, k] },
      { name: "neighbours.scores", dtype: "F32", shape: [rows, k] },
      { name: "neighbours.counts", dtype: "I32", shape: [rows] },
    ],
    {
      kind: "neighbours",
      axis,
      weighting: options.weighting ?? "cosine",
      include_self: String(options.includeSelf ?? false),
      matrix: matrix.metadata.digest ?? "",
    },
  );
  try {
    const at = (name: string, element: number) => ({ fd: writer.fd, position: writer.byteOffset(name) + element * 4 });
    await computeNeighbours(
      new Executor(options),
      matrix,
      axis,
      options,
      { begin: 0, end: rows },
      k,
      ({ begin, end }) => ({
        outIndices: { $write: "I32", length: (end - begin) * k, ...at("neighbours.indices", begin * k) },
        outScores: { $write: "F32", length: (end - begin) * k, ...at("neighbours.scores", begin * k) },
        outCounts: { $write: "I32", length: end - begin, ...at("neighbours.counts", begin) },
      }),
    );
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/** A neighbour model as kernels take it: from memory, or from a file of writeNeighbours. */
export function neighbourArgs(model: Neighbours | { path: string; k: number }): Record<string, ArgValue> {
  if ("path" in model) {
    return {
      neighbourK: model.k,
      neighbourIndices: { $file: model.path, tensor: "neighbours.indices" },
      neighbourScores: { $file: model.path, tensor: "neighbours.scores" },
      neighbourCounts: { $file: model.path, tensor: "neighbours.counts" },
    };
  }
  return {
    neighbourK: model.k,
    neighbourIndices: model.indices,
    neighbourScores: model.scores,
    neighbourCounts: model.counts,
  };
}
