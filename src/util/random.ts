/**
 * A seeded random number generator whose numbers are the same on every machine and in every thread.
 *
 * The generator is xoshiro128** (32-bit words, so that it is fast in JavaScript); its 128 bits of state are filled by
 * splitmix64. A generator is keyed by (seed, stream): streams of one seed are independent of each other, so work that
 * is split over threads gives each unit (a user, a shard, a restart) its own stream and needs no order of drawing.
 *
 * Only `+ - * /`, `Math.imul`, `Math.sqrt` and `Math.log` are used: no trigonometry, whose last bit may differ between
 * engines. Not for secrets.
 *
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021); Steele, Lea and Flood,
 * "Fast splittable pseudorandom number generators" (2014).
 */

const TWO_POW_32 = 2 ** 32;
const TWO_POW_MINUS_32 = 2 ** -32;
const TWO_POW_MINUS_53 = 2 ** -53;

/** splitmix64 on a 64-bit state held as two unsigned 32-bit halves. */
export class SplitMix64 {
  /** The halves of the last output of `step`. */
  high = 0;
  low = 0;
  #stateHigh: number;
  #stateLow: number;

  constructor(stateHigh: number, stateLow: number) {
    this.#stateHigh = stateHigh >>> 0;
    this.#stateLow = stateLow >>> 0;
  }

  /** Advances the state and leaves the next 64-bit output in `high` and `low`. */
  step(): void {
    // state += 0x9e3779b97f4a7c15
    const sum = this.#stateLow + 0x7f4a7c15;
    this.#stateLow = sum >>> 0;
    this.#stateHigh = (this.#stateHigh + 0x9e3779b9 + (sum >= TWO_POW_32 ? 1 : 0)) >>> 0;
    this.high = this.#stateHigh;
    this.low = this.#stateLow;
    this.#xorShiftRight(30);
    this.#multiply(0xbf58476d, 0x1ce4e5b9);
    this.#xorShiftRight(27);
    this.#multiply(0x94d049bb, 0x133111eb);
    this.#xorShiftRight(31);
  }

  #xorShiftRight(bits: number): void {
    const low = ((this.low >>> bits) | (this.high << (32 - bits))) >>> 0;
    this.low = (this.low ^ low) >>> 0;
    this.high = (this.high ^ (this.high >>> bits)) >>> 0;
  }

  #multiply(high: number, low: number): void {
    // The upper half of low * low, by 16-bit pieces; the rest wraps around, as imul does.
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    const middle = a1 * b0 + ((a0 * b0) >>> 16);
    const middle2 = a0 * b1 + (middle % 0x10000);
    const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middle2 / 0x10000);
    this.high = (carry + Math.imul(this.high, low) + Math.imul(this.low, high)) >>> 0;
    this.low = Math.imul(this.low, low) >>> 0;
  }
}

function checkKey(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Expected a whole number from 0 to 2^53 - 1 for ${name} but received ${String(value)}`);
  }
}

/** xoshiro128**, keyed by (seed, stream). */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #spare = Number.NaN;

  /**
   * @param seed whole number, 0 to 2^53 - 1
   * @param stream whole number, 0 to 2^53 - 1; another stream of the same seed is independent
   * @throws RangeError on any other number
   */
  constructor(seed: number, stream = 0) {
    this.reseed(seed, stream);
  }

  /** Starts over as `new Random(seed, stream)` would, without an allocation of the caller's. Returns itself. */
  reseed(seed: number, stream = 0): this {
    checkKey("seed", seed);
    checkKey("stream", stream);
    // The seed is hashed before it meets the stream, so that (1, 2) and (2, 1), or neighbours, share nothing.
    const key = new SplitMix64(Math.floor(seed / TWO_POW_32), seed % TWO_POW_32);
    key.step();
    const fill = new SplitMix64(key.high ^ Math.floor(stream / TWO_POW_32), key.low ^ (stream % TWO_POW_32));
    fill.step();
    const a = fill.low;
    const b = fill.high;
    fill.step();
    return this.setState(a, b, fill.low, fill.high);
  }

  /** Sets the four 32-bit words of the state, which must not all be 0. */
  setState(a: number, b: number, c: number, d: number): this {
    if ((a | b | c | d) === 0) throw new RangeError("Expected a state that is not all zero");
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#d = d | 0;
    this.#spare = Number.NaN;
    return this;
  }

  /** The next 32 bits, as a whole number 0 to 2^32 - 1. */
  uint32(): number {
    const b = this.#b;
    const times5 = Math.imul(b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9);
    const c = this.#c ^ this.#a;
    const d = this.#d ^ b;
    this.#b = b ^ c;
    this.#a ^= d;
    this.#c = c ^ (b << 9);
    this.#d = (d << 11) | (d >>> 21);
    return result >>> 0;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) * TWO_POW_MINUS_53;
  }

  /** Uniform in [0, 1) with 32 random bits: half the cost of `next`, enough for a coin. */
  next32(): number {
    return this.uint32() * TWO_POW_MINUS_32;
  }

  /**
   * Uniform whole number in [0, n), without bias (by rejection).
   * @param n whole number, 1 to 2^32
   */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_POW_32) {
      throw new RangeError(`Expected a whole number from 1 to 2^32 for n but received ${String(n)}`);
    }
    // A multiple of n: what lies above it would favour the small results.
    const limit = TWO_POW_32 - (TWO_POW_32 % n);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return x % n;
  }

  /** Standard normal (Marsaglia's polar method; every second call is free). */
  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = Number.NaN;
      return spare;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * this.next() - 1;
      y = 2 * this.next() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spare = y * scale;
    return x * scale;
  }

  /** Puts the array into a random order, in place (Fisher-Yates). Returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = array[i];
      array[i] = array[j];
      array[j] = held;
    }
    return array;
  }
}
