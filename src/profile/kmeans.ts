import { invalidArgument } from "../errors.js";
import { Executor, type RunOptions, shared } from "../executor/executor.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { Random } from "../util/random.js";
import { DenseKmeans, type KmeansAlgorithm } from "./dense-kmeans.js";
import { firstCentroids, KMEANS_INITS, type KmeansInit } from "./kmeans-init.js";
import {
  checkedCentroids,
  checkedPoints,
  checkedWeights,
  EMPTY_CLUSTERS,
  type EmptyClusters,
  unitRows,
} from "./kmeans-points.js";
import { type LloydResult, lloyd } from "./lloyd.js";

export interface KmeansOptions extends RunOptions {
  /** Clusters, at least 1. With fewer distinct points than k, the surplus clusters stay empty. */
  k: number;
  /** Of every pseudo-random choice; default 1. */
  seed?: number | undefined;
  /** Lloyd iterations at most; default 300. */
  maxIterations?: number | undefined;
  /** Stop when the centroids' summed squared shift is at most this times the mean variance; default 1e-4. */
  tolerance?: number | undefined;
  /** How the first centroids are found; default k-means++. */
  init?: KmeansInit | undefined;
  /** Starts with other choices, of which the one with the smallest inertia is kept (of equal ones the first); default 1. */
  nInit?: number | undefined;
  /** [k * dims] start from these instead. */
  centroids?: Float32Array | undefined;
  /** [n] finite, >= 0: a point counts as so many; default all 1. */
  weights?: Float32Array | undefined;
  /** Points and centroids are scaled to unit length: clusters of directions (cosine). Default false. */
  spherical?: boolean | undefined;
  /** What becomes of a cluster without points; default relocate. */
  emptyClusters?: EmptyClusters | undefined;
  /** How labels are found, never what they are: lloyd measures all distances; default auto. */
  algorithm?: KmeansAlgorithm | undefined;
}

export interface KmeansResult extends LloydResult {
  /** [n] cluster of each point, of equal distances the smaller one. */
  labels: Int32Array;
  /** [k * dims] */
  centroids: Float32Array;
  /** [k] points of each cluster. */
  sizes: number[];
  /** Weighted sum of squared distances to the nearest centroid. */
  inertia: number;
}

/**
 * K-means: centroids c that minimise J = sum_i w_i min_k |x_i - c_k|², by k-means++ and Lloyd's iterations.
 *
 * @param points float32 [n * dims] row-major, finite; copied into shared memory unless it is there already
 * @param dims numbers a point, >= 1
 *
 * Empty clusters: the centroid moves to the point that is farthest from its own centroid, by weight times squared
 * distance (ties: smaller index), which its cluster gives up, unless that would leave it empty; or it stays. The same bytes for any number of threads: sums run over fixed shards in float64. From 24
 * clusters and 8 dimensions on, a filter of byte products and bounds in the manner of Yinyang finds the labels that
 * measuring all distances would find, bit for bit.
 * Cost: at most 3 n k dims flops an iteration; memory 12 n bytes besides the points, n (dims + 76) more with the filter.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: Arthur & Vassilvitskii 2007; Lloyd 1982; Ding et al. 2015; formulas.md, "K-means".
 */
export async function kmeans(points: Float32Array, dims: number, options: KmeansOptions): Promise<KmeansResult> {
  let data = await checkedPoints(points, dims);
  const n = data.length / dims;
  const k = integerBetween("k", options.k, 1, 1_000_000);
  if (k > n) throw invalidArgument(`expected k <= the number of points ${n} but received ${k}`);
  const maxIterations = integerBetween("maxIterations", options.maxIterations ?? 300, 1, 1_000_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 1e-4, 0, Number.MAX_VALUE);
  const seed = integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const nInit = integerBetween("nInit", options.nInit ?? 1, 1, 10_000);
  const init = oneOf("init", options.init ?? "k-means++", KMEANS_INITS);
  const algorithm = oneOf("algorithm", options.algorithm ?? "auto", ["auto", "lloyd", "filtered"] as const);
  const emptyClusters = oneOf("emptyClusters", options.emptyClusters ?? "relocate", EMPTY_CLUSTERS);
  const given = checkedCentroids(options.centroids, k * dims);
  const weights = await checkedWeights(options.weights, n);
  const spherical = options.spherical ?? false;
  if (spherical) data = await unitRows(data, dims);
  const executor = new Executor(options);
  const engine = await DenseKmeans.create(executor, data, dims, k, { weights, spherical, algorithm, emptyClusters });
  const threshold = tolerance === 0 ? 0 : tolerance * (await engine.variance());
  let best: KmeansResult | undefined;
  for (let run = 0; run < (given === undefined ? nInit : 1); run++) {
    const start = given ?? engine.rowsOf(await firstCentroids(engine, init, new Random(seed, run)));
    engine.start(start);
    const found = await lloyd(executor, engine, maxIterations, threshold);
    if (best !== undefined && found.inertia >= best.inertia) continue;
    const labels = nInit === 1 ? engine.labels : shared.i32(n);
    if (nInit > 1) labels.set(engine.labels);
    best = { ...found, labels, centroids: engine.centroids, sizes: engine.sizes };
  }
  return best!;
}
