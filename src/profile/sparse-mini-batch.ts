import { type RowRange, shards, shared } from "../executor/executor.js";
import { rowsWhere } from "../util/rows-where.js";
import { forEachYielding } from "../util/yield.js";
import { batchShards, type MiniBatchEngine } from "./mini-batch.js";
import { lanesOf, type SparsePoints } from "./sparse-points.js";
import { type SparseStart, setStart } from "./sparse-start.js";

const SHARD_USERS = 8192;
const SHARD_ITEMS = 2048;

/** Mini-batches of the rows of a matrix. Users without cells are never drawn. */
export class SparseMiniBatch implements MiniBatchEngine {
  readonly lanes: number;
  readonly seen: Float64Array;
  readonly centroids: Float32Array;
  readonly #sums: Float64Array;
  readonly #norms: Float64Array;
  /** Where means are measured before they get unit length. */
  readonly #means: Float32Array | undefined;
  readonly #items: RowRange[];

  private constructor(
    readonly points: SparsePoints,
    /** Users with cells. */
    readonly drawn: Int32Array,
    spherical: boolean,
  ) {
    const { matrix, k } = points;
    this.lanes = lanesOf(k);
    const size = matrix.numItems * this.lanes;
    this.seen = new Float64Array(k);
    this.centroids = shared.f32(size);
    this.#sums = shared.f64(size);
    this.#norms = shared.f64(k);
    this.#means = spherical ? shared.f32(size) : undefined;
    this.#items = shards(matrix.numItems, SHARD_ITEMS);
  }

  static async create(points: SparsePoints, spherical: boolean): Promise<SparseMiniBatch> {
    const drawn = await rowsWhere(points.n, (user) => points.squares[user]! > 0);
    return new SparseMiniBatch(points, drawn, spherical);
  }

  get n(): number {
    return this.points.n;
  }
  get k(): number {
    return this.points.k;
  }
  get weights(): Float32Array | undefined {
    return this.points.given;
  }

  async start(start: SparseStart): Promise<void> {
    await setStart(this.points, { centroids: this.centroids, norms: this.#norms }, start, this.lanes);
  }

  restart(cluster: number, row: number, seen: number): void {
    const { centroids, lanes } = this;
    for (let at = cluster; at < centroids.length; at += lanes) centroids[at] = 0;
    this.points.setRow({ centroids, norms: this.#norms }, cluster, row, lanes);
    for (let at = cluster; at < centroids.length; at += lanes) this.#sums[at] = centroids[at]! * seen;
    this.seen[cluster] = seen;
  }

  async step(rows: Int32Array): Promise<{ inertia: number; shift: number }> {
    const { k, weights, seen } = this;
    const { matrix, factors, executor } = this.points;
    const labels = shared.i32(rows.length);
    const inertia = await this.#assign(rows, labels);
    const given = new Float64Array(k);
    for (let i = 0; i < rows.length; i++) given[labels[i]!]! += weights?.[rows[i]!] ?? 1;
    for (let c = 0; c < k; c++) seen[c]! += given[c]!;
    await executor.map(
      this.#items.map((range) => ({
        kernel: "sparseKmeansAddRows",
        args: { matrix: matrix.ref(), factors, weights, rows, labels, k, ...range, outSums: this.#sums },
      })),
    );
    return { inertia, shift: await this.#move(given) };
  }

  async #assign(rows: Int32Array, labels: Int32Array): Promise<number> {
    const { centroids, weights } = this;
    const { matrix, factors, squares, executor } = this.points;
    const parts = batchShards(rows);
    const results = await executor.map(
      parts.map((part) => ({
        kernel: "sparseKmeansAssignRows",
        args: {
          matrix: matrix.ref(),
          factors,
          squares,
          centroids,
          norms: this.#norms,
          rows: part,
          outLabels: { $return: "I32", length: part.length },
          outDistances: { $return: "F32", length: part.length },
          outCounts: { $return: "I64", length: this.k },
        },
      })),
    );
    let inertia = 0;
    let at = 0;
    for (const { value, outputs } of results) {
      const distances = outputs.outDistances as Float32Array;
      labels.set(outputs.outLabels as Int32Array, at);
      if (weights === undefined) inertia += value as number;
      else for (let i = 0; i < distances.length; i++) inertia += distances[i]! * weights[rows[at + i]!]!;
      at += distances.length;
    }
    return inertia;
  }

  /** The centroids that were given something become their means; returns the summed squared move. */
  async #move(given: Float64Array): Promise<number> {
    const scale = Float64Array.from(given, (weight, c) => (weight > 0 ? 1 / this.seen[c]! : 0));
    if (this.#means !== undefined) {
      const { norms } = await this.#scaled(scale, this.#means);
      for (let c = 0; c < scale.length; c++) if (scale[c]! > 0 && norms[c]! > 0) scale[c]! /= Math.sqrt(norms[c]!);
    }
    const { norms, shift } = await this.#scaled(scale, this.centroids);
    this.#norms.set(norms);
    return shift;
  }

  async #scaled(scale: Float64Array, centroids: Float32Array) {
    const perCluster = { $return: "F64" as const, length: this.k };
    const { matrix, executor } = this.points;
    const results = await executor.map(
      this.#items.map((range) => ({
        kernel: "sparseKmeansScale",
        args: {
          sums: this.#sums,
          scale,
          cols: matrix.numItems,
          ...range,
          outCentroids: centroids,
          outNorms: perCluster,
          outShifts: perCluster,
        },
      })),
    );
    const norms = new Float64Array(this.k);
    let shift = 0;
    for (const { outputs } of results) {
      for (let c = 0; c < this.k; c++) {
        norms[c]! += (outputs.outNorms as Float64Array)[c]!;
        shift += (outputs.outShifts as Float64Array)[c]!;
      }
    }
    return { norms, shift };
  }

  /** All users by their nearest centroid. */
  async assignAll(): Promise<{ labels: Int32Array; sizes: number[]; inertia: number }> {
    const { centroids, weights, k } = this;
    const { matrix, factors, squares, executor } = this.points;
    const labels = shared.i32(matrix.numUsers).fill(-1);
    const distances = shared.f32(matrix.numUsers);
    const results = await executor.map(
      shards(matrix.numUsers, SHARD_USERS).map((range) => ({
        kernel: "sparseKmeansAssign",
        args: {
          matrix: matrix.ref(),
          factors,
          squares,
          centroids,
          norms: this.#norms,
          ...range,
          outLabels: labels,
          outDistances: distances,
          outCounts: { $return: "I64", length: k },
        },
      })),
    );
    const sizes = new Array<number>(k).fill(0);
    let inertia = 0;
    for (const { value, outputs } of results) {
      inertia += value as number;
      for (let c = 0; c < k; c++) sizes[c]! += Number((outputs.outCounts as BigInt64Array)[c]!);
    }
    if (weights === undefined) return { labels, sizes, inertia };
    inertia = 0;
    await forEachYielding(matrix.numUsers, (user) => {
      inertia += distances[user]! * weights[user]!;
    });
    return { labels, sizes, inertia };
  }
}
