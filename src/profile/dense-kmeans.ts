import { invalidArgument } from "../errors.js";
import { type Executor, type RowRange, shards, shared } from "../executor/executor.js";
import { Recycled } from "../executor/recycled.js";
import { forEachYielding } from "../util/yield.js";
import { farthestPoints } from "./farthest-points.js";
import { FILTER_ROWS, KmeansFilter } from "./kmeans-filter.js";
import { type EmptyClusters, toUnitLength } from "./kmeans-points.js";
import { KmeansSums, largestOf } from "./kmeans-sums.js";
import type { KmeansEngine } from "./lloyd.js";

/** Fewer centroids are measured faster than they are filtered. */
const FILTER_MIN_K = 24;
const FILTER_MAX_DIMS = 16_384;
/** Rows that fill no vector are measured at many centroids at once. */
const FILTER_MIN_DIMS = 8;
/** Whether labels are found faster by the filter. */
export const filterPays = (k: number, dims: number) => k >= FILTER_MIN_K && dims >= FILTER_MIN_DIMS;

/** The label of a point before the first assignment. */
const NO_CLUSTER = -1;
const MIN_SHARD_POINTS = 16_384;
const MAX_SHARDS = 32;

/** How labels are found; never what they are. */
export type KmeansAlgorithm = "auto" | "lloyd" | "filtered";

/** Assignment and update of K-means on dense points in shared memory. */
export class DenseKmeans implements KmeansEngine {
  labels: Int32Array;
  centroids: Float32Array;
  sizes: number[] = [];
  readonly distances: Float32Array;
  /** What the arrays of points are from; start fills labels, and an assignment the others. */
  readonly memory = new Recycled();
  #before: { labels: Int32Array; centroids: Float32Array; sizes: number[] };
  #sums: KmeansSums | undefined;
  #filter: KmeansFilter | undefined;
  #keepsEmpty = false;
  readonly #ranges: RowRange[];

  private constructor(
    readonly executor: Executor,
    readonly points: Float32Array,
    readonly dims: number,
    readonly k: number,
    readonly weights: Float32Array | undefined,
    readonly spherical: boolean,
  ) {
    this.labels = this.memory.take("i32", this.n);
    this.#before = { labels: this.memory.take("i32", this.n), centroids: new Float32Array(0), sizes: [] };
    this.centroids = new Float32Array(0);
    this.distances = this.memory.take("f32", this.n);
    const size = Math.max(MIN_SHARD_POINTS, Math.ceil(this.n / MAX_SHARDS));
    this.#ranges = shards(this.n, Math.ceil(size / FILTER_ROWS) * FILTER_ROWS);
  }

  static async create(
    executor: Executor,
    points: Float32Array,
    dims: number,
    k: number,
    options: {
      weights?: Float32Array | undefined;
      spherical: boolean;
      algorithm: KmeansAlgorithm;
      emptyClusters?: EmptyClusters;
    },
  ): Promise<DenseKmeans> {
    const engine = new DenseKmeans(executor, points, dims, k, options.weights, options.spherical);
    engine.#keepsEmpty = options.emptyClusters === "keep";
    const pays = options.algorithm === "filtered" || (options.algorithm === "auto" && filterPays(k, dims));
    await engine.#prepare(pays && dims <= FILTER_MAX_DIMS);
    return engine;
  }

  get n(): number {
    return this.points.length / this.dims;
  }

  /** Checks that all points are finite; makes the filter if it is wanted. */
  async #prepare(wanted: boolean): Promise<void> {
    const { executor, points, dims, k } = this;
    const float = { $return: "F32" as const, length: dims };
    const results = await executor.map(
      this.#ranges.map((range) => ({
        kernel: "kmeansBox",
        args: { points, dims, ...range, outLows: float, outHighs: float },
      })),
    );
    const boxes = results.map(({ outputs }) => ({
      lows: outputs.outLows as Float32Array,
      highs: outputs.outHighs as Float32Array,
    }));
    this.#keepSums(await largestOf(boxes, dims, this.weights));
    if (!wanted) return;
    this.#filter = await KmeansFilter.create(executor, this.memory, points, dims, k, this.#ranges, boxes);
  }

  #keepSums(largest: Float32Array): void {
    const lanes = Math.min(this.executor.threads, this.#ranges.length);
    this.#sums = new KmeansSums(this.executor, this.dims, this.k, largest, lanes);
  }

  start(centroids: Float32Array): void {
    this.centroids = centroids;
    this.labels.fill(NO_CLUSTER);
    this.#sums!.clear();
    this.#filter?.start();
  }

  async assign(): Promise<number> {
    const { k, dims, points, weights, centroids, distances } = this;
    const { labels: before } = this;
    const labels = this.#before.labels;
    const sharedCentroids = shared.f32(k * dims);
    sharedCentroids.set(centroids);
    const filter = this.#filter;
    const filterArgs = await filter?.args(sharedCentroids);
    const results = await this.executor.map(
      this.#ranges.map(({ begin, end }) => ({
        kernel: filterArgs === undefined ? "kmeansAssign" : filter!.kernel,
        args: {
          points,
          dims,
          weights,
          centroids: sharedCentroids,
          ...filterArgs,
          outLower: filter?.boundsOf({ begin, end }),
          begin,
          end,
          labels: before.subarray(begin, end),
          outLabels: labels.subarray(begin, end),
          outDistances: distances.subarray(begin, end),
        },
      })),
      undefined,
      { laneArgs: this.#sums!.laneArgs },
    );
    this.#before.labels = before;
    this.labels = labels;
    // In the order of the shards: the same bytes for any number of threads.
    const inertia = results.reduce((sum, { value }) => sum + (value as number), 0);
    if (!Number.isFinite(inertia)) throw invalidArgument("expected finite points (after squaring, in float32)");
    await this.#sums!.read(this.n);
    this.#before.sizes = this.sizes;
    this.sizes = [...this.#sums!.counts];
    return inertia;
  }

  /** Means of the clusters; the empty ones take the farthest points, or stay. Returns the summed squared move. */
  async update(): Promise<number> {
    const { k, dims, points, weights, centroids: old } = this;
    const { sums, weights: total } = this.#sums!;
    const empty = this.#keepsEmpty ? [] : [...total.keys()].filter((c) => total[c] === 0);
    const donated = await farthestPoints(this.distances, weights, empty.length);
    for (const [e, point] of donated.entries()) {
      const donor = this.labels[point]!;
      const weight = weights?.[point] ?? 1;
      // What would leave a cluster empty stays.
      if (!(total[donor]! > weight)) continue;
      for (let d = 0; d < dims; d++) {
        const moved = weight * points[point * dims + d]!;
        sums[empty[e]! * dims + d] = moved;
        sums[donor * dims + d]! -= moved;
      }
      total[empty[e]!] = weight;
      total[donor]! -= weight;
    }
    const centroids = new Float32Array(old.length);
    let shift = 0;
    const moves = new Float64Array(k);
    await forEachYielding(k, (c) => {
      const mean = centroids.subarray(c * dims, (c + 1) * dims);
      for (let d = 0; d < dims; d++) {
        mean[d] = total[c]! > 0 ? sums[c * dims + d]! / total[c]! : old[c * dims + d]!;
      }
      if (this.spherical) toUnitLength(mean);
      let move = 0;
      for (let d = 0; d < dims; d++) move += (mean[d]! - old[c * dims + d]!) ** 2;
      shift += move;
      moves[c] = move;
    });
    this.#filter?.moved(moves);
    this.#before.centroids = old;
    this.centroids = centroids;
    return shift;
  }

  /** Back to the centroids and labels before the last update and assignment. */
  revert(): void {
    this.labels = this.#before.labels;
    this.centroids = this.#before.centroids;
    this.sizes = this.#before.sizes;
  }

  labelsBefore(): Int32Array {
    return this.#before.labels;
  }

  /** Mean over dimensions of the variance of the points. */
  async variance(): Promise<number> {
    const { dims, points, weights, executor } = this;
    const one = new DenseKmeans(executor, points, dims, 1, weights, false);
    one.#keepSums(this.#sums!.largest);
    one.start(new Float32Array(dims));
    await one.assign();
    const weight = one.#sums!.weights[0]!;
    await one.update();
    const inertia = await one.assign();
    one.memory.giveBack();
    return inertia / weight / dims;
  }

  point(row: number): Float32Array {
    return this.points.slice(row * this.dims, (row + 1) * this.dims);
  }

  async lowerDistances(row: number, distances: Float32Array): Promise<(RowRange & { sum: number })[]> {
    const { points, dims, weights } = this;
    const centroid = this.point(row);
    const results = await this.executor.map(
      this.#ranges.map(({ begin, end }) => ({
        kernel: "kmeansMinDistance",
        args: { points, dims, weights, centroid, begin, end, outDistances: distances.subarray(begin, end) },
      })),
    );
    return results.map(({ value }, shard) => ({ ...this.#ranges[shard]!, sum: value as number }));
  }

  async nearestOf(rows: readonly number[]) {
    const { executor, points, dims } = this;
    const engine = await DenseKmeans.create(executor, points, dims, rows.length, {
      spherical: false,
      algorithm: "auto",
    });
    engine.start(this.rowsOf(rows));
    await engine.assign();
    return engine;
  }

  async subset(rows: readonly number[], weights: Float32Array): Promise<DenseKmeans> {
    const points = shared.f32(rows.length * this.dims);
    points.set(this.rowsOf(rows));
    return new DenseKmeans(this.executor, points, this.dims, this.k, weights, false);
  }

  /** [rows * dims] */
  rowsOf(rows: readonly number[]): Float32Array {
    const copy = new Float32Array(rows.length * this.dims);
    for (const [c, row] of rows.entries()) copy.set(this.point(row), c * this.dims);
    return copy;
  }
}
