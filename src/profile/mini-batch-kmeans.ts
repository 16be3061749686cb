import { Executor, shared } from "../executor/executor.js";
import { numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { Random } from "../util/random.js";
import { sampleRows } from "../util/sample-rows.js";
import { CLUSTER_OPTIONS, type ClusterOptions, checkedClusterOptions } from "./cluster-options.js";
import { DenseKmeans } from "./dense-kmeans.js";
import { DenseMiniBatch } from "./dense-mini-batch.js";
import { firstCentroids, type KmeansInit } from "./kmeans-init.js";
import {
  checkedSettings,
  initSizeOf,
  MINI_BATCH_SETTINGS,
  type MiniBatchProgress,
  type MiniBatchSettings,
  miniBatches,
} from "./mini-batch.js";

/** `init` finds centroids among three batches of points; of `nInit` starts the one is taken that fits three further batches best. */
export interface MiniBatchKmeansOptions extends ClusterOptions, MiniBatchSettings {
  /** Stop when a step moves the centroids, in summed squares, by at most this times the mean variance; default 0: never. */
  tolerance?: number | undefined;
}

export interface MiniBatchKmeansResult extends MiniBatchProgress {
  /** [n] cluster of each point, of equal distances the smaller one. */
  labels: Int32Array;
  /** [k * dims] */
  centroids: Float32Array;
  /** [k] points of each cluster; a cluster may be empty. */
  sizes: number[];
  /** Weighted sum of squared distances to the nearest centroid, over all points. */
  inertia: number;
}

/**
 * K-means from small random batches: each batch is given to its nearest centroids, and each centroid becomes the mean of
 * all that it was ever given. Far fewer distances than kmeans, for an inertia that is a few percent higher.
 *
 * @param points float32 [n * dims] row-major, finite; copied into shared memory unless it is there already
 * @param dims numbers a point, >= 1
 *
 * The rules are those of scikit-learn's MiniBatchKMeans (draws with replacement, running means, restarts of centroids
 * that see little, a stop by smoothed inertia); sums are float64, so no batch is lost to rounding. The same bytes for
 * any number of threads. Cost: 3 k dims flops a point drawn, less with the filter of kmeans, and a last pass over all.
 * Memory: 12 n bytes besides the points (n (dims + 16) more from 24 clusters on), 12 k dims.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: Sculley 2010; formulas.md, "K-means".
 */
export async function miniBatchKmeans(
  points: Float32Array,
  dims: number,
  options: MiniBatchKmeansOptions,
): Promise<MiniBatchKmeansResult> {
  knownOptions("miniBatchKmeans", options, { ...CLUSTER_OPTIONS, ...MINI_BATCH_SETTINGS, tolerance: true });
  const { data, n, k, seed, init, nInit, given, weights, spherical } = await checkedClusterOptions(
    points,
    dims,
    options,
  );
  const settings = checkedSettings(options, n);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 0, 0, Number.MAX_VALUE);
  const executor = new Executor(options);
  const engine = await DenseMiniBatch.create(executor, data, dims, k, { weights, spherical });
  engine.start(given ?? (await bestStart(executor, engine, init, nInit, seed, settings.batchSize)));
  const all = await DenseKmeans.create(executor, data, dims, k, { weights, spherical: false, algorithm: "auto" });
  const threshold = tolerance > 0 ? tolerance * (await all.variance()) : 0;
  const found = await miniBatches(executor, engine, settings, seed, threshold);
  all.start(engine.centroids.slice());
  const inertia = await all.assign();
  return { ...found, labels: all.labels, centroids: all.centroids, sizes: all.sizes, inertia };
}

/** Of some starts from points of a sample, the one with the smallest inertia over another sample; of equal ones the first. */
async function bestStart(
  executor: Executor,
  engine: DenseMiniBatch,
  init: KmeansInit,
  nInit: number,
  seed: number,
  batchSize: number,
): Promise<Float32Array> {
  const { n, k } = engine;
  const size = initSizeOf(n, k, batchSize);
  const validation = shared.i32(size);
  validation.set(sampleRows(n, size, new Random(seed, nInit)));
  let best: { centroids: Float32Array; inertia: number } | undefined;
  for (let run = 0; run < nInit; run++) {
    const random = new Random(seed, run);
    const points = await sampleOf(executor, engine, sampleRows(n, size, random));
    const centroids = points.rowsOf(await firstCentroids(points, init, random));
    if (nInit === 1) return centroids;
    engine.start(centroids);
    const inertia = await engine.inertiaOf(validation);
    if (best === undefined || inertia < best.inertia) best = { centroids, inertia };
  }
  return best!.centroids;
}

async function sampleOf(executor: Executor, engine: DenseMiniBatch, rows: Int32Array): Promise<DenseKmeans> {
  const { points, dims, k } = engine;
  const sample = shared.f32(rows.length * dims);
  for (const [i, row] of rows.entries()) sample.set(points.subarray(row * dims, (row + 1) * dims), i * dims);
  const weights = engine.weights && Float32Array.from(rows, (row) => engine.weights![row]!);
  return DenseKmeans.create(executor, sample, dims, k, { weights, spherical: false, algorithm: "lloyd" });
}
