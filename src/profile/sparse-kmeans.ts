import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf, integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { Random } from "../util/random.js";
import { firstCentroids, KMEANS_INITS, type KmeansInit } from "./kmeans-init.js";
import { checkedWeights, EMPTY_CLUSTERS, type EmptyClusters } from "./kmeans-points.js";
import { type LloydResult, lloyd } from "./lloyd.js";
import { sparseCodes } from "./sparse-codes.js";
import { SparseLloyd } from "./sparse-lloyd.js";
import { SparsePoints } from "./sparse-points.js";
import { givenStart, SPARSE_START_OPTIONS, type SparseStartOptions } from "./sparse-start.js";
import { meanVariance } from "./sparse-variance.js";

export interface ClusterUsersOptions extends RunOptions, SparseStartOptions {
  /** Clusters, at least 1, at most the users with cells. */
  k: number;
  /** Rows at unit length: which items, not how many. Default true. */
  unitLength?: boolean | undefined;
  /** Rows and centroids at unit length: clusters of directions (cosine). Default false. */
  spherical?: boolean | undefined;
  /** How the first centroids are found; default k-means++. */
  init?: KmeansInit | undefined;
  /** Starts with other choices, of which the one with the smallest inertia is kept (of equal ones the first); default 1. */
  nInit?: number | undefined;
  /** Of every pseudo-random choice; default 1. */
  seed?: number | undefined;
  /** Lloyd iterations at most; default 300. */
  maxIterations?: number | undefined;
  /** Stop when the centroids' summed squared shift is at most this times the items' mean variance; default 1e-4. */
  tolerance?: number | undefined;
  /** [numUsers] finite, >= 0: a user counts as so many; default all 1. */
  weights?: Float32Array | undefined;
  /** What becomes of a cluster without users, or with none of a weight above 0; default relocate. */
  emptyClusters?: EmptyClusters | undefined;
}

/** For knownOptions. */
export const CLUSTER_USERS_OPTIONS = {
  ...RUN_OPTIONS,
  ...SPARSE_START_OPTIONS,
  k: true,
  unitLength: true,
  spherical: true,
  init: true,
  nInit: true,
  seed: true,
  maxIterations: true,
  tolerance: true,
  weights: true,
  emptyClusters: true,
};

export interface UserClusters extends LloydResult {
  /** [numUsers] cluster of each user, of equal distances the smaller one; -1 for users without cells. */
  labels: Int32Array;
  /** [k] users of each cluster. */
  sizes: number[];
  /** Item scores of each cluster: the mean of item i in cluster c is centroids[i * lanes + c]. */
  centroids: Float32Array;
  /** k rounded up to a multiple of 16. */
  lanes: number;
  /** Weighted sum of squared distances to the nearest centroid. */
  inertia: number;
}

/**
 * K-means of the users by their whole rows of the matrix, in the manner of kmeans: distances from sparse rows to dense
 * centroids, |x|² - 2 <x, c> + |c|², products in float32 and the rest in float64. Weights, unit length and empty clusters
 * mean what they mean there.
 *
 * The same bytes for any number of threads. Labels are found by a filter in whole numbers of 16 bits,
 * and are those that measuring all distances would find. Where float64 holds every sum of cells exactly and users weigh
 * the same, only users who change clusters are added to sums.
 * Cost: at most 2 k operations a cell and iteration; memory 26 items k bytes, and 2 bytes a cell, which the next call writes
 * to if the garbage collector has not taken it by then.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED, ERR_COUPONCAST_CORRUPT_FILE.
 * Source: Lloyd 1982; formulas.md, "K-means".
 */
export async function clusterUsers(matrix: Matrix, options: ClusterUsersOptions): Promise<UserClusters> {
  checkMatrix("matrix", matrix);
  knownOptions("clusterUsers", options, CLUSTER_USERS_OPTIONS);
  const k = integerBetween("k", options.k, 1, 100_000);
  const maxIterations = integerBetween("maxIterations", options.maxIterations ?? 300, 1, 1_000_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 1e-4, 0, Number.MAX_VALUE);
  const seed = integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const nInit = integerBetween("nInit", options.nInit ?? 1, 1, 10_000);
  const init = oneOf("init", options.init ?? "k-means++", KMEANS_INITS);
  const emptyClusters = oneOf("emptyClusters", options.emptyClusters ?? "relocate", EMPTY_CLUSTERS);
  const weights = await checkedWeights(options.weights, matrix.numUsers);
  const spherical = booleanOf("spherical", options.spherical ?? false);
  const unit = booleanOf("unitLength", options.unitLength ?? true) || spherical;
  const executor = new Executor(options);
  const points = await SparsePoints.create(executor, matrix, k, { unit, weights });
  if (k > points.numActive)
    throw invalidArgument(`expected k <= the number of users with cells ${points.numActive} but received ${k}`);
  if (!(points.squaresSum > 0) && weights !== undefined)
    throw invalidArgument("expected weights of which one, of a user with cells, is above 0");
  const given = await givenStart(options, points);
  const threshold = tolerance === 0 ? 0 : tolerance * (await meanVariance(points));
  const codes = await sparseCodes(points);
  let best: UserClusters | undefined;
  for (let run = 0; run < (given === undefined ? nInit : 1); run++) {
    const start = given ?? (await firstCentroids(points, init, new Random(seed, run)));
    const engine = await SparseLloyd.start(points, codes, start, { spherical, emptyClusters });
    const found = await lloyd(executor, engine, maxIterations, threshold);
    const { labels, sizes, centroids, lanes } = engine;
    const better = best === undefined || found.inertia < best.inertia;
    if (better) best = { ...found, labels, sizes, centroids, lanes };
    engine.memory.giveBack(better ? [labels, centroids] : []);
  }
  points.memory.giveBack();
  return best!;
}
