/** What no clustering likes: equal points, too few, zeros, the smallest and largest numbers, and what is no number. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseK, dbscan, kDistanceCurve, kmeans, kmeansPredict, miniBatchKmeans } from "../../src/index.js";
import { settings } from "../support/arbitraries.js";
import { answerOf, DEGENERATE_VALUES, few, HUGE_VALUES } from "../support/degenerate.js";
import { plainDbscan, squaredDistance } from "../support/plain-dbscan.js";

const NO_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** Points of few different values, so that many are equal. */
const pointsOf = (values: readonly number[]) =>
  fc
    .record({ n: fc.integer({ min: 0, max: 14 }), dims: fc.integer({ min: 1, max: 3 }), palette: few(values) })
    .chain(({ n, dims, palette }) =>
      fc.record({
        n: fc.constant(n),
        dims: fc.constant(dims),
        points: fc
          .array(fc.constantFrom(...palette), { minLength: n * dims, maxLength: n * dims })
          .map((list) => Float32Array.from(list)),
      }),
    );

const hostilePoints = fc.oneof(
  { weight: 4, arbitrary: pointsOf(DEGENERATE_VALUES) },
  { weight: 1, arbitrary: pointsOf([...DEGENERATE_VALUES, ...HUGE_VALUES]) },
  { weight: 1, arbitrary: pointsOf([...DEGENERATE_VALUES, ...NO_NUMBERS]) },
);

const clusterings = hostilePoints.chain(({ n, dims, points }) =>
  fc.record({
    n: fc.constant(n),
    dims: fc.constant(dims),
    points: fc.constant(points),
    k: fc.integer({ min: 1, max: n + 2 }),
    options: fc.record({
      init: fc.constantFrom("k-means++" as const, "k-means||" as const, "random" as const),
      nInit: fc.integer({ min: 1, max: 2 }),
      spherical: fc.boolean(),
      weights: fc.option(
        fc.array(fc.constantFrom(0, 0, 1, 2.5), { minLength: n, maxLength: n }).map((list) => Float32Array.from(list)),
        { nil: undefined },
      ),
    }),
    emptyClusters: fc.constantFrom("relocate" as const, "keep" as const),
    algorithm: fc.constantFrom("auto" as const, "filtered" as const),
  }),
);

type Clustering = typeof clusterings extends fc.Arbitrary<infer T> ? T : never;

/** Whether there has to be an answer, may be one (numbers whose squares float32 does not hold), or must not. */
function expectation({ n, points, k, options: { weights } }: Clustering): "answer" | "either" | "none" {
  if (n === 0 || k > n || !points.every(Number.isFinite) || weights?.every((weight) => weight === 0)) return "none";
  return points.every((x) => Math.abs(x) <= 1e18) ? "answer" : "either";
}

interface Clusters {
  labels: Int32Array;
  centroids: Float32Array;
  sizes: number[];
  inertia: number;
}

/** Every point is with the nearest centroid, in float64, and what is told about it is so. */
function expectSound({ n, dims, points, k, options }: Clustering, found: Clusters): void {
  const { labels, centroids, sizes, inertia } = found;
  expect([labels.length, centroids.length, sizes.length]).toEqual([n, k * dims, k]);
  expect(centroids.every(Number.isFinite)).toBe(true);
  expect(sizes).toEqual(sizes.map((_, c) => labels.filter((label) => label === c).length));
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const row = [...points.subarray(i * dims, (i + 1) * dims)];
    const length = options.spherical ? Math.hypot(...row) || 1 : 1;
    const distances = sizes.map((_, c) =>
      row.reduce((squares, x, d) => squares + (x / length - centroids[c * dims + d]!) ** 2, 0),
    );
    const own = distances[labels[i]!]!;
    expect(own, `point ${i}`).toBeLessThanOrEqual(Math.min(...distances) * (1 + 1e-4) + (length > 1 ? 1e-12 : 1e-36));
    sum += (options.weights?.[i] ?? 1) * own;
  }
  expect(Math.abs(inertia - sum)).toBeLessThanOrEqual(1e-4 * sum + (options.spherical ? 1e-6 : 1e-34));
}

async function expectClusters(clustering: Clustering, call: () => Promise<Clusters>): Promise<void> {
  const found = await answerOf(call());
  const expected = expectation(clustering);
  if (expected !== "either") expect(found !== undefined).toBe(expected === "answer");
  if (found !== undefined) expectSound(clustering, found);
}

describe("clusterings of degenerate points", () => {
  it("K-means answers soundly, or says what is wrong", async () => {
    await fc.assert(
      fc.asyncProperty(clusterings, async (clustering) => {
        const { points, dims, k, options, emptyClusters, algorithm } = clustering;
        const run = { k, ...options, emptyClusters, algorithm, threads: 1 };
        await expectClusters(clustering, () => kmeans(points, dims, run));
      }),
      settings(400),
    );
  });

  it("mini-batches, too", async () => {
    await fc.assert(
      fc.asyncProperty(clusterings, fc.integer({ min: 1, max: 20 }), async (clustering, batchSize) => {
        const { points, dims, k, options } = clustering;
        const run = { k, ...options, batchSize, maxIterations: 5, threads: 1 };
        await expectClusters(clustering, () => miniBatchKmeans(points, dims, run));
      }),
      settings(200),
    );
  });

  it("prediction and the choice of k, too", async () => {
    await fc.assert(
      fc.asyncProperty(clusterings, async (clustering) => {
        const { n, points, dims, k, options } = clustering;
        const plain = { ...clustering, options: { ...options, spherical: false, weights: undefined } };
        const centroids = points.slice(0, k * dims);
        if (centroids.length === k * dims && centroids.every(Number.isFinite)) {
          await expectClusters(plain, async () => {
            const { labels, inertia } = await kmeansPredict(points, dims, centroids, { threads: 1 });
            const sizes = Array.from({ length: k }, (_, c) => labels.filter((label) => label === c).length);
            return { labels, centroids, sizes, inertia };
          });
        }
        const choice = await answerOf(chooseK(points, dims, { ...options, maxK: 4, threads: 1 }));
        const expected = n < 3 ? "none" : expectation({ ...clustering, k: 1 });
        if (expected !== "either") expect(choice !== undefined).toBe(expected === "answer");
        if (choice === undefined) return;
        const numbers = choice.qualities.map((quality) => quality.k);
        expect(numbers).toEqual([2, 3, 4].filter((count) => count <= Math.max(n - 1, 2)));
        expect(numbers).toContain(choice.k);
        for (const { inertia, sampleSilhouette } of choice.qualities) {
          expect(inertia).toBeGreaterThanOrEqual(0);
          expect(Math.abs(sampleSilhouette)).toBeLessThanOrEqual(1);
        }
      }),
      settings(150),
    );
  });

  it("DBSCAN and the k-distance curve are exact for all finite numbers, and refuse others", async () => {
    const eps = fc.constantFrom(1e-300, 1e-44, 1e-30, 0.5, 1, 3, 1e18, 1e39, 1e100);
    await fc.assert(
      fc.asyncProperty(
        hostilePoints,
        eps,
        fc.integer({ min: 1, max: 20 }),
        async ({ n, points, dims }, near, count) => {
          const found = await answerOf(dbscan(points, dims, { eps: near, minSamples: count, threads: 1 }));
          const curve = await answerOf(kDistanceCurve(points, dims, { k: count, threads: 1 }));
          const valid = n > 0 && points.every(Number.isFinite);
          expect(found !== undefined).toBe(valid);
          expect(curve !== undefined).toBe(valid && count <= n);
          if (found === undefined) return;
          const areNear = (a: number, b: number) => squaredDistance(points, dims, a, b) <= near * near;
          const expected = plainDbscan(n, areNear, count);
          expect([...found.labels]).toEqual(expected.labels);
          expect([...found.cores]).toEqual(expected.cores);
          if (curve === undefined) return;
          const rows = Array.from({ length: n }, (_, row) => row);
          const distances = rows.map(
            (a) => rows.map((b) => squaredDistance(points, dims, a, b)).sort((x, y) => x - y)[count - 1]!,
          );
          expect([...curve]).toEqual(distances.map(Math.sqrt).sort((x, y) => x - y));
        },
      ),
      settings(400),
    );
  });
});
