import { invalidArgument } from "../errors.js";
import { Executor, type RowRange, type RunOptions, shards, shared } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import type { Choosable, Searchable } from "./choosable.js";
import { farthestPoints } from "./farthest-points.js";
import { firstCentroids, KMEANS_INITS, type KmeansInit } from "./kmeans-init.js";
import { type KmeansEngine, type LloydResult, lloyd } from "./lloyd.js";
import { SparseRows } from "./sparse-rows.js";

export interface ClusterUsersOptions extends RunOptions {
  /** Clusters, at least 1, at most the users with cells. */
  k: number;
  /** Rows at unit length: which items, not how many. Default true. */
  unitLength?: boolean | undefined;
  /** How the first centroids are found; default k-means++. */
  init?: KmeansInit | undefined;
  /** Of every pseudo-random choice; default 1. */
  seed?: number | undefined;
  /** Lloyd iterations at most; default 300. */
  maxIterations?: number | undefined;
  /** Stop when the centroids' summed squared shift is at most this; default 1e-4. */
  tolerance?: number | undefined;
  /** [k] start from these users' rows instead. */
  startRows?: readonly number[] | undefined;
}

export interface UserClusters extends LloydResult {
  /** [numUsers] cluster of each user, of equal distances the smaller one; -1 for users without cells. */
  labels: Int32Array;
  /** [k] users of each cluster. */
  sizes: number[];
  /** Item scores of each cluster: the mean of item i in cluster c is centroids[i * lanes + c]. */
  centroids: Float32Array;
  /** k rounded up to a multiple of 16. */
  lanes: number;
}

/**
 * K-means of the users by their whole rows of the matrix, in the manner of kmeans: distances from sparse rows to dense
 * centroids, |x|² - 2 <x, c> + |c|², products in float32 and the rest in float64.
 *
 * The same bytes for any number of threads. Cost: 2 k flops a cell and iteration; memory 8 items k bytes.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED, ERR_COUPONCAST_CORRUPT_FILE.
 * Source: Lloyd 1982; formulas.md, "K-means".
 */
export async function clusterUsers(matrix: Matrix, options: ClusterUsersOptions): Promise<UserClusters> {
  const k = integerBetween("k", options.k, 1, 100_000);
  const maxIterations = integerBetween("maxIterations", options.maxIterations ?? 300, 1, 1_000_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 1e-4, 0, Number.MAX_VALUE);
  const random = new Random(integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER));
  const init = oneOf("init", options.init ?? "k-means++", KMEANS_INITS);
  const executor = new Executor(options);
  const engine = await SparseKmeans.create(executor, matrix, k, options.unitLength ?? true);
  if (k > engine.numActive)
    throw invalidArgument(`expected k <= the number of users with cells ${engine.numActive} but received ${k}`);
  await engine.start(checkedRows(options.startRows, k, matrix) ?? (await firstCentroids(engine, init, random)));
  const found = await lloyd(executor, engine, maxIterations, tolerance);
  const { labels, sizes, centroids, lanes } = engine;
  return { ...found, labels, sizes, centroids, lanes };
}

function checkedRows(rows: readonly number[] | undefined, k: number, matrix: Matrix): readonly number[] | undefined {
  if (rows === undefined) return undefined;
  if (rows.length !== k) throw invalidArgument(`expected ${k} rows in startRows but received ${rows.length}`);
  for (const row of rows) integerBetween("startRows", row, 0, matrix.numUsers - 1);
  return rows;
}

const SHARD_USERS = 8192;
const SHARD_ITEMS = 2048;

interface State {
  labels: Int32Array;
  centroids: Float32Array;
  norms: Float64Array;
  sizes: number[];
}

/** Rows that distances are measured to in one pass. */
const ROWS_AT_ONCE = 64;

class SparseKmeans implements KmeansEngine, Searchable {
  readonly lanes: number;
  readonly distances: Float32Array;
  readonly #users: RowRange[];
  readonly #items: RowRange[];
  /** Where the next update and assignment go: every step fills the other of two states. */
  #now: State;
  #before: State;
  /** 1 for users with cells: others are nobody's start. */
  readonly weights: Float32Array;
  numActive = 0;

  private constructor(
    readonly executor: Executor,
    readonly matrix: Matrix,
    readonly k: number,
    readonly factors: Float32Array,
    readonly squares: Float64Array,
  ) {
    this.lanes = Math.ceil(k / 16) * 16;
    this.distances = shared.f32(matrix.numUsers);
    this.weights = new Float32Array(matrix.numUsers);
    this.#users = shards(matrix.numUsers, SHARD_USERS);
    this.#items = shards(matrix.numItems, SHARD_ITEMS);
    const state = () => ({
      labels: shared.i32(matrix.numUsers).fill(-1),
      centroids: shared.f32(matrix.numItems * this.lanes),
      norms: new Float64Array(k),
      sizes: [],
    });
    this.#now = state();
    this.#before = state();
  }

  static async create(executor: Executor, matrix: Matrix, k: number, unit: boolean): Promise<SparseKmeans> {
    const factors = shared.f32(matrix.numUsers);
    const squares = shared.f64(matrix.numUsers);
    const engine = new SparseKmeans(executor, matrix, k, factors, squares);
    await executor.map(
      engine.#users.map((range) => ({
        kernel: "sparseRowLengths",
        args: { matrix: matrix.ref(), unit, ...range, outFactors: factors, outSquares: squares },
      })),
    );
    await forEachYielding(matrix.numUsers, (row) => {
      if (!(squares[row]! > 0)) return;
      engine.weights[row] = 1;
      engine.numActive++;
    });
    return engine;
  }

  get n(): number {
    return this.matrix.numUsers;
  }
  get labels(): Int32Array {
    return this.#now.labels;
  }
  get centroids(): Float32Array {
    return this.#now.centroids;
  }
  get sizes(): number[] {
    return this.#now.sizes;
  }
  labelsBefore(): Int32Array {
    return this.#before.labels;
  }

  /** The centroids become these users' rows: means of clusters of one user each. */
  async start(rows: readonly number[]): Promise<void> {
    this.#now.centroids.fill(0);
    for (const [c, row] of rows.entries()) this.#setRow(this.#now, c, row, this.lanes);
  }

  #setRow(state: Pick<State, "centroids" | "norms">, c: number, row: number, lanes: number): void {
    const { indices, values } = this.matrix.userRow(row);
    for (const [cell, item] of indices.entries())
      state.centroids[item * lanes + c] = Math.fround(values[cell]! * this.factors[row]!);
    let norm = 0;
    for (const item of indices) norm += state.centroids[item * lanes + c]! ** 2;
    state.norms[c] = norm;
  }

  async #assignTo(state: State, labels: Int32Array, distances: Float32Array, k: number) {
    const { matrix, factors, squares } = this;
    const results = await this.executor.map(
      this.#users.map((range) => ({
        kernel: "sparseKmeansAssign",
        args: {
          matrix: matrix.ref(),
          factors,
          squares,
          centroids: state.centroids,
          norms: state.norms,
          ...range,
          outLabels: labels,
          outDistances: distances,
          outCounts: { $return: "I64", length: k },
        },
      })),
    );
    return results.map(({ value, outputs }) => ({
      inertia: value as number,
      counts: outputs.outCounts as BigInt64Array,
    }));
  }

  async assign(): Promise<number> {
    const labels = this.#before.labels;
    const parts = await this.#assignTo(this.#now, labels, this.distances, this.k);
    const sizes = new Array<number>(this.k).fill(0);
    for (const { counts } of parts) for (let c = 0; c < this.k; c++) sizes[c]! += Number(counts[c]!);
    this.#before.labels = this.#now.labels;
    this.#before.sizes = this.#now.sizes;
    this.#now.labels = labels;
    this.#now.sizes = sizes;
    return parts.reduce((sum, { inertia }) => sum + inertia, 0);
  }

  /** Means of the clusters; the empty ones take the farthest users. Returns the summed squared move. */
  async update(): Promise<number> {
    const { k, matrix, factors } = this;
    const { centroids: old, norms: oldNorms } = this.#now;
    const sizes = [...this.#now.sizes];
    let labels = this.#now.labels;
    const empty = [...sizes.keys()].filter((c) => sizes[c] === 0);
    if (empty.length > 0) {
      const farthest = await farthestPoints(this.distances, undefined, empty.length);
      labels = shared.i32(labels.length);
      labels.set(this.#now.labels);
      for (const [e, row] of farthest.entries()) {
        const donor = labels[row]!;
        if (sizes[donor]! < 2) continue;
        sizes[donor]!--;
        sizes[empty[e]!] = 1;
        labels[row] = empty[e]!;
      }
    }
    const scale = Float64Array.from(sizes, (size) => (size > 0 ? 1 / size : 0));
    const next = this.#before.centroids;
    const perCluster = { $return: "F64" as const, length: k };
    const results = await this.executor.map(
      this.#items.map((range) => ({
        kernel: "sparseKmeansMeans",
        args: {
          matrix: matrix.ref(),
          factors,
          labels,
          scale,
          old,
          ...range,
          outCentroids: next,
          outNorms: perCluster,
          outShifts: perCluster,
        },
      })),
    );
    const norms = new Float64Array(k);
    let shift = 0;
    for (const { outputs } of results) {
      for (let c = 0; c < k; c++) {
        norms[c]! += (outputs.outNorms as Float64Array)[c]!;
        shift += (outputs.outShifts as Float64Array)[c]!;
      }
    }
    this.#before.centroids = old;
    this.#before.norms = oldNorms;
    this.#now.centroids = next;
    this.#now.norms = norms;
    return shift;
  }

  revert(): void {
    [this.#now, this.#before] = [this.#before, this.#now];
  }

  async lowerDistances(row: number, distances: Float32Array): Promise<(RowRange & { sum: number })[]> {
    const one = { centroids: shared.f32(this.matrix.numItems * 16), norms: new Float64Array(1) };
    this.#setRow(one, 0, row, 16);
    const to = shared.f32(this.n);
    await this.#assignTo({ ...one, labels: this.#before.labels, sizes: [] }, this.#before.labels, to, 1);
    const sums = this.#users.map((range) => ({ ...range, sum: 0 }));
    for (const shard of sums) {
      await forEachYielding(shard.end - shard.begin, (i) => {
        const at = shard.begin + i;
        distances[at] = Math.min(distances[at]!, to[at]!);
        shard.sum += distances[at]!;
      });
    }
    return sums;
  }

  async nearestOf(rows: readonly number[]) {
    const labels = new Int32Array(this.n);
    const distances = new Float32Array(this.n).fill(Number.POSITIVE_INFINITY);
    const found = { labels: shared.i32(this.n), distances: shared.f32(this.n) };
    const centroids = shared.f32(this.matrix.numItems * ROWS_AT_ONCE);
    for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
      const some = rows.slice(first, first + ROWS_AT_ONCE);
      const lanes = Math.ceil(some.length / 16) * 16;
      const state = {
        centroids: centroids.subarray(0, this.matrix.numItems * lanes),
        norms: new Float64Array(some.length),
      };
      state.centroids.fill(0);
      for (const [c, row] of some.entries()) this.#setRow(state, c, row, lanes);
      await this.#assignTo({ ...state, labels: found.labels, sizes: [] }, found.labels, found.distances, some.length);
      await forEachYielding(this.n, (i) => {
        if (!(found.distances[i]! < distances[i]!)) return;
        distances[i] = found.distances[i]!;
        labels[i] = Math.max(first + found.labels[i]!, 0);
      });
    }
    return { labels, distances };
  }

  async subset(rows: readonly number[], weights: Float32Array): Promise<Choosable> {
    return new SparseRows(this.matrix, this.factors, this.k, rows, weights);
  }
}
