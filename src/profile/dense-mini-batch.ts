import { invalidArgument } from "../errors.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import { KMEANS_SHARD_POINTS, toUnitLength } from "./kmeans-points.js";
import { batchShards, type MiniBatchEngine } from "./mini-batch.js";

/** From here on the filter of bytes pays, although a batch has to be coded anew each time. */
const FILTER_MIN_K = 24;
const FILTER_MIN_DIMS = 8;

interface Frame {
  centre: Float32Array;
  steps: Float32Array;
}

/** Mini-batches of dense points in shared memory. */
export class DenseMiniBatch implements MiniBatchEngine {
  readonly drawn = undefined;
  readonly seen: Float64Array;
  readonly centroids: Float32Array;
  readonly #sums: Float64Array;

  private constructor(
    readonly executor: Executor,
    readonly points: Float32Array,
    readonly dims: number,
    readonly k: number,
    readonly weights: Float32Array | undefined,
    readonly spherical: boolean,
    readonly frame: Frame | undefined,
  ) {
    this.seen = new Float64Array(k);
    this.centroids = shared.f32(k * dims);
    this.#sums = new Float64Array(k * dims);
  }

  static async create(
    executor: Executor,
    points: Float32Array,
    dims: number,
    k: number,
    options: { weights: Float32Array | undefined; spherical: boolean },
  ): Promise<DenseMiniBatch> {
    const frame = await frameOf(executor, points, dims);
    const pays = k >= FILTER_MIN_K && dims >= FILTER_MIN_DIMS;
    return new DenseMiniBatch(executor, points, dims, k, options.weights, options.spherical, pays ? frame : undefined);
  }

  get n(): number {
    return this.points.length / this.dims;
  }

  start(centroids: Float32Array): void {
    this.centroids.set(centroids);
    this.seen.fill(0);
    this.#sums.fill(0);
  }

  async #assign(rows: Int32Array) {
    const { points, dims, k, weights, centroids, frame } = this;
    const results = await this.executor.map(
      batchShards(rows).map((part) => ({
        kernel: "kmeansAssignRows",
        args: {
          points,
          dims,
          weights,
          centroids,
          ...frame,
          rows: part,
          outLabels: { $return: "I32", length: part.length },
          outDistances: { $return: "F32", length: part.length },
          outSums: { $return: "F64", length: k * dims },
          outWeights: { $return: "F64", length: k },
          outCounts: { $return: "I64", length: k },
        },
      })),
    );
    const inertia = results.reduce((sum, { value }) => sum + (value as number), 0);
    if (!Number.isFinite(inertia)) throw invalidArgument("expected finite points (after squaring, in float32)");
    return { inertia, results };
  }

  /** Of these rows and the centroids as they are. */
  async inertiaOf(rows: Int32Array): Promise<number> {
    return (await this.#assign(rows)).inertia;
  }

  async step(rows: Int32Array): Promise<{ inertia: number; shift: number }> {
    const { k, dims, seen, centroids } = this;
    const sums = this.#sums;
    const { inertia, results } = await this.#assign(rows);
    const given = new Float64Array(k);
    for (const { outputs } of results) {
      const weights = outputs.outWeights as Float64Array;
      const more = outputs.outSums as Float64Array;
      for (let c = 0; c < k; c++) {
        if (!(weights[c]! > 0)) continue;
        given[c]! += weights[c]!;
        for (let at = c * dims; at < (c + 1) * dims; at++) sums[at]! += more[at]!;
      }
    }
    let shift = 0;
    const mean = new Float32Array(dims);
    for (let c = 0; c < k; c++) {
      if (given[c] === 0) continue;
      seen[c]! += given[c]!;
      for (let d = 0; d < dims; d++) mean[d] = sums[c * dims + d]! / seen[c]!;
      if (this.spherical) toUnitLength(mean);
      for (let d = 0; d < dims; d++) shift += (mean[d]! - centroids[c * dims + d]!) ** 2;
      centroids.set(mean, c * dims);
    }
    return { inertia, shift };
  }

  restart(cluster: number, row: number, seen: number): void {
    const { dims, points } = this;
    const point = points.subarray(row * dims, (row + 1) * dims);
    this.centroids.set(point, cluster * dims);
    for (let d = 0; d < dims; d++) this.#sums[cluster * dims + d] = point[d]! * seen;
    this.seen[cluster] = seen;
  }
}

/** The box of the points, which must be finite; undefined where it is too wide for bytes. */
async function frameOf(executor: Executor, points: Float32Array, dims: number): Promise<Frame | undefined> {
  const box = { $return: "F32" as const, length: dims };
  const results = await executor.map(
    shards(points.length / dims, KMEANS_SHARD_POINTS).map((range) => ({
      kernel: "kmeansBox",
      args: { points, dims, ...range, outLows: box, outHighs: box },
    })),
  );
  const lows = new Float32Array(dims).fill(Number.POSITIVE_INFINITY);
  const highs = new Float32Array(dims).fill(Number.NEGATIVE_INFINITY);
  for (const { outputs } of results) {
    for (let d = 0; d < dims; d++) {
      lows[d] = Math.min(lows[d]!, (outputs.outLows as Float32Array)[d]!);
      highs[d] = Math.max(highs[d]!, (outputs.outHighs as Float32Array)[d]!);
    }
  }
  const steps = lows.map((low, d) => (highs[d]! - low) / 254);
  const centre = lows.map((low, d) => low + 128 * steps[d]!);
  return steps.every(Number.isFinite) && centre.every(Number.isFinite) ? { centre, steps } : undefined;
}
