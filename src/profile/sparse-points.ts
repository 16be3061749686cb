import { invalidArgument } from "../errors.js";
import { type Executor, type RowRange, shards, shared } from "../executor/executor.js";
import { Recycled } from "../executor/recycled.js";
import { evenRanges } from "../executor/shards.js";
import type { Matrix } from "../store/matrix.js";
import { forEachYielding } from "../util/yield.js";
import type { Choosable, Searchable } from "./choosable.js";
import { SparseRows } from "./sparse-rows.js";

const SHARD_USERS = 8192;
/** Rows that distances are measured to in one pass. */
const ROWS_AT_ONCE = 64;

/** Squared lengths between which float32 holds products of rows, and their differences. */
const LEAST_SQUARE = 2 ** -100;
export const LARGEST_SQUARE = 2 ** 126;

/** Refuses points whose products float32 does not hold; `square`: the largest squared length. */
function checkLengths(square: number): void {
  if (square === 0 || (square >= LEAST_SQUARE && square <= LARGEST_SQUARE)) return;
  throw invalidArgument(
    `expected rows not longer than 9e18, the longest at least 9e-16, but it is ${Math.sqrt(square)}`,
    {
      hint: "Rows at unit length may be of any size.",
    },
  );
}

/** Dense centroids, laid out [items][lanes] so that a cell of a row costs one run of vectors. */
export interface SparseCentroids {
  centroids: Float32Array;
  /** [k] squared lengths. */
  norms: Float64Array;
}

/** k rounded up to whole vectors: the columns of the layout. */
export const lanesOf = (k: number) => Math.ceil(k / 16) * 16;

/** Rows of a matrix as points, as they are or at unit length. */
export class SparsePoints implements Searchable {
  /** [numUsers] what users with cells count as; 0 for others, who are nobody's start. */
  readonly weights: Float32Array;
  /** Users with cells. */
  numActive = 0;
  /** Weighted sum of the squared lengths. */
  squaresSum = 0;
  largestSquare = 0;

  private constructor(
    readonly executor: Executor,
    readonly matrix: Matrix,
    readonly k: number,
    /** Rows count at unit length. */
    readonly unit: boolean,
    /** [numUsers] what the values of a row count times: 1, or what makes the row's length 1. */
    readonly factors: Float32Array,
    /** [numUsers] squared length of the row, after that. */
    readonly squares: Float64Array,
    /** [numUsers] what users count as, in shared memory; undefined: all 1. */
    readonly given: Float32Array | undefined,
    /** What the arrays of numUsers and of cells are from. */
    readonly memory: Recycled,
  ) {
    this.weights = new Float32Array(matrix.numUsers);
  }

  static async create(
    executor: Executor,
    matrix: Matrix,
    k: number,
    { unit, weights }: { unit: boolean; weights: Float32Array | undefined },
  ): Promise<SparsePoints> {
    const memory = new Recycled();
    const factors = memory.take("f32", matrix.numUsers);
    const squares = memory.take("f64", matrix.numUsers);
    const points = new SparsePoints(executor, matrix, k, unit, factors, squares, weights, memory);
    await matrix.check(executor);
    await executor.map(
      evenRanges(matrix.numUsers, executor.threads).map((range) => ({
        kernel: "sparseRowLengths",
        args: { matrix: matrix.ref(), axis: "users", unit, ...range, outFactors: factors, outSquares: squares },
      })),
    );
    await forEachYielding(matrix.numUsers, (row) => {
      if (!(squares[row]! > 0)) return;
      points.weights[row] = weights?.[row] ?? 1;
      points.numActive++;
      points.squaresSum += points.weights[row]! * squares[row]!;
      points.largestSquare = Math.max(points.largestSquare, squares[row]!);
    });
    if (!unit) checkLengths(points.largestSquare);
    return points;
  }

  get n(): number {
    return this.matrix.numUsers;
  }

  /** Makes centroid c of `lanes` the row of a user; the others must be 0 there. Returns its largest magnitude. */
  setRow({ centroids, norms }: SparseCentroids, c: number, row: number, lanes: number): number {
    const { indices, values } = this.matrix.userRow(row);
    let norm = 0;
    let largest = 0;
    for (const [cell, item] of indices.entries()) {
      const value = Math.fround(values[cell]! * this.factors[row]!);
      centroids[item * lanes + c] = value;
      norm += value ** 2;
      largest = Math.max(largest, Math.abs(value));
    }
    norms[c] = norm;
    return largest;
  }

  /** Measures all distances: [numUsers] the nearest centroid and its squared distance. */
  async measure({ centroids, norms }: SparseCentroids, labels: Int32Array, distances: Float32Array): Promise<void> {
    const { matrix, factors, squares } = this;
    await this.executor.map(
      shards(matrix.numUsers, SHARD_USERS).map((range) => ({
        kernel: "sparseKmeansAssign",
        args: {
          matrix: matrix.ref(),
          factors,
          squares,
          centroids,
          norms,
          ...range,
          outLabels: labels,
          outDistances: distances,
          outCounts: { $return: "I64", length: norms.length },
        },
      })),
    );
  }

  async lowerDistances(row: number, distances: Float32Array): Promise<(RowRange & { sum: number })[]> {
    const one = { centroids: shared.f32(this.matrix.numItems * lanesOf(1)), norms: new Float64Array(1) };
    this.setRow(one, 0, row, lanesOf(1));
    const to = shared.f32(this.n);
    await this.measure(one, shared.i32(this.n), to);
    const sums = shards(this.n, SHARD_USERS).map((range) => ({ ...range, sum: 0 }));
    for (const shard of sums) {
      await forEachYielding(shard.end - shard.begin, (i) => {
        const at = shard.begin + i;
        distances[at] = Math.min(distances[at]!, this.weights[at]! * to[at]!);
        shard.sum += distances[at]!;
      });
    }
    return sums;
  }

  async nearestOf(rows: readonly number[]) {
    const labels = new Int32Array(this.n);
    const distances = new Float32Array(this.n).fill(Number.POSITIVE_INFINITY);
    const found = { labels: shared.i32(this.n), distances: shared.f32(this.n) };
    const all = shared.f32(this.matrix.numItems * ROWS_AT_ONCE);
    for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
      const some = rows.slice(first, first + ROWS_AT_ONCE);
      const lanes = lanesOf(some.length);
      const centroids = all.subarray(0, this.matrix.numItems * lanes).fill(0);
      const to = { centroids, norms: new Float64Array(some.length) };
      for (const [c, row] of some.entries()) this.setRow(to, c, row, lanes);
      await this.measure(to, found.labels, found.distances);
      await forEachYielding(this.n, (i) => {
        if (!(found.distances[i]! < distances[i]!)) return;
        distances[i] = found.distances[i]!;
        labels[i] = Math.max(first + found.labels[i]!, 0);
      });
    }
    return { labels, distances };
  }

  async subset(rows: readonly number[], weights: Float32Array): Promise<Choosable> {
    return SparseRows.create(this.matrix, this.factors, this.k, rows, weights);
  }
}
