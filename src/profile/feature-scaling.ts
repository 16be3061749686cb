import { forEachYielding } from "../util/yield.js";

export const SCALES = ["log", "standard", "none"] as const;
/** log: ln(1 + x) and then standard; standard: mean 0, variance 1. */
export type Scale = (typeof SCALES)[number];

/** How raw features become the coordinates of points; learned once, and applied to later users as it is. */
export interface FeatureScaling {
  scale: Scale;
  names: string[];
  /** [dims] of the transformed feature; what a missing value counts as. */
  means: Float64Array;
  /** [dims] standard deviation of the transformed feature; 0: it is constant and tells nobody apart. */
  deviations: Float64Array;
}

/** Below this, what differs is rounding. */
const CONSTANT = 1e-12;

/**
 * A raw value before means and deviations, rounded to float32, as points are; NaN stays NaN. ln(1 + x) of a negative
 * number says nothing: it counts as 0.
 */
export function transformed(scale: Scale, value: number): number {
  return Math.fround(scale === "log" ? Math.log1p(Math.max(value, 0)) : value);
}

/**
 * Means and deviations of transformed features over the active rows, a missing value (NaN) counting as the mean.
 * Sums run in row order in float64.
 *
 * @param points float32 [n * dims] transformed
 * @param active [n] 1: the row counts
 */
export async function fitScaling(
  scale: Scale,
  names: string[],
  points: Float32Array,
  active: Uint8Array,
): Promise<FeatureScaling> {
  const dims = names.length;
  const sums = new Float64Array(dims);
  const counts = new Float64Array(dims);
  let numActive = 0;
  await forEachYielding(active.length, (row) => {
    if (active[row] === 0) return;
    numActive++;
    for (let d = 0; d < dims; d++) {
      const value = points[row * dims + d]!;
      if (Number.isNaN(value)) continue;
      sums[d]! += value;
      counts[d]!++;
    }
  });
  const means = sums.map((sum, d) => (counts[d]! > 0 ? sum / counts[d]! : 0));
  const squares = new Float64Array(dims);
  await forEachYielding(active.length, (row) => {
    if (active[row] === 0) return;
    for (let d = 0; d < dims; d++) {
      const value = points[row * dims + d]!;
      if (!Number.isNaN(value)) squares[d]! += (value - means[d]!) ** 2;
    }
  });
  const deviations = squares.map((square) => {
    const deviation = Math.sqrt(square / Math.max(numActive, 1));
    return deviation > CONSTANT ? deviation : 0;
  });
  return { scale, names, means, deviations };
}

/** Transformed features become points, in place: z-scores, or the plain values where the scale is none. */
export async function applyScaling(scaling: FeatureScaling, points: Float32Array): Promise<void> {
  const { scale, means, deviations } = scaling;
  const dims = means.length;
  await forEachYielding(dims === 0 ? 0 : points.length / dims, (row) => {
    for (let d = 0; d < dims; d++) {
      const at = row * dims + d;
      const known = Number.isNaN(points[at]) ? means[d]! : points[at]!;
      if (scale === "none") points[at] = known;
      else points[at] = deviations[d] === 0 ? 0 : (known - means[d]!) / deviations[d]!;
    }
  });
}
