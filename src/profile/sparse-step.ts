import { shared } from "../executor/executor.js";
import type { SparsePoints } from "./sparse-points.js";

/** Items of a sum in float64: kSparseKmeansShard of the kernel. */
export const SHARD_ITEMS = 2048;
/** Users of a part that a call takes, and how many counters say which are taken: as in the kernel. */
const PART_USERS = 1024;
const COUNTERS = 6;

/** What the calls of an iteration share. */
export interface SharedStep {
  counters: Int32Array;
  /** [calls * k] users of each cluster. */
  counts: BigInt64Array;
  /** [shards * k] each. */
  norms: Float64Array;
  shifts: Float64Array;
  products: Float64Array;
}

/** For a call a thread, if there are parts for so many. */
export function sharedStep({ matrix, k, executor }: SparsePoints): SharedStep {
  const numShards = Math.ceil(matrix.numItems / SHARD_ITEMS);
  const calls = Math.min(executor.threads, Math.max(Math.ceil(matrix.numUsers / PART_USERS), numShards));
  const perShard = () => shared.f64(numShards * k);
  return {
    counters: shared.i32(COUNTERS),
    counts: shared.i64(calls * k),
    norms: perShard(),
    shifts: perShard(),
    products: perShard(),
  };
}

/** What the sums of clusters count times for their means. */
export function scaleOf(totals: readonly number[]): Float64Array {
  return Float64Array.from(totals, (total) => (total > 0 ? 1 / total : 0));
}

/** [k] from parts of [.. * k], in their order: of shards, the same bytes for any number of threads. */
export function summed(k: number, ...parts: ArrayLike<number>[]): Float64Array {
  const sums = new Float64Array(k);
  for (const part of parts) for (let i = 0; i < part.length; i++) sums[i % k]! += part[i]!;
  return sums;
}
