import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf, integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { Random } from "../util/random.js";
import { sampleRows } from "../util/sample-rows.js";
import { centroidsAmong } from "./kmeans-init.js";
import { checkedWeights } from "./kmeans-points.js";
import {
  checkedSettings,
  initSizeOf,
  MINI_BATCH_SETTINGS,
  type MiniBatchProgress,
  type MiniBatchSettings,
  miniBatches,
} from "./mini-batch.js";
import { SparseMiniBatch } from "./sparse-mini-batch.js";
import { SparsePoints } from "./sparse-points.js";
import { SparseRows } from "./sparse-rows.js";
import { givenStart, SPARSE_START_OPTIONS, type SparseStartOptions } from "./sparse-start.js";
import { meanVariance } from "./sparse-variance.js";

const INITS = ["k-means++", "random"] as const;
export type MiniBatchUserInit = (typeof INITS)[number];

export interface MiniBatchUsersOptions extends RunOptions, MiniBatchSettings, SparseStartOptions {
  /** Clusters, at least 1, at most the users with cells. */
  k: number;
  /** Rows at unit length: which items, not how many. Default true. */
  unitLength?: boolean | undefined;
  /** Rows and centroids at unit length: clusters of directions (cosine). Default false. */
  spherical?: boolean | undefined;
  /** How the first centroids are found, among three batches of users; default k-means++. */
  init?: MiniBatchUserInit | undefined;
  /** Of every pseudo-random choice; default 1. */
  seed?: number | undefined;
  /** Stop when a step moves the centroids, in summed squares, by at most this times the items' mean variance; default 0: never. */
  tolerance?: number | undefined;
  /** [numUsers] finite, >= 0: a user counts as so many; default all 1. */
  weights?: Float32Array | undefined;
}

const MINI_BATCH_USERS_OPTIONS = {
  ...RUN_OPTIONS,
  ...MINI_BATCH_SETTINGS,
  ...SPARSE_START_OPTIONS,
  k: true,
  unitLength: true,
  spherical: true,
  init: true,
  seed: true,
  tolerance: true,
  weights: true,
};

export interface MiniBatchUserClusters extends MiniBatchProgress {
  /** [numUsers] cluster of each user, of equal distances the smaller one; -1 for users without cells. */
  labels: Int32Array;
  /** [k] users of each cluster; a cluster may be empty. */
  sizes: number[];
  /** Item scores of each cluster: the mean of item i in cluster c is centroids[i * lanes + c]. */
  centroids: Float32Array;
  /** k rounded up to a multiple of 16. */
  lanes: number;
  /** Weighted sum of squared distances to the nearest centroid, over all users. */
  inertia: number;
}

/**
 * K-means of the users by their whole rows of the matrix, from small random batches: as miniBatchKmeans, with the
 * distances of clusterUsers.
 *
 * The same bytes for any number of threads. Cost: 2 k flops a cell drawn, and items k a step; memory 12 items k bytes,
 * 16 if spherical.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED, ERR_COUPONCAST_CORRUPT_FILE.
 * Source: Sculley 2010; formulas.md, "K-means".
 */
export async function miniBatchUsers(matrix: Matrix, options: MiniBatchUsersOptions): Promise<MiniBatchUserClusters> {
  checkMatrix("matrix", matrix);
  knownOptions("miniBatchUsers", options, MINI_BATCH_USERS_OPTIONS);
  const k = integerBetween("k", options.k, 1, 100_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 0, 0, Number.MAX_VALUE);
  const seed = integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const init = oneOf("init", options.init ?? "k-means++", INITS);
  const weights = await checkedWeights(options.weights, matrix.numUsers);
  const executor = new Executor(options);
  const spherical = booleanOf("spherical", options.spherical ?? false);
  const unit = booleanOf("unitLength", options.unitLength ?? true) || spherical;
  const points = await SparsePoints.create(executor, matrix, k, { unit, weights });
  if (k > points.numActive)
    throw invalidArgument(`expected k <= the number of users with cells ${points.numActive} but received ${k}`);
  const settings = checkedSettings(options, points.numActive);
  if (!(points.squaresSum > 0) && weights !== undefined)
    throw invalidArgument("expected weights of which one, of a user with cells, is above 0");
  const given = await givenStart(options, points);
  const engine = await SparseMiniBatch.create(points, spherical);
  const active = engine.drawn;
  await engine.start(given ?? (await firstRows()));
  const threshold = tolerance === 0 ? 0 : tolerance * (await meanVariance(points));
  const found = await miniBatches(executor, engine, settings, seed, threshold);
  const { labels, sizes, inertia } = await engine.assignAll();
  points.memory.giveBack();
  return { ...found, labels, sizes, inertia, centroids: engine.centroids, lanes: engine.lanes };

  async function firstRows(): Promise<readonly number[]> {
    const random = new Random(seed);
    const size = initSizeOf(active.length, k, settings.batchSize);
    const rows = Array.from(sampleRows(active.length, size, random), (at) => active[at]!);
    const own = Float32Array.from(rows, (user) => weights?.[user] ?? 1);
    const chosen = await centroidsAmong(await SparseRows.create(matrix, points.factors, k, rows, own), init, random);
    return chosen.map((at) => rows[at]!);
  }
}
