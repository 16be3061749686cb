import { describe, expect, it } from "vitest";
import { chooseUserK, clusterUsers } from "../../src/index.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";

const folder = temporaryFolder();

/** The mean silhouette in plain loops. */
function silhouetteOf(rows: readonly (readonly number[])[], labels: readonly number[], k: number): number {
  const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((x, d) => x - b[d]!));
  const scores = rows.map((row, i) => {
    const means = Array.from({ length: k }, (_, c) => {
      const others = rows.filter((_, j) => labels[j] === c && j !== i);
      return others.reduce((sum, other) => sum + distance(row, other), 0) / others.length;
    });
    const a = means[labels[i]!]!;
    const b = Math.min(...means.filter((_, c) => c !== labels[i]));
    return (b - a) / Math.max(a, b);
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

describe("choice of k for users of a matrix", () => {
  const dense = shopOfTastes(150);
  // By chance a user may have no cell besides those who are meant to have none.
  const active = dense.flatMap((row, user) => (row.some((x) => x > 0) ? [user] : []));

  it("finds the number of tastes, by the definitions", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const { k, criterion, qualities, sampleSize } = await chooseUserK(matrix, { maxK: 5, nInit: 3 });
      expect({ k, criterion, sampleSize }).toEqual({ k: 3, criterion: "silhouette", sampleSize: active.length });
      const { inertia: total } = await clusterUsers(matrix, { k: 1 });
      for (const quality of qualities) {
        const { labels, inertia } = await clusterUsers(matrix, { k: quality.k, nInit: 3 });
        const rows = active.map((user) => dense[user]!.map((x) => x / Math.hypot(...dense[user]!)));
        const own = active.map((user) => labels[user]!);
        expect(quality.inertia).toBe(inertia);
        expect(quality.sampleSilhouette).toBeCloseTo(silhouetteOf(rows, own, quality.k), 6);
        const between = (total - inertia) / (quality.k - 1);
        expect(quality.calinskiHarabasz).toBeCloseTo(between / (inertia / (active.length - quality.k)), 8);
      }
    });
  });

  it("is the same for any number of threads, and on a sample", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const options = { maxK: 4, sampleSize: 40, criterion: "elbow" as const };
      const one = await chooseUserK(matrix, { ...options, threads: 1 });
      expect(one.sampleSize).toBe(40);
      expect(await chooseUserK(matrix, { ...options, threads: 2 })).toEqual(one);
    });
  });

  it("refuses what cannot be divided", async () => {
    await withMatrix(
      folder,
      [
        [1, 0],
        [0, 1],
        [0, 0],
      ],
      async (matrix) => {
        await expect(chooseUserK(matrix)).rejects.toThrow(/at least 3 points to choose k but received 2/);
      },
    );
  });
});
