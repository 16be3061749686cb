/** Similarities of all rows with each other, each pair computed once; native/include/couponcast/all_pairs.h. */
import type { ArgValue, KernelCall } from "../executor/call.js";
import { type Executor, type RowRange, shards as shardsOf, shared } from "../executor/executor.js";
import { Recycled } from "../executor/recycled.js";
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

/** False, and no output, where this does not apply: for more rows than there is memory for, or extreme values. */
export async function allPairs(executor: Executor, job: AllPairsJob): Promise<boolean> {
  const byLists = await executor.run({ kernel: "allPairsPays", args: { ...job.documents, k: job.k } });
  return byLists.value ? pairsByLists(executor, job) : pairsByTiles(executor, job);
}

/** Memory of what is found so far, for each thread. */
const MAX_THREAD_BYTES = 200e6;
const ANSWER_ROWS = 8192;

/** Equal parts of [0, count). */
function parts(count: number, number: number): RowRange[] {
  return Array.from({ length: number }, (_, part) => ({
    begin: Math.floor((count * part) / number),
    end: Math.floor((count * (part + 1)) / number),
  }));
}

const answerParts = (executor: Executor, rows: number) =>
  parts(rows, executor.threads * Math.max(Math.ceil(rows / (ANSWER_ROWS * executor.threads)), 1));

/** PairLayout and BestListCapacity of the core. */
const layout = (largest: number, rows: number) =>
  largest === 0 ? { rowFloats: 0, cellBytes: rows <= 65_536 ? 6 : 8 } : { rowFloats: 16, cellBytes: 4 };
const bestListCapacity = (k: number) => k + Math.max(48, Math.trunc(k / 4));
/** Small: what other lanes have found is only known of rows that are done. */
const PAIR_SHARDS: ShardSizes = { minWork: 3e6, maxWork: 1e9, maxRows: 65_536 };

/** kPairTile of the core. */
const SQUARE_TILE = 64;

/** What fillPairLists, sumPairSquare and sumPairStrip fill. */
async function placeLists(
  executor: Executor,
  memory: Recycled,
  { documents, matrix }: AllPairsJob,
  rows: number,
  terms: number,
) {
  const order = shared.i32(rows);
  await executor.run({ kernel: "orderByDegree", args: { ...documents, outOrder: order } });
  const largestOfParts = await executor.map(
    parts(rows, executor.threads).map((part) => ({ kernel: "largestWhole", args: { ...documents, ...part } })),
  );
  const largests = largestOfParts.map(({ value }) => value as number);
  const largest = largests.every((value) => value > 0) ? Math.max(...largests) : 0;
  const square = await executor.run({ kernel: "squareRanks", args: { ...documents, order, largest } });
  const squareRanks = square.value as number;
  const strip = await executor.run({ kernel: "stripRanks", args: { ...documents, order, squareRanks } });
  const stripRanks = strip.value as number;
  const places = shared.i32(2 * (terms + 1));
  await executor.map(
    parts(terms, executor.threads).map((part) => ({
      kernel: "planPairs",
      args: {
        ...documents,
        order,
        largest,
        stripRanks,
        ...part,
        outSizes: places.subarray(2 * part.begin + 2, 2 * part.end + 2),
      },
    })),
  );
  await executor.run({ kernel: "sumPairPlaces", args: { places } });
  const { rowFloats, cellBytes } = layout(largest, rows);
  return {
    largest,
    order,
    places,
    head: shared.alignedF32(places[2 * terms]! * rowFloats),
    tail: memory.take("alignedU8", places[2 * terms + 1]! * cellBytes),
    before: memory.take("alignedI32", matrix.nnz),
    squareRanks,
    square: shared.alignedF32(squareRanks * squareRanks),
    stripRanks,
    strip: memory.take("alignedF32", stripRanks * rows),
  };
}

/** All that reads the matrix alone, in one stage: threads that are done with one part take the next. Returns whether the lists apply. */
async function fillLists(
  executor: Executor,
  args: KernelCall["args"] & { squareRanks: number; stripRanks: number },
  terms: number,
): Promise<boolean> {
  const tiles = Math.min(args.squareRanks / SQUARE_TILE, executor.threads);
  const partsOf = (kernel: "sumPairSquare" | "sumPairStrip", number: number): KernelCall[] =>
    Array.from({ length: number }, (_, part) => ({ kernel, args: { ...args, part, parts: number } }));
  const results = await executor.map([
    ...parts(terms, executor.threads).map(
      (part): KernelCall => ({ kernel: "fillPairLists", args: { ...args, ...part } }),
    ),
    ...partsOf("sumPairStrip", args.stripRanks > 0 ? executor.threads : 0),
    ...partsOf("sumPairSquare", tiles),
  ]);
  return results.slice(0, executor.threads).every(({ value }) => value);
}

/** Exact sums, row by row: for products that are sparse all over, as items' are. */
async function pairsByLists(executor: Executor, job: AllPairsJob): Promise<boolean> {
  const { documents, matrix, axis, k, includeSelf, outputs } = job;
  const [rows, terms] = axis === "users" ? [matrix.numUsers, matrix.numItems] : [matrix.numItems, matrix.numUsers];
  const capacity = bestListCapacity(k);
  if (rows * capacity * 8 > MAX_THREAD_BYTES || matrix.nnz >= 2 ** 31) return false;
  const memory = new Recycled();
  const lists = await placeLists(executor, memory, job, rows, terms);
  if (!(await fillLists(executor, { ...documents, ...lists }, terms))) return false;
  const work = shared.f64(rows);
  await executor.map(
    parts(rows, executor.threads).map((part) => ({
      kernel: "pairWork",
      args: { ...documents, ...lists, ...part, outWork: work.subarray(part.begin, part.end) },
    })),
  );
  const shards = await shardsOfWork(work, 3 * executor.threads, PAIR_SHARDS);
  const lanes = Math.min(executor.threads, Math.max(shards.length, 1));
  const best = {
    bestEntries: memory.take("alignedI64", lanes * rows * capacity),
    bestCounts: shared.i32(lanes * rows),
    bestThresholds: shared.f32(lanes * rows),
    bestBounds: shared.f32(rows),
  };
  await executor.map(
    shards.map(({ begin, end }) => ({
      kernel: "addPairs",
      args: { ...documents, ...lists, begin, end, k, includeSelf, bestBounds: best.bestBounds },
    })),
    { name: `similar ${axis}`, weight: (index) => shards[index]!.work },
    {
      laneArgs: (lane) => ({
        bestEntries: best.bestEntries.subarray(lane * rows * capacity, (lane + 1) * rows * capacity),
        bestCounts: best.bestCounts.subarray(lane * rows, (lane + 1) * rows),
        bestThresholds: best.bestThresholds.subarray(lane * rows, (lane + 1) * rows),
      }),
    },
  );
  await executor.map(
    answerParts(executor, rows).map((part) => ({
      kernel: "mergeBestLists",
      args: { order: lists.order, ...best, lanes, ...part, k, ...outputs(part) },
    })),
  );
  memory.giveBack();
  return true;
}

/** CandidateCapacity of the core. */
const candidateCapacity = (k: number) => k + Math.max(48, k);
/** Rows of a group: multiples of the core's block, enough groups that every thread finds two that nobody uses. */
const BLOCK = 4096;
const MAX_GROUP_BLOCKS = 4;

/** Approximate scores of blocks, then exact ones of what may be among the best: where many rows share a few columns. */
async function pairsByTiles(executor: Executor, job: AllPairsJob): Promise<boolean> {
  const { documents, matrix, axis, k, includeSelf, outputs } = job;
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  if (rows * candidateCapacity(k) * 8 > MAX_THREAD_BYTES * executor.threads) return false;
  const candidates = {
    candidateEntries: shared.i32(rows * candidateCapacity(k) * 2),
    candidateCounts: shared.i32(rows),
    candidateKthLower: shared.f32(rows),
    candidateError: shared.f32(rows),
  };
  const blocks = Math.ceil(rows / BLOCK);
  const groupRows = BLOCK * Math.min(Math.max(Math.floor(blocks / (4 * executor.threads)), 1), MAX_GROUP_BLOCKS);
  const groups = shardsOf(rows, groupRows);
  const pairs = groups.flatMap((_, a) => groups.slice(a).map((_, offset) => [a, a + offset] as const));
  const size = (group: number) => groups[group]!.end - groups[group]!.begin;
  const added = await executor.map(
    pairs.map(([a, b]) => ({
      kernel: "addPairTiles",
      args: { ...documents, ...candidates, ...groups[a]!, otherBegin: groups[b]!.begin, otherEnd: groups[b]!.end, k },
    })),
    {
      name: `similar ${axis}`,
      weight: (index) =>
        size(pairs[index]![0]) * size(pairs[index]![1]) * (pairs[index]![0] === pairs[index]![1] ? 0.5 : 1),
    },
    { uses: (index) => pairs[index]! },
  );
  if (!added.every(({ value }) => value)) return false;
  await executor.map(
    answerParts(executor, rows).map((part) => ({
      kernel: "answerPairTiles",
      args: { ...documents, ...candidates, ...part, k, includeSelf, ...outputs(part) },
    })),
  );
  return true;
}
