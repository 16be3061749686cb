import fc from "fast-check";
import { expect, it } from "vitest";
import { kmeans } from "../../src/index.js";
import { settings } from "../support/arbitraries.js";

const instances = fc
  .record({
    n: fc.integer({ min: 4, max: 30 }),
    k: fc.integer({ min: 2, max: 6 }),
    far: fc.integer({ min: 1, max: 3 }),
  })
  .chain(({ n, k, far }) =>
    fc.record({
      points: fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: n, maxLength: n }),
      starts: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: k, maxLength: k }),
      far: fc.constant(far),
    }),
  );

/** The assignment before the first update, in exact arithmetic of whole numbers. */
function assigned(points: readonly number[], centroids: readonly number[]) {
  return points.map((point) => {
    const distances = centroids.map((centroid) => (point - centroid) ** 2);
    const distance = Math.min(...distances);
    return { label: distances.indexOf(distance), distance };
  });
}

it("one update moves empty clusters to the farthest points, in scikit-learn's way", async () => {
  await fc.assert(
    fc.asyncProperty(instances, async ({ points, starts, far }) => {
      // Copies of the last centroid are nobody's: of equal distances the smaller index.
      const centroids = [...starts, ...new Array<number>(far).fill(starts.at(-1)!)];
      const k = centroids.length;
      fc.pre(k <= points.length);
      const rows = assigned(points, centroids);
      const sums = new Array<number>(k).fill(0);
      const counts = new Array<number>(k).fill(0);
      for (const [i, { label }] of rows.entries()) {
        sums[label]! += points[i]!;
        counts[label]!++;
      }
      const empty = [...counts.keys()].filter((c) => counts[c] === 0);
      const distances = rows.map(({ distance }) => distance);
      const order = [...rows.keys()].sort((a, b) => distances[b]! - distances[a]! || a - b).slice(0, empty.length);
      // Where two are as far, or a cluster would lose its last point, the ways part.
      fc.pre(new Set(distances).size === distances.length && order.every((i) => distances[i]! > 0));
      for (const [e, i] of order.entries()) {
        const donor = rows[i]!.label;
        sums[donor]! -= points[i]!;
        counts[donor]!--;
        sums[empty[e]!] = points[i]!;
        counts[empty[e]!] = 1;
        fc.pre(counts[donor]! > 0);
      }
      const means = sums.map((sum, c) => Math.fround(sum / counts[c]!));
      const found = await kmeans(Float32Array.from(points), 1, {
        k,
        centroids: Float32Array.from(centroids),
        maxIterations: 1,
        threads: 1,
      });
      expect([...found.centroids]).toEqual(means);
    }),
    settings(200),
  );
});

it("keeps the centroids of empty clusters where it is told to", async () => {
  await fc.assert(
    fc.asyncProperty(instances, async ({ points, starts, far }) => {
      const centroids = [...starts, ...new Array<number>(far).fill(starts.at(-1)!)];
      fc.pre(centroids.length <= points.length);
      const start = Float32Array.from(centroids);
      const run = { k: centroids.length, centroids: start, threads: 1, emptyClusters: "keep" as const };
      const { centroids: after } = await kmeans(Float32Array.from(points), 1, { ...run, maxIterations: 1 });
      const labels = new Set(assigned(points, centroids).map(({ label }) => label));
      for (const [c, centroid] of centroids.entries()) if (!labels.has(c)) expect(after[c]).toBe(centroid);
      const { history } = await kmeans(Float32Array.from(points), 1, run);
      for (let h = 1; h < history.length; h++) expect(history[h]).toBeLessThanOrEqual(history[h - 1]!);
    }),
    settings(100),
  );
  await expect(kmeans(Float32Array.of(1, 2), 1, { k: 1, emptyClusters: "drop" as never })).rejects.toThrow(
    /emptyClusters/,
  );
});
