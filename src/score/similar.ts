import { existsSync } from "node:fs";
import { CouponcastError } from "../errors.js";
import type { ArgValue, KernelCall } from "../executor/call.js";
import { Executor, type RowRange, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { equalShards, type ShardSizes, shardsOfWork } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import { coreVersion } from "../native/version.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { booleanOf, integerBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { allPairs, type Outputs } from "./all-pairs.js";
import { NeighbourJournal, type WorkShard } from "./neighbour-journal.js";
import {
  documentWeights,
  type WalkOptions,
  WEIGHTING_OPTIONS,
  type WeightingOptions,
  walkWeights,
  weightingArgs,
} from "./weighting.js";

export interface SimilarOptions extends RunOptions, WeightingOptions {
  /** Of each row, at least 1; default 50. */
  neighbours?: number | undefined;
  /** Whether a row may be its own neighbour; default false. */
  includeSelf?: boolean | undefined;
  /** Rows [begin, end) only; default all. */
  range?: RowRange | undefined;
  /** @internal Of items, instead of a similarity. */
  walk?: WalkOptions | undefined;
}

const SIMILAR_OPTIONS = {
  ...RUN_OPTIONS,
  ...WEIGHTING_OPTIONS,
  neighbours: true,
  includeSelf: true,
  range: true,
  walk: false,
};

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

/** What is asked for, with what every kernel takes. */
interface NeighbourJob {
  matrix: Matrix;
  axis: Axis;
  range: RowRange;
  k: number;
  includeSelf: boolean;
  documents: KernelCall["args"];
}

async function neighbourJob(
  executor: Executor,
  matrix: Matrix,
  axis: Axis,
  options: SimilarOptions,
): Promise<NeighbourJob> {
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  const k = Math.min(integerBetween("neighbours", options.neighbours ?? 50, 1, 2 ** 31 - 1), Math.max(rows, 1));
  const range = checkRange(options.range, rows);
  const includeSelf = booleanOf("includeSelf", options.includeSelf ?? false);
  const { walk } = options;
  const weights =
    walk === undefined
      ? await documentWeights(executor, matrix, axis, options)
      : (await walkWeights(executor, matrix, walk)).weights;
  const documents = { matrix: matrix.ref(), axis, ...weights };
  return { matrix, axis, range, k, includeSelf, documents };
}

/** Parts of the range of about the same work, each for one call. */
async function planShards(executor: Executor, { matrix, axis, range, k }: NeighbourJob): Promise<WorkShard[]> {
  const work = shared.f64(range.end - range.begin);
  await executor.run({ kernel: "similarityWork", args: { matrix: matrix.ref(), axis, ...range, outWork: work } });
  const { value } = await executor.run({
    kernel: "similarRowsPerCall",
    args: { matrix: matrix.ref(), axis, ...range, k, threads: executor.threads },
  });
  // Of rows that share a pass over all others no fewer than that; others in many shards, for balance.
  const together = value as number;
  const shards =
    together < PLAIN_ROWS
      ? await equalShards(work, Math.ceil(work.length / together))
      : await shardsOfWork(work, executor.threads, ROW_SHARDS);
  return shards.map(({ begin, end, work }) => ({ begin: range.begin + begin, end: range.begin + end, work }));
}

async function computeShards(
  executor: Executor,
  { documents, axis, k, includeSelf }: NeighbourJob,
  shards: readonly WorkShard[],
  outputs: Outputs,
  finished?: (index: number) => Promise<void>,
): Promise<void> {
  const calls = shards.map(({ begin, end }): KernelCall => {
    return { kernel: "similarRows", args: { ...documents, begin, end, k, includeSelf, ...outputs({ begin, end }) } };
  });
  const weight = (index: number) => shards[index]!.work;
  await executor.map(calls, { name: `similar ${axis}`, weight, ...(finished && { finished }) });
}

async function computeNeighbours(executor: Executor, job: NeighbourJob, outputs: Outputs): Promise<void> {
  const rows = job.axis === "users" ? job.matrix.numUsers : job.matrix.numItems;
  const whole = job.range.begin === 0 && job.range.end === rows;
  if (whole && (await allPairs(executor, { ...job, outputs }))) return;
  await computeShards(executor, job, await planShards(executor, job), outputs);
}

async function similar(matrix: Matrix, axis: Axis, options: SimilarOptions): Promise<Neighbours> {
  checkMatrix("matrix", matrix);
  knownOptions(axis === "users" ? "similarUsers" : "similarItems", options, SIMILAR_OPTIONS);
  const executor = new Executor(options);
  const job = await neighbourJob(executor, matrix, axis, options);
  const { range, k } = job;
  const count = range.end - range.begin;
  const indices = shared.i32(count * k);
  const scores = shared.f32(count * k);
  const counts = shared.i32(count);
  await computeNeighbours(executor, job, (shard) => {
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
 * The `neighbours` users most similar to each user: similarity(u, v) = sum_i w_ui w_vi over items, cosine by default.
 *
 * Exact. Sums in float32 in a fixed order, so neither threads nor shards change a bit. Similarities > 0 only.
 * Cost: one multiply-add per pair of cells in a common item; memory 8 bytes a neighbour for the answer.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE, _CORRUPT_FILE, _CANCELLED, _CLOSED.
 * Source: formulas.md, `user-knn`.
 */
export function similarUsers(matrix: Matrix, options: SimilarOptions = {}): Promise<Neighbours> {
  return similar(matrix, "users", options);
}

/** Items most similar to each item, as similarUsers with users and items exchanged. Source: formulas.md, `item-knn`. */
export function similarItems(matrix: Matrix, options: SimilarOptions = {}): Promise<Neighbours> {
  return similar(matrix, "items", options);
}

/** Multiply-adds of a minute or so: a computation that is longer is worth keeping when it is interrupted. */
const LONG_WORK = 5e10;

export interface WriteNeighboursOptions extends Omit<SimilarOptions, "range"> {
  /**
   * Folder for what a long computation has finished: killed and called again with the same matrix and options, it goes on
   * from there, with any number of threads. It is made when needed and removed at the end.
   */
  keepIn?: string | undefined;
}

/**
 * Writes the neighbours of all rows of an axis as a model file; the lists are not held in memory, but for computations
 * that take each pair once and are short.
 */
export async function writeNeighbours(
  matrix: Matrix,
  axis: Axis,
  path: string,
  options: WriteNeighboursOptions,
): Promise<void> {
  const executor = new Executor(options);
  const job = await neighbourJob(executor, matrix, axis, options);
  const { k, range } = job;
  const rows = range.end;
  const metadata = {
    kind: "neighbours",
    axis,
    weighting: options.similarity ?? "cosine",
    include_self: String(job.includeSelf),
    matrix: matrix.metadata.digest ?? "",
  };
  const writer = TensorFileWriter.create(
    path,
    [
      { name: "neighbours.indices", dtype: "I32", shape: [rows, k] },
      { name: "neighbours.scores", dtype: "F32", shape: [rows, k] },
      { name: "neighbours.counts", dtype: "I32", shape: [rows] },
    ],
    metadata,
  );
  try {
    const at = (name: string, element: number) => ({ fd: writer.fd, position: writer.byteOffset(name) + element * 4 });
    const outputs: Outputs = ({ begin, end }) => ({
      outIndices: { $write: "I32", length: (end - begin) * k, ...at("neighbours.indices", begin * k) },
      outScores: { $write: "F32", length: (end - begin) * k, ...at("neighbours.scores", begin * k) },
      outCounts: { $write: "I32", length: end - begin, ...at("neighbours.counts", begin) },
    });
    if (await allPairs(executor, { ...job, outputs })) return await writer.commit();
    const shards = await planShards(executor, job);
    const { keepIn } = options;
    if (keepIn === undefined || (workOf(shards) < LONG_WORK && !existsSync(keepIn))) {
      await computeShards(executor, job, shards, outputs);
      return await writer.commit();
    }
    const key = JSON.stringify({ ...metadata, ...weightingArgs(options), k, version: coreVersion() });
    const journal = await NeighbourJournal.open(keepIn, key, { rows, k }, shards);
    try {
      await computeRest(options, job, journal);
      await journal.copyTo(writer);
      await writer.commit();
    } finally {
      await journal.close();
    }
    await journal.remove();
  } finally {
    await writer.abort();
  }
}

const workOf = (shards: readonly WorkShard[]) => shards.reduce((total, { work }) => total + work, 0);

/** The shards that are not done; progress counts those that are. */
async function computeRest(options: RunOptions, job: NeighbourJob, journal: NeighbourJournal): Promise<void> {
  const rest = [...journal.shards.keys()].filter((shard) => !journal.done.has(shard));
  const left = rest.map((shard) => journal.shards[shard]!);
  const before = workOf(journal.shards) - workOf(left);
  const { onProgress } = options;
  const executor = new Executor({
    ...options,
    onProgress:
      onProgress &&
      (({ stage, done, total }) => onProgress({ stage, done: before + done, total: before + (total ?? 0) })),
  });
  await computeShards(executor, job, left, journal.outputs, (index) => journal.finished(rest[index]!));
}

/** A neighbour model as kernels take it. */
export function neighbourArgs(model: Neighbours): Record<string, ArgValue> {
  return {
    neighbourK: model.k,
    neighbourIndices: model.indices,
    neighbourScores: model.scores,
    neighbourCounts: model.counts,
  };
}
