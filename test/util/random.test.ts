import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random, SplitMix64 } from "../../src/util/random.js";

const MASK64 = (1n << 64n) - 1n;
const MASK32 = (1n << 32n) - 1n;

/** splitmix64 as published, on BigInt. */
function splitMix64Reference(state: bigint, count: number): bigint[] {
  const out: bigint[] = [];
  for (let i = 0; i < count; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & MASK64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK64;
    out.push(z ^ (z >> 31n));
  }
  return out;
}

/** xoshiro128** as published, on BigInt. */
function xoshiroReference(state: [bigint, bigint, bigint, bigint], count: number): number[] {
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & MASK32;
  const s = [...state] as typeof state;
  const out: number[] = [];
  for (let i = 0; i < count; i++) {
    out.push(Number((rotl((s[1] * 5n) & MASK32, 7n) * 9n) & MASK32));
    const t = (s[1] << 9n) & MASK32;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
  }
  return out;
}

describe("SplitMix64", () => {
  it("gives the published numbers for seed 1234567", () => {
    const generator = new SplitMix64(0, 1234567);
    const got: bigint[] = [];
    for (let i = 0; i < 5; i++) {
      generator.step();
      got.push((BigInt(generator.high) << 32n) | BigInt(generator.low));
    }
    expect(got).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ]);
  });

  it("equals the BigInt form for any state", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MASK64 }), (state) => {
        const generator = new SplitMix64(Number(state >> 32n), Number(state & MASK32));
        for (const expected of splitMix64Reference(state, 4)) {
          generator.step();
          expect((BigInt(generator.high) << 32n) | BigInt(generator.low)).toBe(expected);
        }
      }),
    );
  });
});

describe("Random", () => {
  it("is xoshiro128** for any state", () => {
    const word = fc.bigInt({ min: 0n, max: MASK32 });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (state) => {
        fc.pre(state.some((x) => x !== 0n));
        const random = new Random(0).setState(Number(state[0]), Number(state[1]), Number(state[2]), Number(state[3]));
        expect(Array.from({ length: 12 }, () => random.uint32())).toEqual(xoshiroReference(state, 12));
      }),
    );
    const known = new Random(0).setState(1, 2, 3, 4);
    expect([known.uint32(), known.uint32(), known.uint32(), known.uint32()]).toEqual([11520, 0, 5927040, 70819200]);
  });

  it("repeats itself for the same key and differs for any other", () => {
    const draw = (seed: number, stream: number) => {
      const random = new Random(seed, stream);
      return `${random.uint32()} ${random.uint32()}`;
    };
    const key = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(key, key, (seed, stream) => {
        expect(draw(seed, stream)).toBe(draw(seed, stream));
      }),
    );
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed++) for (let stream = 0; stream < 40; stream++) seen.add(draw(seed, stream));
    seen.add(draw(2 ** 40, 0)).add(draw(0, 2 ** 40));
    expect(seen.size).toBe(1602);
  });

  it("starts over with reseed, the spare normal included", () => {
    const random = new Random(5, 6);
    random.normal();
    random.reseed(5, 6);
    expect(random.normal()).toBe(new Random(5, 6).normal());
  });

  it("is uniform in next, next32 and int", () => {
    const random = new Random(1);
    const n = 200_000;
    let sum = 0;
    let square = 0;
    const bins = new Array<number>(7).fill(0);
    for (let i = 0; i < n; i++) {
      const x = i % 2 === 0 ? random.next() : random.next32();
      expect(x >= 0 && x < 1).toBe(true);
      sum += x;
      square += x * x;
      const k = random.int(7);
      bins[k] = bins[k]! + 1;
    }
    expect(Math.abs(sum / n - 1 / 2)).toBeLessThan(5 / Math.sqrt(12 * n));
    expect(Math.abs(square / n - 1 / 3)).toBeLessThan(0.005);
    const chiSquare = bins.reduce((total, count) => total + (count - n / 7) ** 2 / (n / 7), 0);
    expect(chiSquare).toBeLessThan(22.5); // 6 degrees of freedom, p = 0.001
  });

  it("has standard normals", () => {
    const random = new Random(2);
    const n = 200_000;
    const moments = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = random.normal();
      for (let k = 0; k < 4; k++) moments[k] = moments[k]! + x ** (k + 1) / n;
    }
    expect(Math.abs(moments[0]!)).toBeLessThan(0.012);
    expect(Math.abs(moments[1]! - 1)).toBeLessThan(0.02);
    expect(Math.abs(moments[2]!)).toBeLessThan(0.05);
    expect(Math.abs(moments[3]! - 3)).toBeLessThan(0.15);
  });

  it("has streams that do not move together", () => {
    const n = 20_000;
    for (const [one, other] of [
      [0, 1],
      [7, 8],
      [1, 2 ** 33],
    ] as const) {
      const a = new Random(3, one);
      const b = new Random(3, other);
      let product = 0;
      for (let i = 0; i < n; i++) product += ((a.next() - 0.5) * (b.next() - 0.5) * 12) / n;
      expect(Math.abs(product)).toBeLessThan(4 / Math.sqrt(n));
    }
    // The first draw over neighbouring streams, as one stream a user makes it, is uniform too.
    let sum = 0;
    for (let user = 0; user < n; user++) sum += new Random(3, user).next() / n;
    expect(Math.abs(sum - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n));
  });

  it("shuffles every order equally often", () => {
    const random = new Random(4);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = random.shuffle([0, 1, 2, 3]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((total, count) => total + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(49.7); // 23 degrees of freedom, p = 0.001
  });

  it("refuses keys and bounds that are no whole numbers in range", () => {
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(() => new Random(bad)).toThrow(RangeError);
      expect(() => new Random(1, bad)).toThrow(RangeError);
      expect(() => new Random(1).int(bad)).toThrow(RangeError);
    }
    expect(() => new Random(1).int(0)).toThrow(/from 1 to 2\^32/);
    expect(new Random(1).int(1)).toBe(0);
    expect(new Random(1).int(2 ** 32)).toBeLessThan(2 ** 32);
    expect(() => new Random(1).setState(0, 0, 0, 0)).toThrow(RangeError);
  });
});
