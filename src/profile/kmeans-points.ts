import { invalidArgument } from "../errors.js";
import { shared } from "../executor/executor.js";
import { integerBetween } from "../util/arguments.js";
import { copyYielding, forEachYielding } from "../util/yield.js";

export const EMPTY_CLUSTERS = ["relocate", "keep"] as const;
/** What becomes of a cluster without points: its centroid moves to the point farthest from its own centroid, or stays. */
export type EmptyClusters = (typeof EMPTY_CLUSTERS)[number];

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

export function checkedCentroids(centroids: Float32Array | undefined, length: number): Float32Array | undefined {
  if (centroids === undefined) return undefined;
  if (!(centroids instanceof Float32Array) || centroids.length !== length || !centroids.every(Number.isFinite)) {
    throw invalidArgument(`expected ${length} finite numbers in centroids`);
  }
  return centroids;
}

/** A copy in shared memory. */
export async function checkedWeights(weights: Float32Array | undefined, n: number): Promise<Float32Array | undefined> {
  if (weights === undefined) return undefined;
  if (!(weights instanceof Float32Array) || weights.length !== n) {
    throw invalidArgument(`expected weights as a Float32Array of ${n} numbers`);
  }
  const copy = shared.f32(n);
  let positive = false;
  await forEachYielding(n, (i) => {
    const weight = weights[i]!;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw invalidArgument(`expected finite weights >= 0 but received ${weight} at ${i}`);
    }
    copy[i] = weight;
    positive ||= weight > 0;
  });
  if (!positive) throw invalidArgument("expected weights of which one is above 0");
  return copy;
}

/** The points at unit length; those at 0 stay. */
export async function unitRows(points: Float32Array, dims: number): Promise<Float32Array> {
  const rows = shared.f32(points.length);
  rows.set(points);
  await forEachYielding(points.length / dims, (i) => toUnitLength(rows.subarray(i * dims, (i + 1) * dims)));
  return rows;
}

export function toUnitLength(row: Float32Array): void {
  let squares = 0;
  for (const value of row) squares += value * value;
  if (squares > 0) for (let d = 0; d < row.length; d++) row[d] = row[d]! / Math.sqrt(squares);
}
