import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DbscanOptions, dbscan } from "../../src/profile/dbscan.js";
import { kDistanceCurve, suggestEps } from "../../src/profile/k-distance.js";
import { Random } from "../../src/util/random.js";
import { settings } from "../support/arbitraries.js";
import { plainDbscan, squaredDistance } from "../support/plain-dbscan.js";
import { expectSameBytes } from "../support/same-bytes.js";

const instances = fc
  .record({ n: fc.integer({ min: 1, max: 90 }), dims: fc.integer({ min: 1, max: 4 }), whole: fc.boolean() })
  .chain(({ n, dims, whole }) =>
    fc.record({
      dims: fc.constant(dims),
      // Small whole numbers: equal points, distances of exactly eps.
      points: fc
        .array(whole ? fc.integer({ min: -4, max: 4 }) : fc.float({ min: -4, max: 4, noNaN: true }), {
          minLength: n * dims,
          maxLength: n * dims,
        })
        .map((list) => Float32Array.from(list)),
      eps: whole ? fc.constantFrom(1, 2, Math.SQRT2) : fc.double({ min: 0.1, max: 3, noNaN: true }),
      minSamples: fc.integer({ min: 1, max: 8 }),
      weights: fc.option(
        fc
          .array(fc.integer({ min: -1, max: 4 }), { minLength: n, maxLength: n })
          .map((list) => Float64Array.from(list)),
        { nil: undefined },
      ),
    }),
  );

const GROUPS = 5;
function groups(n: number, dims: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: n * dims }, (_, i) => {
    const row = Math.floor(i / dims);
    return row % 20 === 0 ? random.normal() * 20 : (row % GROUPS) * 6 + random.normal();
  });
}

describe("DBSCAN", () => {
  it("the golden case of formulas.md", async () => {
    const points = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1, 2.5, 0, 4, 0, 4, 1, 5, 0, 5, 1, 9, 9);
    const { labels, sizes, numNoise, cores } = await dbscan(points, 2, { eps: 1.5, minSamples: 4 });
    expect([...labels]).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, -1]);
    expect(sizes).toEqual([5, 4]);
    expect(numNoise).toBe(1);
    expect([...cores]).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1, 0]);
  });

  it("equals the plain loop, also with equal points, distances of exactly eps and weights", async () => {
    await fc.assert(
      fc.asyncProperty(instances, async ({ points, dims, eps, minSamples, weights }) => {
        const near = (a: number, b: number) => squaredDistance(points, dims, a, b) <= eps * eps;
        const expected = plainDbscan(points.length / dims, near, minSamples, weights);
        const { labels, cores, sizes, numNoise } = await dbscan(points, dims, { eps, minSamples, weights, threads: 1 });
        expect([...cores]).toEqual(expected.cores);
        expect([...labels]).toEqual(expected.labels);
        expect(sizes).toEqual(
          Array.from({ length: expected.clusters }, (_, c) => expected.labels.filter((label) => label === c).length),
        );
        expect(numNoise).toBe(expected.labels.filter((label) => label < 0).length);
      }),
      settings(200),
    );
  });

  it("1, 2 and 3 threads give the same bytes, over several shards", async () => {
    const points = groups(30_000, 3, 7);
    const results = await Promise.all([1, 2, 3].map((threads) => dbscan(points, 3, { eps: 0.6, threads })));
    expect(results[0]!.sizes.length).toBeGreaterThanOrEqual(GROUPS);
    expectSameBytes(results[1], results[0]);
    expectSameBytes(results[2], results[0]);
  });

  it("a border point between two clusters belongs to the one that is found first", async () => {
    const points = Float32Array.of(4, 4.1, 4.2, 2, 0, -0.1, -0.2);
    expect([...(await dbscan(points, 1, { eps: 2, minSamples: 4 })).labels]).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect([...(await dbscan(points.toReversed(), 1, { eps: 2, minSamples: 4 })).labels]).toEqual([
      0, 0, 0, 0, 1, 1, 1,
    ]);
  });

  it("finds the groups with eps from the k-distance curve", async () => {
    const result = await dbscan(groups(4000, 2, 3), 2, { eps: "auto" });
    expect(result.sizes.filter((size) => size > 400).length).toBe(GROUPS);
    expect(result.curve!.length).toBe(4000);
    // The share of values up to eps is that of core points.
    const upTo = result.curve!.filter((distance) => distance <= result.eps).length;
    expect(Math.abs(upTo - result.cores.filter((core) => core === 1).length)).toBeLessThanOrEqual(1);
  });

  it("stops when it is asked to", async () => {
    const controller = new AbortController();
    const running = dbscan(groups(200_000, 4, 1), 4, {
      eps: 3,
      signal: controller.signal,
      onProgress: ({ stage }) => stage === "core points" && controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
  });

  it("refuses what makes no sense, naming it", async () => {
    const points = Float32Array.of(1, 2, 3, 4);
    const call = (options: Partial<DbscanOptions>, values = points, dims = 1) =>
      dbscan(values, dims, { eps: 1, ...options });
    const wrong: [() => Promise<unknown>, string][] = [
      [() => call({ eps: 0 }), "eps"],
      [() => call({ eps: Number.NaN }), "eps"],
      [() => call({ eps: "small" as never }), "eps"],
      [() => call({ eps: 1e101 }), "eps"],
      [() => call({ eps: Number.POSITIVE_INFINITY }), "eps"],
      [() => call({ minSamples: 0 }), "minSamples"],
      [() => call({ minSamples: 1.5 }), "minSamples"],
      [() => call({ weights: new Float64Array(3) }), "weights"],
      [() => call({ weights: Float64Array.of(1, 1, Number.NaN, 1) }), "weights"],
      [() => call({}, points, 3), "multiple of 3"],
      [() => call({}, new Float32Array(0)), "points"],
      [() => call({}, Float32Array.of(1, Number.NaN)), "point 1"],
      [() => call({ eps: "auto" }, new Float32Array(100).fill(3)), "knee"],
    ];
    for (const [attempt, message] of wrong) {
      await expect(attempt(), message).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringContaining(message),
      });
    }
  });
});

describe("k-distance curve", () => {
  it("equals the sorted distances", async () => {
    await fc.assert(
      fc.asyncProperty(instances, fc.integer({ min: 1, max: 100 }), async ({ points, dims }, wanted) => {
        const n = points.length / dims;
        const k = Math.min(wanted, n);
        const rows = Array.from({ length: n }, (_, row) => row);
        const expected = rows
          .map((a) => Math.sqrt(rows.map((b) => squaredDistance(points, dims, a, b)).sort((x, y) => x - y)[k - 1]!))
          .sort((x, y) => x - y);
        expect([...(await kDistanceCurve(points, dims, { k, threads: 1 }))]).toEqual(expected);
      }),
      settings(100),
    );
  });

  it("has its knee where it begins to rise", () => {
    expect(suggestEps(Float64Array.of(0, 0, 1, 1.1, 1.2, 1.3, 5, 9))).toBe(1.3);
    expect(suggestEps(Float64Array.of(0, 0, 0))).toBeUndefined();
    expect(suggestEps(Float64Array.of(2, 2, 2))).toBeUndefined();
    expect(suggestEps(Float64Array.of(1, 2))).toBeUndefined();
    expect(suggestEps(new Float64Array(0))).toBeUndefined();
  });
});
