import { forEachYielding } from "../util/yield.js";
import type { RowRange } from "./executor.js";

export interface ShardSizes {
  minWork: number;
  maxWork: number;
  maxRows: number;
}

/** At most `calls` ranges of [0, rows), of whole `unit`s, for calls whose results do not depend on how it is cut. */
export function evenRanges(rows: number, calls: number, unit = 1): RowRange[] {
  const units = Math.ceil(rows / unit);
  const cuts = Array.from({ length: calls + 1 }, (_, call) =>
    Math.min(Math.round((call * units) / calls) * unit, rows),
  );
  return cuts.slice(1).flatMap((end, call) => (end > cuts[call]! ? [{ begin: cuts[call]!, end }] : []));
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
  await forEachYielding(work.length, (row) => {
    sum += work[row]! + 1;
    if (sum < target && row + 1 - begin < maxRows && row + 1 < work.length) return;
    shards.push({ begin, end: row + 1, work: sum });
    begin = row + 1;
    sum = 0;
  });
  return shards;
}
