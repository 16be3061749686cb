import { invalidArgument } from "../errors.js";
import type { ArgValue, KernelCall } from "../executor/call.js";
import { type Executor, shared } from "../executor/executor.js";
import type { BasketFile } from "../store/baskets.js";
import { Matrix } from "../store/matrix.js";
import { fieldsOf, integerBetween } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";

/** Baskets in rows: items of basket b are items[indptr[b]] ... items[indptr[b + 1] - 1], ascending, each once. */
export interface Baskets {
  /** int64 [baskets + 1] from 0, ascending. */
  indptr: BigInt64Array;
  /** int32 [indptr[baskets]] in [0, numItems). */
  items: Int32Array;
  numItems: number;
}

/** Baskets as kernel arguments: views of shared memory, or of a mapped file. */
export interface BasketInput {
  args: { indptr: ArgValue; items: ArgValue; numItems: number };
  numBaskets: number;
  numCells: number;
  numItems: number;
}

/** A matrix stands for one basket a user: the items of its cells, whatever their value. */
export async function basketInput(baskets: Baskets | BasketFile | Matrix): Promise<BasketInput> {
  if (baskets instanceof Matrix) {
    const { $matrix: path } = baskets.ref();
    return {
      args: {
        indptr: { $file: path, tensor: "csr.indptr" },
        items: { $file: path, tensor: "csr.indices" },
        numItems: Math.max(baskets.numItems, 1),
      },
      numBaskets: baskets.numUsers,
      numCells: baskets.nnz,
      numItems: Math.max(baskets.numItems, 1),
    };
  }
  fieldsOf("baskets", baskets);
  if ("args" in baskets) {
    const { args, numBaskets, numCells } = baskets;
    const numItems = Math.max(baskets.numItems, 1);
    return { args: { ...args, numItems }, numBaskets, numCells, numItems };
  }
  const { indptr, items, numItems } = baskets;
  if (!(indptr instanceof BigInt64Array) || !(items instanceof Int32Array)) {
    throw invalidArgument("expected indptr as a BigInt64Array and items as an Int32Array");
  }
  integerBetween("numItems", numItems, 1, 2 ** 31 - 1);
  if (indptr.length === 0 || indptr[0] !== 0n || indptr[indptr.length - 1] !== BigInt(items.length)) {
    throw invalidArgument(`expected indptr to run from 0 to the number of items ${items.length}`);
  }
  const inShared = async <T extends BigInt64Array | Int32Array>(array: T, make: (length: number) => T) =>
    array.buffer instanceof SharedArrayBuffer ? array : await copyYielding(make(array.length), array as never);
  return {
    args: {
      indptr: await inShared<BigInt64Array>(indptr, shared.i64),
      items: await inShared<Int32Array>(items, shared.i32),
      numItems,
    },
    numBaskets: indptr.length - 1,
    numCells: items.length,
    numItems,
  };
}

/** Frequent items by rank, rising support; native/include/couponcast/itemsets.h. */
export interface RankedBaskets {
  args: KernelCall["args"];
  /** [ranks] baskets that hold the item of each rank. */
  supports: Float64Array;
  /** Baskets of more than maxBasketItems items. */
  numTooLong: number;
}

/** Each has counts for all items, so not too many. */
const MAX_SHARDS = 16;
/** Fewer are not worth a message. */
const MIN_CELLS_PER_SHARD = 200_000;
/** For progress and balance. */
const MAX_CELLS_PER_SHARD = 4_000_000;

export interface RankOptions {
  minCount: number;
  maxBasketItems: number;
  /** Whether baskets with more are an error, or left out. */
  refuseLongBaskets: boolean;
}

/** Counts the items, and writes the baskets as ascending ranks with the places where each rank occurs. */
export async function rankBaskets(
  executor: Executor,
  input: BasketInput,
  { minCount, maxBasketItems, refuseLongBaskets }: RankOptions,
): Promise<RankedBaskets> {
  const { numBaskets, numCells, numItems } = input;
  const wanted = Math.max(
    Math.min(executor.threads, Math.ceil(numCells / MIN_CELLS_PER_SHARD)),
    Math.ceil(numCells / MAX_CELLS_PER_SHARD),
  );
  const numShards = Math.max(1, Math.min(MAX_SHARDS, numBaskets, wanted));
  const ranges = Array.from({ length: numShards }, (_, shard) => ({
    begin: Math.floor((numBaskets * shard) / numShards),
    end: Math.floor((numBaskets * (shard + 1)) / numShards),
  }));
  const refuse = (numTooLong: number) => {
    if (!refuseLongBaskets || numTooLong === 0) return;
    throw invalidArgument(
      `expected baskets of at most ${maxBasketItems} items but ${numTooLong} of ${numBaskets} have more`,
      { field: "maxBasketItems", hint: 'raise the limit, or leave such baskets out with longBaskets: "leave-out"' },
    );
  };
  const itemOfRank = shared.i32(numItems);
  const rankBegin = shared.i64(numItems + 1);
  const occurrences = shared.i32(numCells);
  const ranks = shared.i32(numCells + numBaskets);
  const rankArgs = (shard: number) => ({
    ...input.args,
    ...ranges[shard]!,
    maxBasketItems,
    shard,
    minCount,
    // All shards find the same: one tells.
    outItemOfRank: shard === 0 ? itemOfRank : itemOfRank.subarray(0, 0),
    outRankBegin: shard === 0 ? rankBegin : rankBegin.subarray(0, 0),
    outRanks: ranks,
    outOccurrences: occurrences,
  });
  let numTooLong: number;
  let numRanks: number;
  if (numShards === 1) {
    const { value } = await executor.run({ kernel: "countAndRankBaskets", args: rankArgs(0) });
    ({ numTooLong, numRanks } = value as { numTooLong: number; numRanks: number });
    refuse(numTooLong);
  } else {
    const shardCounts = shared.i32(numShards * numItems);
    const counted = await executor.map(
      ranges.map((range, shard) => {
        const outCounts = shardCounts.subarray(shard * numItems, (shard + 1) * numItems);
        return { kernel: "countBasketItems", args: { ...input.args, ...range, maxBasketItems, outCounts } };
      }),
      { name: "counting items" },
    );
    numTooLong = counted.reduce((sum, { value }) => sum + (value as number), 0);
    refuse(numTooLong);
    const [ranked] = await executor.map(
      ranges.map((_, shard) => ({ kernel: "rankBaskets", args: { ...rankArgs(shard), shardCounts } })),
      { name: "ranking items" },
    );
    numRanks = ranked!.value as number;
  }
  const ofRanks = rankBegin.subarray(0, numRanks + 1);
  const numOccurrences = Number(ofRanks[numRanks]!);
  return {
    args: {
      ranks,
      occurrences: occurrences.subarray(0, numOccurrences),
      rankBegin: ofRanks,
      itemOfRank: itemOfRank.subarray(0, numRanks),
    },
    supports: Float64Array.from({ length: numRanks }, (_, rank) => Number(ofRanks[rank + 1]! - ofRanks[rank]!)),
    numTooLong,
  };
}
