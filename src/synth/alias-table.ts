import type { Random } from "../util/random.js";

/**
 * Alias tables: draws an index in proportion to its weight in constant time. Several tables lie behind one another in
 * the same arrays (one a category), each over a range [begin, end).
 * Source: Vose, "A linear algorithm for generating random numbers with a given distribution" (1991).
 */
export class AliasTables {
  /** weights: Float64 [n], none negative, each range with a positive sum. O(n). */
  static build(weights: Float64Array, offsets: Int32Array): AliasTables {
    const tables = new AliasTables(new Float64Array(weights.length), new Int32Array(weights.length), offsets);
    for (let t = 0; t + 1 < offsets.length; t++) tables.#fill(weights, offsets[t]!, offsets[t + 1]!);
    return tables;
  }

  private constructor(
    readonly keep: Float64Array,
    readonly alias: Int32Array,
    readonly offsets: Int32Array,
  ) {}

  /** A position in [offsets[table], offsets[table + 1]). */
  draw(random: Random, table: number): number {
    const begin = this.offsets[table]!;
    const position = begin + Math.floor(random.next32() * (this.offsets[table + 1]! - begin));
    return random.next32() < this.keep[position]! ? position : this.alias[position]!;
  }

  #fill(weights: Float64Array, begin: number, end: number): void {
    const n = end - begin;
    let sum = 0;
    for (let i = begin; i < end; i++) sum += weights[i]!;
    // One array, small ones from the left and large ones from the right, serves as both work lists.
    const work = new Int32Array(n);
    let small = 0;
    let large = n;
    for (let i = begin; i < end; i++) {
      this.keep[i] = (weights[i]! * n) / sum;
      this.alias[i] = i;
      if (this.keep[i]! < 1) work[small++] = i;
      else work[--large] = i;
    }
    while (small > 0 && large < n) {
      const less = work[--small]!;
      const more = work[large]!;
      this.alias[less] = more;
      this.keep[more] = this.keep[more]! + this.keep[less]! - 1;
      if (this.keep[more]! < 1) {
        large++;
        work[small++] = more;
      }
    }
    // What is left is 1 but for rounding.
    while (small > 0) this.keep[work[--small]!] = 1;
    while (large < n) this.keep[work[large++]!] = 1;
  }
}
