import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { knownOptions } from "../util/known-options.js";
import { DenseKmeans, filterPays } from "./dense-kmeans.js";
import { checkedPoints, KMEANS_SHARD_POINTS } from "./kmeans-points.js";

export interface KmeansPrediction {
  /** [n] nearest centroid, of equal distances the smaller. */
  labels: Int32Array;
  /** [n] squared distance to it. */
  distances: Float32Array;
  /** Sum of the distances. */
  inertia: number;
}

/** Fewer points a centroid are measured before the filter has coded them. */
const FILTER_MIN_POINTS = 16;

/**
 * The nearest of given centroids for each point: label(x) = argmin_k |x - c_k|², as the last step of kmeans does it.
 *
 * @param points float32 [n * dims] row-major, finite
 * @param centroids float32 [k * dims], finite
 *
 * The same bytes for any number of threads. Cost: 3 n k dims flops at most, less with the filter of kmeans, where there are 16
 * points a centroid; memory 8 n bytes besides the points, with the filter n (dims + 20) more.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: formulas.md, "K-means".
 */
export async function kmeansPredict(
  points: Float32Array,
  dims: number,
  centroids: Float32Array,
  options: RunOptions = {},
): Promise<KmeansPrediction> {
  knownOptions("kmeansPredict", options, RUN_OPTIONS);
  const data = await checkedPoints(points, dims);
  const k = centroids instanceof Float32Array ? centroids.length / dims : Number.NaN;
  if (!Number.isInteger(k) || k < 1 || !centroids.every(Number.isFinite)) {
    throw invalidArgument(`expected centroids as a Float32Array of k >= 1 times ${dims} finite numbers`);
  }
  const n = data.length / dims;
  if (n >= FILTER_MIN_POINTS * k && filterPays(k, dims)) {
    const engine = await DenseKmeans.create(new Executor(options), data, dims, k, {
      spherical: false,
      algorithm: "auto",
    });
    engine.start(centroids);
    const inertia = await engine.assign();
    const { labels, distances } = engine;
    engine.memory.giveBack([labels, distances]);
    return { labels, distances, inertia };
  }
  const labels = shared.i32(n);
  const distances = shared.f32(n);
  const results = await new Executor(options).map(
    shards(n, KMEANS_SHARD_POINTS).map(({ begin, end }) => ({
      kernel: "kmeansAssign",
      args: {
        points: data,
        dims,
        centroids,
        begin,
        end,
        outLabels: labels.subarray(begin, end),
        outDistances: distances.subarray(begin, end),
      },
    })),
    { name: "nearest centroids" },
  );
  const inertia = results.reduce((sum, { value }) => sum + (value as number), 0);
  if (!Number.isFinite(inertia)) throw invalidArgument("expected finite points (after squaring, in float32)");
  return { labels, distances, inertia };
}
