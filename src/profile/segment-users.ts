import type { RunOptions } from "../executor/executor.js";
import { activePoints, type SegmentsBySize, segmentsBySize } from "./active-points.js";
import { type KmeansOptions, kmeans } from "./kmeans.js";
import type { UserFeatures } from "./user-features.js";

export interface UserSegments extends SegmentsBySize {
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
  const { numUsers, dims } = features;
  const { rows, points } = await activePoints(features);
  if (rows.length === 0 || dims === 0) {
    const { segments } = await segmentsBySize(numUsers, [], new Int32Array(0), []);
    return { ...segments, inertia: 0, iterations: 0, converged: true, centroids: [] };
  }
  const result = await kmeans(points, dims, { ...options, k: Math.min(options.k, rows.length) });
  const { segments, clusters } = await segmentsBySize(numUsers, rows, result.labels, result.sizes);
  return {
    ...segments,
    inertia: result.inertia,
    iterations: result.iterations,
    converged: result.converged,
    centroids: clusters.map((c) => [...result.centroids.subarray(c * dims, (c + 1) * dims)]),
  };
}
