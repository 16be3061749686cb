import { forEachYielding } from "../util/yield.js";
import { principalAxes } from "./principal-axes.js";

/** Segments in the plane in which users differ most. */
export interface SegmentMap {
  /** [features] how much of each feature is in the first and in the second axis, -1..1. */
  loadings: { feature: string; first: number; second: number }[];
  /** Share of the variance of all features along each axis. */
  shares: [number, number];
  /** A sample of the users; segment -1: in none. */
  points: { x: number; y: number; segment: number }[];
  /** Users that the points were drawn from. */
  numUsers: number;
}

/** Users that axes are found by. */
const MAX_SAMPLE = 20_000;
/** Users drawn: every point is about 30 bytes of the report. */
const MAX_POINTS = 2000;

/**
 * Projects users on the first two principal axes of their features. Both samples are spread evenly over the rows, so
 * the same users are drawn each time. Undefined with less than two features or without users that have data.
 * `points` [numUsers * features] scaled, `labels` [numUsers] -1: in none, `active` [numUsers] 0: no data.
 * Cost: O(numUsers + 20,000 features^2), with turns for others in between.
 */
export async function segmentMap(
  features: readonly string[],
  points: ArrayLike<number>,
  labels: ArrayLike<number>,
  active: ArrayLike<number>,
): Promise<SegmentMap | undefined> {
  const dims = features.length;
  const users: number[] = [];
  await forEachYielding(labels.length, (user) => {
    if (active[user] !== 0) users.push(user);
  });
  if (dims < 2 || users.length === 0) return undefined;
  const sample = spread(users, MAX_SAMPLE);
  const rows = new Float64Array(sample.length * dims);
  for (const [row, user] of sample.entries()) {
    for (let d = 0; d < dims; d++) rows[row * dims + d] = points[user * dims + d]!;
  }
  const { means, axes, shares } = await principalAxes(rows, dims, 2);
  const [first, second] = axes as [Float64Array, Float64Array];
  const along = (axis: Float64Array, user: number) =>
    axis.reduce((sum, weight, d) => sum + weight * (points[user * dims + d]! - means[d]!), 0);
  return {
    loadings: features.map((feature, d) => ({ feature, first: first[d]!, second: second[d]! })),
    shares: shares as [number, number],
    points: spread(sample, MAX_POINTS).map((user) => ({
      x: along(first, user),
      y: along(second, user),
      segment: labels[user]!,
    })),
    numUsers: users.length,
  };
}

/** At most `count` of the rows, evenly spread. */
function spread(rows: readonly number[], count: number): readonly number[] {
  if (rows.length <= count) return rows;
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]!);
}
