import { invalidArgument } from "../errors.js";
import { shared } from "../executor/executor.js";
import { integerBetween } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";

/** Points of one kernel call: reductions run over these shards in order, for any number of threads. */
export const KMEANS_SHARD_POINTS = 16_384;

/** Checks the shape of points and puts them into shared memory unless they are there. */
export async function checkedPoints(points: Float32Array, dims: number): Promise<Float32Array> {
  if (!(points instanceof Float32Array)) throw invalidArgument("expected points as a Float32Array");
  integerBetween("dims", dims, 1, 1_000_000);
  if (points.length === 0 || points.length % dims !== 0) {
    throw invalidArgument(`expected a positive multiple of ${dims} numbers in points but received ${points.length}`);
  }
  return points.buffer instanceof SharedArrayBuffer ? points : copyYielding(shared.f32(points.length), points);
}
