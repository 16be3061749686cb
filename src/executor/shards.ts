import { forEachYielding, yieldToEventLoop } from "../util/yield.js";
import type { RowRange } from "./executor.js";

export interface ShardSizes {
  minWork: number;
  maxWork: number;
  maxRows: number;
}

/** Splits rows into a number of consecutive ranges of about the same work. */
export function equalShards(work: Float64Array, number: number): Promise<(RowRange & { work: number })[]> {
  return cut(work, (total) => total / number, work.length);
}

/** More than one a thread, for balance and progress. */
const SHARDS_PER_THREAD = 6;

/** Splits rows into consecutive ranges of about the same work; `work` is that of each row. */
export function shardsOfWork(
  work: Float64Array,
  threads: number,
  { minWork, maxWork, maxRows }: ShardSizes,
): Promise<(RowRange & { work: number })[]> {
  const target = (total: number) => Math.min(Math.max(total / (threads * SHARDS_PER_THREAD), minWork), maxWork);
  return cut(work, target, maxRows);
}

async function cut(
  work: Float64Array,
  workOfShard: (total: number) => number,
  maxRows: number,
): Promise<(RowRange & { work: number })[]> {
  let total = 0;
  await forEachYielding(work.length, (row) => {
    total += work[row]!;
  });
  const target = workOfShard(total + work.length);
  const shards: (RowRange & { work: number })[] = [];
  let begin = 0;
  let sum = 0;
  for (let row = 0; row < work.length; row++) {
    sum += work[row]! + 1;
    if (sum >= target || row + 1 - begin === maxRows || row + 1 === work.length) {
      shards.push({ begin, end: row + 1, work: sum });
      begin = row + 1;
      sum = 0;
      // A pass over millions of rows must not hold up the event loop.
      await yieldToEventLoop();
    }
  }
  return shards;
}
