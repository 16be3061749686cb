import type { Matrix } from "../store/matrix.js";
import { forEachYielding } from "../util/yield.js";
import type { Choosable } from "./choosable.js";

/** Some rows of a matrix to choose first centroids among: few enough for plain loops. */
export class SparseRows implements Choosable {
  readonly n: number;
  readonly #dense: Float64Array;

  constructor(
    readonly matrix: Matrix,
    /** [numUsers] what values of a row count times. */
    readonly factors: Float32Array,
    readonly k: number,
    readonly rows: readonly number[],
    readonly weights: Float32Array,
  ) {
    this.n = rows.length;
    this.#dense = new Float64Array(matrix.numItems);
  }

  /** [n] of all rows to one of them. */
  async squaredDistancesTo(at: number): Promise<Float32Array> {
    const { matrix, factors, rows } = this;
    const chosen = matrix.userRow(rows[at]!);
    for (const [cell, item] of chosen.indices.entries()) this.#dense[item] = chosen.values[cell]! * factors[rows[at]!]!;
    let squares = 0;
    for (const item of chosen.indices) squares += this.#dense[item]! ** 2;
    const distances = new Float32Array(this.n);
    await forEachYielding(this.n, (i) => {
      const { indices, values } = matrix.userRow(rows[i]!);
      let distance = squares;
      for (let cell = 0; cell < indices.length; cell++) {
        const value = values[cell]! * factors[rows[i]!]!;
        distance += value * (value - 2 * this.#dense[indices[cell]!]!);
      }
      distances[i] = i === at ? 0 : Math.max(distance, 0);
    });
    for (const item of chosen.indices) this.#dense[item] = 0;
    return distances;
  }

  async lowerDistances(at: number, distances: Float32Array) {
    const to = await this.squaredDistancesTo(at);
    let sum = 0;
    for (let i = 0; i < this.n; i++) {
      distances[i] = Math.min(distances[i]!, this.weights[i]! * to[i]!);
      sum += distances[i]!;
    }
    return [{ begin: 0, end: this.n, sum }];
  }
}
