import type { RunOptions } from "../executor/executor.js";
import { activePoints, type SegmentsBySize, segmentsBySize } from "./active-points.js";
import type { KCriterion } from "./choice-of-k.js";
import { chooseK, type KChoice } from "./choose-k.js";
import { type DenseClusterOptions, denseClusters } from "./dense-clusters.js";
import type { Stability } from "./stability.js";
import type { UserFeatures } from "./user-features.js";

export interface UserSegments extends SegmentsBySize {
  inertia: number;
  iterations: number;
  converged: boolean;
  /** [k][dims] in standard deviations from the mean of all users with events. */
  centroids: number[][];
  /** How k was chosen, where it was to be. */
  choice?: KChoice;
  /** Where the segments are those of a model: how their shares have moved since. */
  stability?: Stability | null;
}

export interface SegmentUsersOptions extends RunOptions, Omit<DenseClusterOptions, "k" | "weights"> {
  k: number | "auto";
  /** Of k auto: from and to. */
  kRange?: readonly [number, number] | undefined;
  /** Of k auto. */
  criterion?: KCriterion | undefined;
  /** [numUsers] what a user counts as; default all 1. */
  weights?: Float32Array | undefined;
}

/** Fewer users are one segment: no silhouette tells how many they are. */
export const MIN_USERS_TO_CHOOSE = 3;

/**
 * Segments the users with events by K-means on their standardised features. Segments are numbered by size, largest
 * first (ties: by the order K-means found them). With fewer users than k there are as many segments as users, unless
 * `centroids` say where to start. k auto: chosen by chooseK.
 */
export async function segmentUsers(features: UserFeatures, options: SegmentUsersOptions): Promise<UserSegments> {
  const { numUsers, dims } = features;
  const { rows, points } = await activePoints(features);
  if (rows.length === 0 || dims === 0) {
    const { segments } = await segmentsBySize(numUsers, [], new Int32Array(0), []);
    return { ...segments, inertia: 0, iterations: 0, converged: true, centroids: [] };
  }
  const { k: wanted, kRange, criterion, centroids, ...settings } = options;
  const weights = settings.weights && Float32Array.from(rows, (user) => settings.weights![user]!);
  const run = { ...settings, weights };
  const choice =
    wanted === "auto" && rows.length >= MIN_USERS_TO_CHOOSE
      ? await chooseK(points, dims, { ...run, criterion, minK: kRange?.[0], maxK: kRange?.[1] })
      : undefined;
  const k = choice?.k ?? (wanted === "auto" ? 1 : wanted);
  const result = await denseClusters(points, dims, {
    ...run,
    centroids,
    k: centroids === undefined ? Math.min(k, rows.length) : k,
  });
  const { segments, clusters } = await segmentsBySize(numUsers, rows, result.labels, result.sizes);
  return {
    ...segments,
    inertia: result.inertia,
    iterations: result.iterations,
    converged: result.converged,
    ...(choice === undefined ? {} : { choice }),
    centroids: clusters.map((c) => [...result.centroids.subarray(c * dims, (c + 1) * dims)]),
  };
}
