/** Similarities of all rows with each other, each pair computed once; native/include/couponcast/all_pairs.h. */
import type { ArgValue, KernelCall } from "../executor/call.js";
import { type Executor, type RowRange, shards as shardsOf, shared } from "../executor/executor.js";
import { Recycled } from "../executor/recycled.js";
import { evenRanges, type ShardSizes, shardsOfWork } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import { forEachYielding } from "../util/yield.js";

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
  const { documents, matrix, axis, k } = job;
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  const order = shared.i32(listsFit(job, rows) ? rows : 0);
  const [pays, , ...largests] = await executor.map([
    { kernel: "allPairsPays", args: { ...documents, k } },
    ...(order.length > 0 ? [{ kernel: "orderByDegree", args: { ...documents, outOrder: order } } as const] : []),
    ...evenRanges(order.length, executor.threads).map(
      (part): KernelCall => ({ kernel: "largestWhole", args: { ...documents, ...part } }),
    ),
  ]);
  if (!pays!.value) return pairsByTiles(executor, job);
  const whole = largests.map(({ value }) => value as number);
  const largest = whole.every((value) => value > 0) ? Math.max(0, ...whole) : 0;
  return order.length > 0 && pairsByLists(executor, job, { order, largest });
}

/** Memory of what is found so far, for each thread. */
const MAX_THREAD_BYTES = 200e6;
const ANSWER_ROWS = 8192;

const listsFit = ({ matrix, k }: AllPairsJob, rows: number) =>
  rows * bestListCapacity(k) * 8 <= MAX_THREAD_BYTES &&
  matrix.nnz + (matrix.numUsers + matrix.numItems - rows) * listSpare(rows) < 2 ** 31;

const answerParts = (executor: Executor, rows: number) =>
  evenRanges(rows, executor.threads * Math.max(Math.ceil(rows / (ANSWER_ROWS * executor.threads)), 1));

/** PairLayout, PairListSpare and BestListCapacity of the core. */
const layout = (largest: number) => (largest === 0 ? { rowFloats: 0, cellBytes: 6 } : { rowFloats: 16, cellBytes: 4 });
const listSpare = (rows: number) => Math.trunc(Math.max(rows - 2, 0) / 65_535);
const bestListCapacity = (k: number) => k + Math.max(48, Math.trunc(k / 4));
/** Small: what other lanes have found is only known of rows that are done. */
const PAIR_SHARDS: ShardSizes = { minWork: 3e6, maxWork: 1e9, maxRows: 65_536 };

/** A sum is looked at for an eighth of what adding to it costs. */
const WORK_OF_LOOK = 1 / 8;

/** kPairTile of the core. */
const SQUARE_TILE = 64;

interface Ranks {
  order: Int32Array;
  /** As largestWhole says. */
  largest: number;
}

/** What fillPairLists, sumPairSquare and sumPairStrip fill. */
async function placeLists(
  executor: Executor,
  memory: Recycled,
  { documents, matrix }: AllPairsJob,
  { order, largest }: Ranks,
  terms: number,
) {
  const rows = order.length;
  const dense = await executor.run({ kernel: "denseRanks", args: { ...documents, order, largest } });
  const { squareRanks, stripRanks } = dense.value as { squareRanks: number; stripRanks: number };
  const places = shared.i32(2 * (terms + 1));
  await executor.map(
    evenRanges(terms, executor.threads).map((part) => ({
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
  const { rowFloats, cellBytes } = layout(largest);
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

/**
 * All that reads the matrix alone, in one stage: threads that are done with one part take the next. Returns the work of each
 * rank, or undefined where the lists do not apply.
 */
async function fillLists(
  executor: Executor,
  args: KernelCall["args"] & { squareRanks: number; stripRanks: number },
  rows: number,
  terms: number,
): Promise<Float64Array | undefined> {
  const tiles = Math.min(args.squareRanks / SQUARE_TILE, executor.threads);
  const partsOf = (kernel: "sumPairSquare" | "sumPairStrip", number: number): KernelCall[] =>
    Array.from({ length: number }, (_, part) => ({ kernel, args: { ...args, part, parts: number } }));
  const works: Float64Array[] = [];
  const fills = evenRanges(terms, executor.threads).map((part): KernelCall => {
    works.push(shared.f64(rows));
    return { kernel: "fillPairLists", args: { ...args, ...part, outWork: works.at(-1)! } };
  });
  const results = await executor.map([
    ...fills,
    ...partsOf("sumPairStrip", args.stripRanks > 0 ? executor.threads : 0),
    ...partsOf("sumPairSquare", tiles),
  ]);
  if (!results.slice(0, fills.length).every(({ value }) => value)) return undefined;
  const work = new Float64Array(rows);
  await forEachYielding(rows, (rank) => {
    work[rank] = works.reduce((sum, part) => sum + part[rank]!, rank * WORK_OF_LOOK);
  });
  return work;
}

/** Exact sums, row by row: for products that are sparse all over, as items' are. */
async function pairsByLists(executor: Executor, job: AllPairsJob, ranks: Ranks): Promise<boolean> {
  const { documents, matrix, axis, k, includeSelf, outputs } = job;
  const [rows, terms] = axis === "users" ? [matrix.numUsers, matrix.numItems] : [matrix.numItems, matrix.numUsers];
  const capacity = bestListCapacity(k);
  const memory = new Recycled();
  const lists = await placeLists(executor, memory, job, ranks, terms);
  const work = await fillLists(executor, { ...documents, ...lists }, rows, terms);
  if (work === undefined) return false;
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
