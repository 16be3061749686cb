import { Executor, shared } from "../executor/executor.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { Random } from "../util/random.js";
import { CLUSTER_OPTIONS, type ClusterOptions, checkedClusterOptions } from "./cluster-options.js";
import { DenseKmeans, type KmeansAlgorithm } from "./dense-kmeans.js";
import { firstCentroids } from "./kmeans-init.js";
import { EMPTY_CLUSTERS, type EmptyClusters } from "./kmeans-points.js";
import { type LloydResult, lloyd } from "./lloyd.js";

export interface KmeansOptions extends ClusterOptions {
  /** Lloyd iterations at most; default 300. */
  maxIterations?: number | undefined;
  /** Stop when the centroids' summed squared shift is at most this times the mean variance, to which points count by weight; default 1e-4. */
  tolerance?: number | undefined;
  /** What becomes of a cluster without points; default relocate. */
  emptyClusters?: EmptyClusters | undefined;
  /** How labels are found, never what they are: lloyd measures all distances; default auto. */
  algorithm?: KmeansAlgorithm | undefined;
}

/** For knownOptions. */
export const KMEANS_OPTIONS = {
  ...CLUSTER_OPTIONS,
  maxIterations: true,
  tolerance: true,
  emptyClusters: true,
  algorithm: true,
};

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
 * distance (ties: smaller index), which its cluster gives up, unless that would leave it empty; or it stays. The same bytes for any number of threads: sums are in fixed point. From 24
 * clusters and 8 dimensions on, a filter of byte products and bounds in the manner of Hamerly (from 257 on, of Yinyang) finds the labels that
 * measuring all distances would find, bit for bit.
 * Cost: at most 3 n k dims flops an iteration; memory 12 n bytes besides the points, n (dims + 16) more with the filter (with
 * bounds by group n (dims + 76)), which the next call writes to if the garbage collector has not taken it by then.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: Arthur & Vassilvitskii 2007; Lloyd 1982; Hamerly 2010; Ding et al. 2015; formulas.md, "K-means".
 */
export async function kmeans(points: Float32Array, dims: number, options: KmeansOptions): Promise<KmeansResult> {
  knownOptions("kmeans", options, KMEANS_OPTIONS);
  const { data, n, k, seed, init, nInit, given, weights, spherical } = await checkedClusterOptions(
    points,
    dims,
    options,
  );
  const maxIterations = integerBetween("maxIterations", options.maxIterations ?? 300, 1, 1_000_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 1e-4, 0, Number.MAX_VALUE);
  const algorithm = oneOf("algorithm", options.algorithm ?? "auto", ["auto", "lloyd", "filtered"] as const);
  const emptyClusters = oneOf("emptyClusters", options.emptyClusters ?? "relocate", EMPTY_CLUSTERS);
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
  engine.memory.giveBack([best!.labels]);
  return best!;
}
