/** Similarities of all rows with each other, each pair computed once; native/include/couponcast/all_pairs.h. */
import type { ArgValue, KernelCall } from "../executor/call.js";
import { type Executor, type RowRange, shared } from "../executor/executor.js";
import { type ShardSizes, shardsOfWork } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";

/** Where the answer of some rows goes. */
export type Outputs = (rows: RowRange) => { outIndices: ArgValue; outScores: ArgValue; outCounts: ArgValue };

export interface AllPairsJob {
  /** Arguments of every kernel here: the matrix, its axis and the weights. */
  documents: KernelCall["args"];
  matrix: Matrix;
  axis: Axis;
  k: number;
  includeSelf: boolean;
  outputs: Outputs;
}

/** kPairHead and BestListCapacity of the core. */
const HEAD = 32;
const listCapacity = (k: number) => k + Math.max(64, k);

/** Of the lists of one thread. */
const MAX_LANE_BYTES = 200e6;
const MERGE_ROWS = 8192;
const PAIR_SHARDS: ShardSizes = { minWork: 1e7, maxWork: 1e9, maxRows: 65_536 };

/** Equal parts of [0, count). */
function parts(count: number, number: number): RowRange[] {
  return Array.from({ length: number }, (_, part) => ({
    begin: Math.floor((count * part) / number),
    end: Math.floor((count * (part + 1)) / number),
  }));
}

/** False, and no output, where another way is better or this one does not apply. */
export async function allPairs(executor: Executor, job: AllPairsJob): Promise<boolean> {
  const { documents, matrix, axis, k, includeSelf, outputs } = job;
  const [rows, terms] = axis === "users" ? [matrix.numUsers, matrix.numItems] : [matrix.numItems, matrix.numUsers];
  const capacity = listCapacity(k);
  if (rows * capacity * 8 > MAX_LANE_BYTES) return false;
  if (!(await executor.run({ kernel: "allPairsPays", args: { ...documents, k } })).value) return false;

  const lists = {
    order: shared.i32(rows),
    head: shared.f32(terms * HEAD),
    tail: shared.i32(matrix.nnz * 2),
    before: shared.i32(matrix.nnz),
  };
  await executor.run({ kernel: "orderByDegree", args: { ...documents, outOrder: lists.order } });
  const filled = await executor.map(
    parts(terms, executor.threads).map((part) => ({
      kernel: "fillPairLists",
      args: { ...documents, ...lists, ...part },
    })),
  );
  if (!filled.every(({ value }) => value)) return false;

  const work = shared.f64(rows);
  await executor.run({ kernel: "pairWork", args: { ...documents, ...lists, begin: 0, end: rows, outWork: work } });
  const shards = await shardsOfWork(work, executor.threads, PAIR_SHARDS);
  const lanes = Math.min(executor.threads, Math.max(shards.length, 1));
  const best = {
    bestEntries: shared.i32(lanes * rows * capacity * 2),
    bestCounts: shared.i32(lanes * rows),
    bestThresholds: shared.f32(lanes * rows),
  };
  await executor.map(
    shards.map(({ begin, end }) => ({
      kernel: "addPairs",
      args: { ...documents, ...lists, begin, end, k, includeSelf },
    })),
    { name: `similar ${axis}`, weight: (index) => shards[index]!.work },
    (lane) => ({
      bestEntries: best.bestEntries.subarray(lane * rows * capacity * 2, (lane + 1) * rows * capacity * 2),
      bestCounts: best.bestCounts.subarray(lane * rows, (lane + 1) * rows),
      bestThresholds: best.bestThresholds.subarray(lane * rows, (lane + 1) * rows),
    }),
  );
  await executor.map(
    parts(rows, Math.max(executor.threads, Math.ceil(rows / MERGE_ROWS))).map((part) => ({
      kernel: "mergeBestLists",
      args: { order: lists.order, ...best, lanes, ...part, k, ...outputs(part) },
    })),
  );
  return true;
}
