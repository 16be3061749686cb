import type { Matrix } from "../store/matrix.js";
import { forEachYielding } from "../util/yield.js";
import type { Choosable } from "./choosable.js";

interface Row {
  indices: Int32Array;
  values: Float32Array;
  /** What the values count times. */
  factor: number;
}

/** Some rows of a matrix to choose first centroids among: few enough for plain loops. */
export class SparseRows implements Choosable {
  readonly n: number;
  readonly #dense: Float64Array;

  private constructor(
    numItems: number,
    readonly k: number,
    readonly rows: readonly Row[],
    readonly weights: Float32Array,
  ) {
    this.n = rows.length;
    this.#dense = new Float64Array(numItems);
  }

  /** `factors`: [numUsers] what values of a row count times. */
  static async create(
    matrix: Matrix,
    factors: Float32Array,
    k: number,
    users: readonly number[],
    weights: Float32Array,
  ): Promise<SparseRows> {
    const rows: Row[] = [];
    await forEachYielding(users.length, (at) => {
      const user = users[at]!;
      rows.push({ ...matrix.userRow(user), factor: factors[user]! });
    });
    return new SparseRows(matrix.numItems, k, rows, weights);
  }

  /** [n] of all rows to one of them. */
  async squaredDistancesTo(at: number): Promise<Float32Array> {
    const { rows } = this;
    const dense = this.#dense;
    const chosen = rows[at]!;
    for (const [cell, item] of chosen.indices.entries()) dense[item] = chosen.values[cell]! * chosen.factor;
    let squares = 0;
    for (const item of chosen.indices) squares += dense[item]! ** 2;
    const distances = new Float32Array(this.n);
    await forEachYielding(this.n, (i) => {
      const { indices, values, factor } = rows[i]!;
      let distance = squares;
      for (let cell = 0; cell < indices.length; cell++) {
        const value = values[cell]! * factor;
        distance += value * (value - 2 * dense[indices[cell]!]!);
      }
      distances[i] = i === at ? 0 : Math.max(distance, 0);
    });
    for (const item of chosen.indices) dense[item] = 0;
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
