/** 64-bit integers as numbers: the array's own elements are BigInts, each an object for the collector. */
export class Int64Numbers {
  readonly #words: Int32Array;

  constructor(values: BigInt64Array) {
    this.#words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  }

  /** Element `i`, a safe integer. */
  at(i: number): number {
    return this.#words[2 * i + 1]! * 4_294_967_296 + (this.#words[2 * i]! >>> 0);
  }
}
