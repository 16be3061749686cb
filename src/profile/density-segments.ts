import { Executor, type RunOptions } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { forEachYielding } from "../util/yield.js";
import { activePoints, meansOf, type SegmentsBySize, segmentsBySize } from "./active-points.js";
import { type CosineDbscanOptions, cosineDbscan } from "./cosine-dbscan.js";
import { checkDbscan, type DbscanOptions, DEFAULT_MIN_SAMPLES, dbscanOfTree, kneeOf } from "./dbscan.js";
import { kDistances } from "./k-distance.js";
import { KdTree } from "./kd-tree.js";
import type { UserFeatures } from "./user-features.js";

export interface DensitySegments extends SegmentsBySize {
  metric: "euclidean" | "cosine";
  eps: number;
  minSamples: number;
  /** Users with events who are in no segment. */
  numNoise: number;
  /** Of euclidean distances, the k-distance curve at evenly spaced ranks: share of the users up to there, and the distance. */
  curve: { share: number; distance: number }[];
  /** [k][dims] means of the segments' points. */
  centroids: number[][];
}

const CURVE_POINTS = 256;

/**
 * Segments the users with events by DBSCAN on their standardised features. Segments are numbered by size, largest
 * first (ties: by the smallest core user). Without users there are no segments. Errors: as dbscan.
 */
export async function densitySegments(
  features: UserFeatures,
  options: Pick<DbscanOptions, "eps" | "minSamples"> & RunOptions,
): Promise<DensitySegments> {
  const minSamples = checkDbscan(options);
  const { numUsers, dims } = features;
  const { rows, points } = await activePoints(features);
  if (rows.length === 0 || dims === 0) {
    const { segments } = await segmentsBySize(numUsers, [], new Int32Array(0), []);
    return { ...segments, metric: "euclidean", eps: 0, minSamples, numNoise: rows.length, curve: [], centroids: [] };
  }
  const tree = await KdTree.build(new Executor(options), points, dims);
  const curve = await kDistances(tree, Math.min(minSamples, rows.length));
  const eps = options.eps === "auto" ? kneeOf(curve) : options.eps;
  const { labels, sizes, numNoise } = await dbscanOfTree(tree, eps, minSamples);
  const { segments, clusters } = await segmentsBySize(numUsers, rows, labels, sizes);
  const means = await meansOf(points, dims, labels, sizes);
  return {
    ...segments,
    metric: "euclidean",
    eps,
    minSamples,
    numNoise,
    curve: sampled(curve),
    centroids: clusters.map((c) => means[c]!),
  };
}

/**
 * The same by the cosine of the users' rows in the matrix, whose users are those of `features`; features only describe the
 * segments. Errors: as cosineDbscan.
 */
export async function cosineSegments(
  matrix: Matrix,
  { points, dims, hasEvents }: UserFeatures,
  options: Pick<CosineDbscanOptions, "eps" | "minSamples"> & RunOptions,
): Promise<DensitySegments> {
  const { labels, sizes } = await cosineDbscan(matrix, options);
  const { segments, clusters } = await segmentsBySize(matrix.numUsers, undefined, labels, sizes);
  const means = await meansOf(points, dims, labels, sizes);
  let numNoise = 0;
  await forEachYielding(labels.length, (row) => {
    if (labels[row]! < 0 && hasEvents[row] === 1) numNoise++;
  });
  return {
    ...segments,
    metric: "cosine",
    eps: options.eps,
    minSamples: options.minSamples ?? DEFAULT_MIN_SAMPLES,
    numNoise,
    curve: [],
    centroids: clusters.map((c) => means[c]!),
  };
}

function sampled(curve: Float64Array): DensitySegments["curve"] {
  const last = curve.length - 1;
  const count = Math.min(CURVE_POINTS, curve.length);
  return Array.from({ length: count }, (_, i) => {
    const rank = count === 1 ? 0 : Math.round((i * last) / (count - 1));
    return { share: (rank + 1) / curve.length, distance: curve[rank]! };
  });
}
