import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { integerBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { KdTree } from "./kd-tree.js";

export interface KDistanceOptions extends RunOptions {
  /** Which nearest point, the point itself being the first; default 5, the default of DBSCAN's minSamples. */
  k?: number | undefined;
}

/**
 * The k-distance curve: for each point the distance to its k-th nearest one, itself included, in ascending order.
 *
 * @param points float32 [n * dims] row-major, finite
 * @returns float64 [n]
 *
 * With k = minSamples, the share of values up to eps is the share of core points of DBSCAN with that eps. Exact, the same for
 * any number of threads. Memory: 8 n bytes besides the tree.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED. Source: Ester et al. 1996.
 */
export async function kDistanceCurve(
  points: Float32Array,
  dims: number,
  options: KDistanceOptions = {},
): Promise<Float64Array> {
  const executor = new Executor(knownOptions("kDistanceCurve", options, { ...RUN_OPTIONS, k: true }));
  return kDistances(await KdTree.build(executor, points, dims), options.k ?? 5);
}

/** @internal */
export async function kDistances(tree: KdTree, k: number): Promise<Float64Array> {
  integerBetween("k", k, 1, tree.rows);
  const distances = shared.f64(tree.rows);
  const ranges = tree.ranges();
  const calls = ranges.map(({ begin, end }) => ({
    kernel: "kthDistances" as const,
    args: { ...tree.args, k, begin, end, outDistances: distances },
  }));
  await tree.executor.map(calls, { name: "k-distances", weight: (i) => ranges[i]!.end - ranges[i]!.begin });
  await tree.executor.run({ kernel: "sortAscending", args: { values: distances } });
  return distances;
}

/**
 * The knee of a k-distance curve, where distances begin to rise steeply: a value of eps that keeps the dense points
 * together and leaves the others out. Of the positive distances, the one farthest below the straight line from the first
 * to the last (ties: the smaller). Undefined where there is none: fewer than three different positive distances.
 *
 * @param curve ascending
 *
 * A suggestion, not an estimate: look at the curve. Source: Satopää et al. 2011 (Kneedle, without smoothing).
 */
export function suggestEps(curve: Float64Array): number | undefined {
  if (!(curve instanceof Float64Array)) throw invalidArgument("expected the curve as a Float64Array");
  const start = firstPositive(curve);
  const first = curve[start];
  const last = curve.at(-1);
  if (first === undefined || last === undefined || !(last > first)) return undefined;
  const steps = curve.length - 1 - start;
  let best = 0;
  let knee: number | undefined;
  for (let i = start; i < curve.length; i++) {
    const below = (i - start) / steps - (curve[i]! - first) / (last - first);
    if (below > best) {
      best = below;
      knee = curve[i]!;
    }
  }
  return knee;
}

function firstPositive(curve: Float64Array): number {
  let low = 0;
  let high = curve.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (curve[middle]! > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
