import { writeSync } from "node:fs";

/**
 * Text as bytes, by hand: with tens of millions of lines, strings would cost more than everything else. Keeps what it
 * is given in one growing buffer; with a file descriptor it empties the buffer into the file now and then.
 */
export class ByteSink {
  #bytes: Uint8Array;
  #length = 0;
  /** bytes written to the file */
  #written = 0;
  readonly #fd: number | undefined;

  constructor(fd?: number, capacity = 1 << 20) {
    this.#fd = fd;
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes taken in so far. */
  get size(): number {
    return this.#written + this.#length;
  }

  /** Makes room for `bytes` more; each line calls it once with its greatest length. */
  reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    if (this.#fd !== undefined) {
      this.flush();
      if (bytes <= this.#bytes.length) return;
    }
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  byte(code: number): void {
    this.#bytes[this.#length++] = code;
  }

  /** source[begin, end) */
  copy(source: Uint8Array, begin: number, end: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = begin; i < end; i++) bytes[at++] = source[i]!;
    this.#length = at;
  }

  /** ASCII text only. */
  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  twoDigits(n: number): void {
    const tens = (n / 10) | 0;
    this.#bytes[this.#length++] = 48 + tens;
    this.#bytes[this.#length++] = 48 + n - tens * 10;
  }

  /** A whole number 0 to 2^31 - 1. */
  number(n: number): void {
    let digits = 1;
    for (let power = 10; n >= power && digits < 10; power *= 10) digits++;
    let at = this.#length + digits;
    this.#length = at;
    do {
      const rest = (n / 10) | 0;
      this.#bytes[--at] = 48 + n - rest * 10;
      n = rest;
    } while (n > 0);
  }

  /** Empties the buffer into the file. */
  flush(): void {
    if (this.#fd === undefined) return;
    let at = 0;
    while (at < this.#length) at += writeSync(this.#fd, this.#bytes, at, this.#length - at);
    this.#written += at;
    this.#length = 0;
  }

  /** What is in the buffer, as a copy with an ArrayBuffer of its own; the buffer is emptied. */
  take(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#length);
    out.set(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return out;
  }
}
