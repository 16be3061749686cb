import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KmeansResult, kmeans } from "../../src/profile/kmeans.js";
import { kmeansPredict } from "../../src/profile/kmeans-predict.js";
import { Random } from "../../src/util/random.js";
import { settings } from "../support/arbitraries.js";
import { expectClose } from "../support/ranking.js";
import { expectSameBytes } from "../support/same-bytes.js";

const squaredDistance = (points: Float32Array, i: number, centroids: Float32Array, c: number, dims: number) => {
  let sum = 0;
  for (let d = 0; d < dims; d++) sum += (points[i * dims + d]! - centroids[c * dims + d]!) ** 2;
  return sum;
};

/** What must hold of every answer, checked in float64. */
function expectSound(points: Float32Array, dims: number, k: number, result: KmeansResult): void {
  const n = points.length / dims;
  const { labels, centroids, sizes, inertia, history, converged, iterations } = result;
  expect(labels.length).toBe(n);
  expect(centroids.length).toBe(k * dims);
  expect(centroids.every(Number.isFinite)).toBe(true);
  const counted = new Array<number>(k).fill(0);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const label = labels[i]!;
    expect(label).toBeGreaterThanOrEqual(0);
    expect(label).toBeLessThan(k);
    counted[label]!++;
    const own = squaredDistance(points, i, centroids, label, dims);
    sum += own;
    for (let c = 0; c < k; c++) {
      const other = squaredDistance(points, i, centroids, c, dims);
      expect(own, `point ${i}: centroid ${c} is nearer than its own ${label}`).toBeLessThanOrEqual(
        other * (1 + 1e-4) + 1e-4,
      );
      // Equal distances in exact arithmetic of small whole numbers: the smaller index.
      if (own === other && c < label) {
        const exact = [...points, ...centroids].every(Number.isInteger);
        expect(exact, `point ${i} should belong to ${c}, not to ${label}`).toBe(false);
      }
    }
  }
  expect(sizes).toEqual(counted);
  expectClose(inertia, sum, "inertia");
  expect(history.at(-1)).toBe(inertia);
  for (let h = 1; h < history.length; h++) expect(history[h], "inertia rises").toBeLessThanOrEqual(history[h - 1]!);
  expect(iterations).toBeGreaterThanOrEqual(1);
  expect(typeof converged).toBe("boolean");
}

const instances = fc
  .record({
    n: fc.integer({ min: 1, max: 40 }),
    dims: fc.integer({ min: 1, max: 4 }),
    spread: fc.integer({ min: 0, max: 6 }),
    seed: fc.nat(1000),
  })
  .chain(({ n, dims, spread, seed }) =>
    fc.record({
      dims: fc.constant(dims),
      seed: fc.constant(seed),
      k: fc.integer({ min: 1, max: n }),
      // Few different values: many equal points, empty clusters, ties.
      points: fc
        .array(fc.integer({ min: -spread, max: spread }), { minLength: n * dims, maxLength: n * dims })
        .map((list) => Float32Array.from(list)),
    }),
  );

describe("K-means", () => {
  it("keeps its invariants, also with equal points, empty clusters and k = n", async () => {
    await fc.assert(
      fc.asyncProperty(instances, async ({ points, dims, k, seed }) => {
        const result = await kmeans(points, dims, { k, seed, tolerance: 0, threads: 1 });
        expectSound(points, dims, k, result);
        const n = points.length / dims;
        const distinct = new Set(Array.from({ length: n }, (_, i) => points.slice(i * dims, (i + 1) * dims).join()));
        // Every place has its centroid, or every cluster has its points.
        if (k >= distinct.size) expect(result.inertia).toBe(0);
        else expect(result.sizes.every((size) => size > 0)).toBe(true);
      }),
      settings(200),
    );
  });

  it("k = n: every point its own cluster", async () => {
    const points = Float32Array.of(5, 1, 4, 2, 3);
    const { inertia, sizes, labels } = await kmeans(points, 1, { k: 5 });
    expect(inertia).toBe(0);
    expect(sizes).toEqual([1, 1, 1, 1, 1]);
    expect(new Set(labels).size).toBe(5);
  });

  it("all points equal: one cluster holds them, the others are empty", async () => {
    const { inertia, sizes, labels } = await kmeans(new Float32Array(3000).fill(7), 3, { k: 4 });
    expect(inertia).toBe(0);
    expect(labels.every((label) => label === 0)).toBe(true);
    expect(sizes).toEqual([1000, 0, 0, 0]);
  });

  it("an empty cluster takes the farthest point, of equal ones the smaller", async () => {
    // Both start in the same place: cluster 1 stays empty until it is sent to 10, the farthest from 0.
    const start = Float32Array.of(0, 0);
    const { centroids, inertia } = await kmeans(Float32Array.of(-1, 0, 1, 10, 10), 1, { k: 2, centroids: start });
    expect([...centroids]).toEqual([0, 10]);
    expect(inertia).toBe(2);
    const two = await kmeans(Float32Array.of(-4, 0, 0, 0, 4), 1, { k: 2, centroids: start, maxIterations: 1 });
    expect(two.centroids[1]).toBe(-4);
  });

  it("thousands of empty clusters cost no pass each", async () => {
    const points = new Float32Array(200_000).fill(1);
    points.fill(2, 100_000);
    const started = performance.now();
    const k = 2000;
    const { sizes } = await kmeans(points, 1, { k, centroids: new Float32Array(k), maxIterations: 2 });
    expect(sizes.filter((size) => size > 0).length).toBe(2);
    // A pass over 200,000 points for each of 2,000 clusters would be 4e8 steps of JavaScript an iteration.
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it("1, 2 and 3 threads give the same bytes, over several shards", async () => {
    const random = new Random(3);
    const points = Float32Array.from({ length: 50_000 * 3 }, () => random.normal());
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((threads) => kmeans(points, 3, { k: 7, seed: 9, maxIterations: 12, threads })),
    );
    expectSameBytes(two, one);
    expectSameBytes(three, one);
    for (let h = 1; h < one!.history.length; h++) expect(one!.history[h]).toBeLessThanOrEqual(one!.history[h - 1]!);
  });

  it("a caller's points are only read, shared or not", async () => {
    const plain = Float32Array.of(0, 1, 10, 11);
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set(plain);
    const a = await kmeans(plain, 1, { k: 2 });
    const b = await kmeans(shared, 1, { k: 2 });
    expect(a).toEqual(b);
    expect([...plain]).toEqual([0, 1, 10, 11]);
    expect([...shared]).toEqual([0, 1, 10, 11]);
  });

  it("a call changes nothing of an earlier one, nor the earlier one of it", async () => {
    const pointsOf = (seed: number) => {
      const random = new Random(seed);
      return Float32Array.from({ length: 500 * 9 }, () => random.next());
    };
    for (const nInit of [1, 3]) {
      const options = { k: 30, nInit, seed: 3, maxIterations: 4 };
      const first = await kmeans(pointsOf(1), 9, options);
      const copy = structuredClone(first);
      const other = await kmeans(pointsOf(2), 9, options);
      expect(first).toEqual(copy);
      expect(await kmeans(pointsOf(1), 9, options)).toEqual(copy);
      expect(await kmeans(pointsOf(2), 9, options)).toEqual(other);
    }
  });

  it("refuses what makes no sense, naming it", async () => {
    const points = Float32Array.of(1, 2, 3, 4);
    const wrong: [() => Promise<unknown>, string][] = [
      [() => kmeans([1, 2] as never, 1, { k: 1 }), "Float32Array"],
      [() => kmeans(points, 3, { k: 1 }), "multiple of 3"],
      [() => kmeans(points, 0, { k: 1 }), "dims"],
      [() => kmeans(new Float32Array(0), 1, { k: 1 }), "points"],
      [() => kmeans(points, 1, { k: 5 }), "k"],
      [() => kmeans(points, 1, { k: 0 }), "k"],
      [() => kmeans(points, 1, { k: 1, seed: -1 }), "seed"],
      [() => kmeans(points, 1, { k: 1, seed: 0.5 }), "seed"],
      [() => kmeans(points, 1, { k: 1, tolerance: -1 }), "tolerance"],
      [() => kmeans(points, 1, { k: 1, maxIterations: 0 }), "maxIterations"],
      [() => kmeans(points, 1, { k: 2, centroids: new Float32Array(3) }), "centroids"],
      [() => kmeans(Float32Array.of(1, Number.NaN), 1, { k: 1 }), "finite"],
      [() => kmeans(Float32Array.of(1, Number.POSITIVE_INFINITY), 1, { k: 1 }), "finite"],
    ];
    for (const [call, message] of wrong) {
      await expect(call(), message).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringContaining(message),
      });
    }
  });
});

describe("ways to the same clusters", () => {
  const random = new Random(17);
  const cases = [
    { n: 3000, dims: 8, k: 30, value: () => random.normal() },
    { n: 2000, dims: 33, k: 64, value: () => random.normal() },
    { n: 1500, dims: 10, k: 40, value: () => random.int(3) },
  ];

  it("the filter equals plain Lloyd, bit for bit", async () => {
    for (const { n, dims, k, value } of cases) {
      const points = Float32Array.from({ length: n * dims }, value);
      const options = { k, seed: 2, maxIterations: 15, tolerance: 0 };
      const plain = await kmeans(points, dims, { ...options, algorithm: "lloyd" });
      for (const algorithm of ["filtered", "auto"] as const) {
        for (const threads of [1, 2])
          expectSameBytes(await kmeans(points, dims, { ...options, algorithm, threads }), plain, algorithm);
      }
      for (const threads of [1, 2]) {
        const { labels, distances, inertia } = await kmeansPredict(points, dims, plain.centroids, { threads });
        expectSameBytes(labels, plain.labels);
        expect(inertia).toBe(plain.inertia);
        const few = await kmeansPredict(points.slice(0, 4 * k * dims), dims, plain.centroids, { threads });
        expectSameBytes(few.labels, labels.slice(0, 4 * k));
        expectSameBytes(few.distances, distances.slice(0, 4 * k));
      }
    }
  });

  it("a weight counts as so many points", async () => {
    const points = Float32Array.from({ length: 300 }, () => random.int(20));
    const weights = Float32Array.from({ length: 150 }, () => random.int(4));
    const repeated = [...weights].flatMap((weight, i) =>
      Array.from({ length: weight }, () => [points[2 * i]!, points[2 * i + 1]!]).flat(),
    );
    const centroids = Float32Array.of(1, 1, 10, 10, 19, 1);
    const options = { k: 3, centroids, tolerance: 0 };
    const weighted = await kmeans(points, 2, { ...options, weights });
    const plain = await kmeans(Float32Array.from(repeated), 2, options);
    expectClose(weighted.inertia, plain.inertia, "inertia");
    expect([...weighted.centroids]).toEqual([...plain.centroids]);
    await expect(kmeans(points, 2, { k: 2, weights: new Float32Array(150) })).rejects.toThrow(/weights/);
    await expect(kmeans(points, 2, { k: 2, weights: Float32Array.of(1) })).rejects.toThrow(/weights/);
    await expect(kmeans(points, 2, { k: 2, weights: weights.map((w) => w - 2) })).rejects.toThrow(/weights/);
  });

  it("more starts are never worse, and spherical clusters ignore length", async () => {
    const points = Float32Array.from({ length: 800 }, () => random.normal());
    const one = await kmeans(points, 2, { k: 9, init: "random" });
    const many = await kmeans(points, 2, { k: 9, init: "random", nInit: 6 });
    expect(many.inertia).toBeLessThanOrEqual(one.inertia);
    const rays = Float32Array.from({ length: 40 }, (_, i) =>
      i % 4 < 2 ? (i % 2 === 0 ? 1 + i : 0) : i % 2 === 1 ? i : 0,
    );
    const { labels, centroids } = await kmeans(rays, 2, { k: 2, spherical: true });
    for (let i = 0; i < 20; i++) expect(labels[i]).toBe(labels[i % 2]);
    for (const c of [0, 1]) expect(Math.hypot(centroids[2 * c]!, centroids[2 * c + 1]!)).toBeCloseTo(1, 6);
  });

  it("k-means|| finds far groups, the same with any number of threads", async () => {
    const random = new Random(5);
    const points = Float32Array.from({ length: 3000 * 2 }, (_, at) => ((at >> 1) % 30) * 100 + random.next());
    const options = { k: 30, init: "k-means||" as const, maxIterations: 5 };
    const [one, two] = await Promise.all([1, 2].map((threads) => kmeans(points, 2, { ...options, threads })));
    expect(one!.sizes).toEqual(new Array(30).fill(100));
    expectSameBytes(two!.labels, one!.labels);
    expectSameBytes(two!.centroids, one!.centroids);
  });

  it("k-means|| takes equal points, weights of 0 and k = n", async () => {
    const init = "k-means||" as const;
    expect((await kmeans(new Float32Array(40).fill(2), 1, { k: 3, init })).inertia).toBe(0);
    expect((await kmeans(Float32Array.of(5, 1, 4, 2, 3), 1, { k: 5, init })).inertia).toBe(0);
    const points = Float32Array.from({ length: 60 }, (_, i) => (i % 3) * 50);
    const weights = Float32Array.from({ length: 60 }, (_, i) => (i % 3 === 2 ? 0 : 1));
    const { inertia, centroids } = await kmeans(points, 1, { k: 2, init, weights });
    expect(inertia).toBe(0);
    expect([...centroids].sort((a, b) => a - b)).toEqual([0, 50]);
  });
});
