import { type RunOptions, shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import { type KmeansOptions, kmeans } from "./kmeans.js";
import type { UserFeatures } from "./user-features.js";

export interface UserSegments {
  /** [numUsers] segment, largest first; -1 for users without events. */
  labels: Int32Array;
  k: number;
  sizes: number[];
  numUnsegmented: number;
  inertia: number;
  iterations: number;
  converged: boolean;
  /** [k][dims] in standard deviations from the mean of all users with events. */
  centroids: number[][];
}

/**
 * Segments the users with events by K-means on their standardised features. Segments are numbered by size, largest
 * first (ties: by the order K-means found them). With fewer users than k there are as many segments as users.
 */
export async function segmentUsers(features: UserFeatures, options: KmeansOptions & RunOptions): Promise<UserSegments> {
  const { numUsers, dims, points, hasEvents } = features;
  const labels = shared.i32(numUsers).fill(-1);
  const rows: number[] = [];
  await forEachYielding(numUsers, (user) => {
    if (hasEvents[user] === 1) rows.push(user);
  });
  const empty = {
    labels,
    k: 0,
    sizes: [],
    numUnsegmented: numUsers,
    inertia: 0,
    iterations: 0,
    converged: true,
    centroids: [],
  };
  if (rows.length === 0 || dims === 0) return empty;
  let dense = points;
  if (rows.length < numUsers) {
    dense = shared.f32(rows.length * dims);
    await forEachYielding(rows.length, (i) =>
      dense.set(points.subarray(rows[i]! * dims, (rows[i]! + 1) * dims), i * dims),
    );
  }
  const result = await kmeans(dense, dims, { ...options, k: Math.min(options.k, rows.length) });
  const bySize = result.sizes.map((size, c) => ({ size, c })).filter(({ size }) => size > 0);
  bySize.sort((a, b) => b.size - a.size || a.c - b.c);
  const rank = new Map(bySize.map(({ c }, index) => [c, index]));
  await forEachYielding(rows.length, (i) => {
    labels[rows[i]!] = rank.get(result.labels[i]!)!;
  });
  return {
    labels,
    k: bySize.length,
    sizes: bySize.map(({ size }) => size),
    numUnsegmented: numUsers - rows.length,
    inertia: result.inertia,
    iterations: result.iterations,
    converged: result.converged,
    centroids: bySize.map(({ c }) => [...result.centroids.subarray(c * dims, (c + 1) * dims)]),
  };
}
