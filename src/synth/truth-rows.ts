import { writeSync } from "node:fs";

/** Where the tensors lie: what a worker needs to write its rows. Positions in bytes. */
export interface TruthLayout {
  fd: number;
  without: number;
  with: number;
  redeem: number;
  orderValue: number;
}

/** A user's row of the truth, Float32 [coupons] each. */
export interface TruthRow {
  without: Float32Array;
  with: Float32Array;
  redeem: Float32Array;
}

/** Gathers rows of the truth and writes them in blocks of about 4 MiB a tensor. */
export class TruthRows {
  readonly #layout: TruthLayout;
  readonly #cols: number;
  readonly #capacity: number;
  readonly #without: Float32Array;
  readonly #with: Float32Array;
  readonly #redeem: Float32Array;
  readonly #orderValue: Float32Array;
  #begin = 0;
  #rows = 0;

  constructor(layout: TruthLayout, cols: number) {
    this.#layout = layout;
    this.#cols = cols;
    this.#capacity = Math.max(1, Math.floor((1 << 20) / cols));
    this.#without = new Float32Array(this.#capacity * cols);
    this.#with = new Float32Array(this.#capacity * cols);
    this.#redeem = new Float32Array(this.#capacity * cols);
    this.#orderValue = new Float32Array(this.#capacity);
  }

  /** Starts at this row; rows follow without gaps. */
  start(row: number): void {
    this.#begin = row;
    this.#rows = 0;
  }

  /** The next row, to be filled before the next call. */
  next(orderValueMinor: number): TruthRow {
    if (this.#rows === this.#capacity) this.flush();
    const at = this.#rows * this.#cols;
    const end = at + this.#cols;
    this.#orderValue[this.#rows++] = orderValueMinor;
    return {
      without: this.#without.subarray(at, end),
      with: this.#with.subarray(at, end),
      redeem: this.#redeem.subarray(at, end),
    };
  }

  flush(): void {
    const rows = this.#rows;
    const at = 4 * this.#cols * this.#begin;
    this.#write(this.#without.subarray(0, rows * this.#cols), this.#layout.without + at);
    this.#write(this.#with.subarray(0, rows * this.#cols), this.#layout.with + at);
    this.#write(this.#redeem.subarray(0, rows * this.#cols), this.#layout.redeem + at);
    this.#write(this.#orderValue.subarray(0, rows), this.#layout.orderValue + 4 * this.#begin);
    this.#begin += rows;
    this.#rows = 0;
  }

  #write(data: Float32Array, position: number): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    let at = 0;
    while (at < bytes.length) at += writeSync(this.#layout.fd, bytes, at, bytes.length - at, position + at);
  }
}
