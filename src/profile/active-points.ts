/** What every way to segments shares: points of the users with events only, and segments numbered by size. */
import { shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import type { UserFeatures } from "./user-features.js";

/** The users with events, ascending, and their points [rows.length * dims]. */
export async function activePoints(features: UserFeatures): Promise<{ rows: number[]; points: Float32Array }> {
  const { numUsers, dims, points, hasEvents } = features;
  const rows: number[] = [];
  await forEachYielding(numUsers, (user) => {
    if (hasEvents[user] === 1) rows.push(user);
  });
  if (rows.length === numUsers) return { rows, points };
  const dense = shared.f32(rows.length * dims);
  await forEachYielding(rows.length, (i) =>
    dense.set(points.subarray(rows[i]! * dims, (rows[i]! + 1) * dims), i * dims),
  );
  return { rows, points: dense };
}

export interface SegmentsBySize {
  /** [numUsers] segment, largest first; -1 for users in none. */
  labels: Int32Array;
  k: number;
  sizes: number[];
  /** Users in no segment. */
  numUnsegmented: number;
}

/**
 * Clusters of some rows as segments of all users, the largest first (ties: the smaller cluster); empty ones are left
 * out, and clusters of -1 are no segment.
 *
 * @param rows the user behind each element of `labels`
 * @returns also the cluster that each segment was
 */
export async function segmentsBySize(
  numUsers: number,
  rows: ArrayLike<number> | undefined,
  labels: Int32Array,
  sizes: readonly number[],
): Promise<{ segments: SegmentsBySize; clusters: number[] }> {
  const bySize = sizes.map((size, c) => ({ size, c })).filter(({ size }) => size > 0);
  bySize.sort((a, b) => b.size - a.size || a.c - b.c);
  const rank = new Int32Array(sizes.length);
  for (const [segment, { c }] of bySize.entries()) rank[c] = segment;
  const ofUsers = shared.i32(numUsers).fill(-1);
  let numSegmented = 0;
  await forEachYielding(labels.length, (i) => {
    const label = labels[i]!;
    if (label < 0) return;
    ofUsers[rows?.[i] ?? i] = rank[label]!;
    numSegmented++;
  });
  return {
    segments: {
      labels: ofUsers,
      k: bySize.length,
      sizes: bySize.map(({ size }) => size),
      numUnsegmented: numUsers - numSegmented,
    },
    clusters: bySize.map(({ c }) => c),
  };
}

/** Mean of the points with each label; -1 is none. Sums run in the order of the points, in float64. */
export async function meansOf(
  points: Float32Array,
  dims: number,
  labels: Int32Array,
  sizes: readonly number[],
): Promise<number[][]> {
  const sums = new Float64Array(sizes.length * dims);
  await forEachYielding(labels.length, (row) => {
    const label = labels[row]!;
    for (let d = 0; label >= 0 && d < dims; d++) sums[label * dims + d]! += points[row * dims + d]!;
  });
  return sizes.map((size, c) => Array.from({ length: dims }, (_, d) => sums[c * dims + d]! / size));
}
