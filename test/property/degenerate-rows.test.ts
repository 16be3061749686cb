/** Clusterings of the rows of a matrix: no rows with cells, too few, equal ones, one item, the smallest and largest amounts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chooseUserK,
  clusterUsers,
  cosineDbscan,
  type Matrix,
  miniBatchUsers,
  predictUserClusters,
  type UserClusters,
  userClusterModel,
} from "../../src/index.js";
import { settings } from "../support/arbitraries.js";
import { answerOf, DEGENERATE_VALUES, few, HUGE_VALUES } from "../support/degenerate.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { nearByCosine, plainDbscan } from "../support/plain-dbscan.js";
import { transpose } from "../support/reference.js";

const folder = temporaryFolder();

/** Rows of few different amounts, so that many are equal, and empty ones. */
const rowsOf = (values: readonly number[]) =>
  fc
    .record({
      users: fc.integer({ min: 1, max: 9 }),
      items: fc.integer({ min: 1, max: 4 }),
      palette: few(values),
    })
    .chain(({ users, items, palette }) => {
      const row = fc.array(fc.constantFrom(0, ...palette), { minLength: items, maxLength: items });
      return fc.array(row, { minLength: users, maxLength: users });
    });

const hostileRows = fc.oneof(rowsOf(DEGENERATE_VALUES), rowsOf([...DEGENERATE_VALUES, ...HUGE_VALUES]));

const clusterings = hostileRows.chain((dense) =>
  fc.record({
    dense: fc.constant(dense),
    k: fc.integer({ min: 1, max: dense.length + 1 }),
    shape: fc.constantFrom({ unitLength: false }, { unitLength: true }, { spherical: true }),
    init: fc.constantFrom("k-means++" as const, "k-means||" as const, "random" as const),
    nInit: fc.integer({ min: 1, max: 2 }),
    emptyClusters: fc.constantFrom("relocate" as const, "keep" as const),
    weights: fc.option(
      fc
        .array(fc.constantFrom(0, 0, 1, 2.5), { minLength: dense.length, maxLength: dense.length })
        .map((list) => Float32Array.from(list)),
      { nil: undefined },
    ),
  }),
);

type Clustering = typeof clusterings extends fc.Arbitrary<infer T> ? T : never;

const isActive = (row: readonly number[]) => row.some((x) => x !== 0);
const LARGEST_F32 = 2 ** 128 - 2 ** 104;

/** The rows as they count; a length without a reciprocal in float32 makes them as long as it can. */
function pointsOf({ dense, shape }: Clustering): number[][] {
  const isUnit = "spherical" in shape || shape.unitLength;
  return dense.map((row) =>
    row.map((x) => (isUnit && x !== 0 ? x * Math.min(1 / Math.hypot(...row), LARGEST_F32) : x)),
  );
}

/** Whether there has to be an answer: as they are, rows have to have lengths that float32 can square. */
function hasAnswer(clustering: Clustering): boolean {
  const { dense, k, weights } = clustering;
  const active = dense.flatMap((row, user) => (isActive(row) ? [user] : []));
  if (k > active.length || (weights !== undefined && active.every((user) => weights[user] === 0))) return false;
  const longest = Math.max(...pointsOf(clustering).map((row) => Math.hypot(...row)));
  return "spherical" in clustering.shape || clustering.shape.unitLength || (longest >= 2 ** -50 && longest <= 2 ** 63);
}

type Found = Pick<UserClusters, "labels" | "sizes" | "centroids" | "lanes" | "inertia">;

/** Every user with cells is with the nearest centroid, as far as float32 tells, and what is told about it is so. */
function expectSound(clustering: Clustering, { labels, sizes, centroids, lanes, inertia }: Found): void {
  const { k, weights, dense } = clustering;
  const points = pointsOf(clustering);
  expect([labels.length, sizes.length]).toEqual([points.length, k]);
  expect(centroids.every(Number.isFinite)).toBe(true);
  expect(sizes).toEqual(sizes.map((_, c) => labels.filter((label) => label === c).length));
  // Spherical centroids have length 1, however short the rows are.
  const longest = Math.max(...points.map((row) => Math.hypot(...row)), "spherical" in clustering.shape ? 1 : 0);
  let sum = 0;
  for (const [user, row] of points.entries()) {
    if (!isActive(dense[user]!)) {
      expect(labels[user]).toBe(-1);
      continue;
    }
    const distances = sizes.map((_, c) =>
      row.reduce((squares, x, item) => squares + (x - centroids[item * lanes + c]!) ** 2, 0),
    );
    const own = distances[labels[user]!]!;
    expect(own, `user ${user}`).toBeLessThanOrEqual(Math.min(...distances) + 1e-5 * longest ** 2);
    sum += (weights?.[user] ?? 1) * own;
  }
  expect(Math.abs(inertia - sum)).toBeLessThanOrEqual(1e-5 * longest ** 2 * points.length);
}

async function expectClusters(clustering: Clustering, find: (matrix: Matrix) => Promise<Found>): Promise<void> {
  await withMatrix(folder, clustering.dense, async (matrix) => {
    const found = await answerOf(find(matrix));
    expect(found !== undefined).toBe(hasAnswer(clustering));
    if (found === undefined) return;
    expectSound(clustering, found);
    if (!("unitLength" in clustering.shape)) return;
    const { unitLength } = clustering.shape;
    const { labels, sizes, inertia } = await predictUserClusters(
      matrix,
      await userClusterModel(matrix, found, { unitLength }),
    );
    expectSound({ ...clustering, weights: undefined }, { ...found, labels, sizes, inertia });
  });
}

describe("clusterings of degenerate rows", () => {
  it("K-means and its prediction answer soundly, or say what is wrong", async () => {
    await fc.assert(
      fc.asyncProperty(clusterings, async (clustering) => {
        const { dense: _, shape, ...options } = clustering;
        await expectClusters(clustering, (matrix) => clusterUsers(matrix, { ...options, ...shape, threads: 1 }));
      }),
      settings(200),
    );
  });

  it("mini-batches, too", async () => {
    await fc.assert(
      fc.asyncProperty(clusterings, fc.integer({ min: 1, max: 12 }), async (clustering, batchSize) => {
        const { k, shape, weights, init } = clustering;
        const options = { k, weights, ...shape, init: init === "k-means||" ? ("random" as const) : init };
        const run = { ...options, batchSize, maxIterations: 4, threads: 1 };
        await expectClusters(clustering, (matrix) => miniBatchUsers(matrix, run));
      }),
      settings(150),
    );
  });

  it("the choice of k, too", async () => {
    await fc.assert(
      fc.asyncProperty(clusterings, async (clustering) => {
        const { dense, shape, weights, nInit } = clustering;
        await withMatrix(folder, dense, async (matrix) => {
          const choice = await answerOf(chooseUserK(matrix, { ...shape, weights, nInit, maxK: 4, threads: 1 }));
          const active = dense.filter(isActive).length;
          expect(choice !== undefined).toBe(active >= 3 && hasAnswer({ ...clustering, k: 1 }));
          if (choice === undefined) return;
          expect(choice.qualities.map(({ k }) => k)).toEqual([2, 3, 4].filter((k) => k < active));
          for (const { inertia, sampleSilhouette } of choice.qualities) {
            expect(inertia).toBeGreaterThanOrEqual(0);
            expect(Math.abs(sampleSilhouette)).toBeLessThanOrEqual(1);
          }
        });
      }),
      settings(80),
    );
  });

  it("DBSCAN by cosine is exact for all of them, for users and items", async () => {
    const cases = fc.record({
      dense: hostileRows,
      // No cosine of so few amounts is as far as that from 1 by more than rounding.
      eps: fc.constantFrom(1e-6, 0.0123, 0.17, 0.41, 0.737, 0.999),
      minSamples: fc.integer({ min: 1, max: 12 }),
      axis: fc.constantFrom("users" as const, "items" as const),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ dense, eps, minSamples, axis }) => {
        const rows = axis === "users" ? dense : transpose(dense);
        const expected = plainDbscan(rows.length, nearByCosine(rows, eps), minSamples);
        await withMatrix(folder, dense, async (matrix) => {
          const { labels, cores } = await cosineDbscan(matrix, { axis, eps, minSamples, threads: 1 });
          expect([...labels]).toEqual(expected.labels);
          expect([...cores]).toEqual(expected.cores);
        });
      }),
      settings(300),
    );
  });
});
