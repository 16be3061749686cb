import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { integerBetween, numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { copyYielding, forEachYielding } from "../util/yield.js";
import { kDistances, suggestEps } from "./k-distance.js";
import { KdTree, LEAF_POINTS } from "./kd-tree.js";
import { LaneForests } from "./lane-forests.js";

export const DEFAULT_MIN_SAMPLES = 5;
const MAX_EPS = 1e100;

export interface DbscanOptions extends RunOptions {
  /** Points this near are neighbours, > 0; "auto": the knee of the k-distance curve with k = minSamples. */
  eps: number | "auto";
  /** A point with so many neighbours, itself included, is a core point; default 5. */
  minSamples?: number | undefined;
  /** [n] finite; neighbours count with their weight. Negative ones may keep a point from being a core point. */
  weights?: Float64Array | undefined;
}

export interface DbscanResult {
  /** [n] cluster of each point, numbered by their smallest core row; -1 for noise. */
  labels: Int32Array;
  /** [n] 1 for core points. */
  cores: Uint8Array;
  /** [clusters] points of each. */
  sizes: number[];
  numNoise: number;
  eps: number;
  minSamples: number;
  /** [n] the k-distance curve, when eps was "auto". */
  curve: Float64Array | undefined;
}

/**
 * DBSCAN: clusters of core points (with `minSamples` points within `eps`, themselves included) that are connected
 * through each other, with the points within `eps` of them; all others are noise.
 *
 * @param points float32 [n * dims] row-major, finite
 *
 * The labels of scikit-learn: clusters in the order of their smallest core row; a border point within eps of several
 * clusters goes to the one with the smallest number. Distances are Euclidean; sums of squares in float64, compared with eps². The
 * same for any number of threads. No lists of neighbours: memory 4 dims + 16 bytes a point and 5 a thread.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED. Source: Ester et al. 1996; formulas.md, "DBSCAN".
 */
export async function dbscan(points: Float32Array, dims: number, options: DbscanOptions): Promise<DbscanResult> {
  knownOptions("dbscan", options, { ...RUN_OPTIONS, eps: true, minSamples: true, weights: true });
  const minSamples = checkDbscan(options);
  const tree = await KdTree.build(new Executor(options), points, dims);
  const curve = options.eps === "auto" ? await kDistances(tree, Math.min(minSamples, tree.rows)) : undefined;
  const eps = options.eps === "auto" ? kneeOf(curve!) : options.eps;
  return { ...(await dbscanOfTree(tree, eps, minSamples, options.weights)), eps, minSamples, curve };
}

/** @internal The checked number of samples. */
export function checkDbscan(options: DbscanOptions): number {
  const { eps, minSamples = DEFAULT_MIN_SAMPLES } = options;
  if (eps !== "auto") {
    numberBetween("eps", eps, 0, MAX_EPS);
    if (eps === 0) throw invalidArgument("expected eps > 0 but received 0");
  }
  return integerBetween("minSamples", minSamples, 1, 2 ** 31 - 1);
}

/** @internal */
export async function dbscanOfTree(
  tree: KdTree,
  eps: number,
  minSamples: number,
  givenWeights?: Float64Array,
): Promise<Pick<DbscanResult, "labels" | "cores" | "sizes" | "numNoise">> {
  const weights = await checkWeights(givenWeights, tree.rows);
  const cores = await findCores(tree, eps, minSamples, weights);
  const { labels, numClusters } = await findLabels(tree, eps, cores);
  const isCore = await coresByRow(cores, tree.rows, tree.args.order);
  return { labels, cores: isCore, ...(await countLabels(labels, numClusters)) };
}

/** @internal [rows] 1 for core points, from bits by position. */
export async function coresByRow(bits: Int32Array, rows: number, order?: Int32Array): Promise<Uint8Array> {
  const cores = shared.u8(rows);
  await forEachYielding(rows, (at) => {
    cores[order === undefined ? at : order[at]!] = (bits[Math.floor(at / LEAF_POINTS)]! >>> (at % LEAF_POINTS)) & 1;
  });
  return cores;
}

/** @internal */
export async function countLabels(
  labels: Int32Array,
  numClusters: number,
): Promise<{ sizes: number[]; numNoise: number }> {
  const sizes = new Array<number>(numClusters).fill(0);
  let numNoise = 0;
  await forEachYielding(labels.length, (row) => {
    const label = labels[row]!;
    if (label < 0) numNoise++;
    else sizes[label]!++;
  });
  return { sizes, numNoise };
}

/** @internal The suggested eps; an error where there is none. */
export function kneeOf(curve: Float64Array): number {
  const eps = suggestEps(curve);
  if (eps !== undefined) return eps;
  throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "the k-distance curve has no knee to take eps from", {
    field: "eps",
    hint: "The points are too few or too alike: give eps as a number.",
  });
}

async function checkWeights(weights: Float64Array | undefined, rows: number): Promise<Float64Array | undefined> {
  if (weights === undefined) return undefined;
  if (!(weights instanceof Float64Array) || weights.length !== rows) {
    throw invalidArgument(`expected weights as a Float64Array of ${rows} numbers`);
  }
  return weights.buffer instanceof SharedArrayBuffer ? weights : copyYielding(shared.f64(rows), weights);
}

/** Bit s of element l: whether the point in slot s of leaf l is a core point. */
async function findCores(
  tree: KdTree,
  eps: number,
  minSamples: number,
  weights: Float64Array | undefined,
): Promise<Int32Array> {
  const cores = shared.i32(tree.numLeaves);
  await overLeaves(tree, "core points", "dbscanCores", { eps, minSamples, weights, outCores: cores });
  return cores;
}

async function findLabels(
  tree: KdTree,
  eps: number,
  cores: Int32Array,
): Promise<{ labels: Int32Array; numClusters: number }> {
  const { executor, rows, numLeaves } = tree;
  const lanes = await LaneForests.make(executor, rows, tree.ranges().length);
  const joined = lanes.forests.map(() => shared.i32(2 * numLeaves - 1).fill(-1));
  await overLeaves(tree, "clusters", "dbscanLinks", { eps, cores }, (lane) => ({
    forest: lanes.forests[lane]!,
    joined: joined[lane]!,
  }));
  const forest = await lanes.merged();
  const labels = shared.i32(rows);
  const { value } = await executor.run({
    kernel: "numberClusters",
    args: { order: tree.args.order, cores, forest, outLabels: labels },
  });
  await overLeaves(tree, "border points", "dbscanBorders", { eps, cores, labels });
  return { labels, numClusters: value as number };
}

async function overLeaves(
  tree: KdTree,
  name: string,
  kernel: "dbscanCores" | "dbscanLinks" | "dbscanBorders",
  args: Record<string, Int32Array | Float64Array | number | undefined>,
  laneArgs?: (lane: number) => Record<string, Int32Array>,
): Promise<void> {
  const ranges = tree.ranges();
  const calls = ranges.map(({ begin, end }) => ({ kernel, args: { ...tree.args, ...args, begin, end } }));
  const stage = { name, weight: (i: number) => ranges[i]!.end - ranges[i]!.begin };
  await tree.executor.map(calls, stage, laneArgs === undefined ? {} : { laneArgs });
}
