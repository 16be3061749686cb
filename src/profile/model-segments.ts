import type { RunOptions } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import { activePoints } from "./active-points.js";
import { labelsByModel, type SegmentModel } from "./segment-model.js";
import type { UserSegments } from "./segment-users.js";
import { type Stability, stabilitySince } from "./stability.js";
import type { UserFeatures } from "./user-features.js";

export interface ModelSegments extends UserSegments {
  /** Shares of the segments beside those of the users that the model was made from; null when nobody is in one. */
  stability: Stability | null;
}

/** The users with events in the segments of a model, numbered as there; some may be empty. `features` are scaled as it says. */
export async function modelSegments(
  features: UserFeatures,
  model: SegmentModel,
  run: RunOptions,
): Promise<ModelSegments> {
  const { numUsers, dims } = features;
  const { rows, points } = await activePoints(features);
  const k = model.sizes.length;
  const labels = new Int32Array(numUsers).fill(-1);
  const sizes = new Array<number>(k).fill(0);
  let inertia = 0;
  if (rows.length > 0) {
    const found = await labelsByModel(model, points, run);
    inertia = found.inertia;
    await forEachYielding(rows.length, (i) => {
      labels[rows[i]!] = found.labels[i]!;
      sizes[found.labels[i]!]!++;
    });
  }
  return {
    labels,
    k,
    sizes,
    numUnsegmented: numUsers - rows.length,
    inertia,
    iterations: 0,
    converged: true,
    centroids: sizes.map((_, c) => [...model.centroids.subarray(c * dims, (c + 1) * dims)]),
    stability: stabilitySince(model.sizes, sizes),
  };
}
