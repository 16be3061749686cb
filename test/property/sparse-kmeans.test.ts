import { describe, expect, it } from "vitest";
import { clusterUsers, kmeans } from "../../src/index.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";

const folder = temporaryFolder();

describe("K-means of users by their rows", () => {
  it("equals K-means on the dense rows from the same start", async () => {
    const dense = shopOfTastes(90);
    await withMatrix(folder, dense, async (matrix) => {
      for (const unitLength of [false, true]) {
        const active = dense.flatMap((row, user) => (row.some((value) => value > 0) ? [user] : []));
        const startRows = [active[0]!, active[1]!, active[2]!, active[3]!];
        const found = await clusterUsers(matrix, { k: 4, startRows, unitLength, tolerance: 0 });
        const points = Float32Array.from(
          active.flatMap((user) => {
            const length = unitLength ? Math.hypot(...dense[user]!) : 1;
            return dense[user]!.map((value) => value / length);
          }),
        );
        const plain = await kmeans(points, 15, { k: 4, centroids: points.slice(0, 60), tolerance: 0 });
        expect(active.map((user) => found.labels[user])).toEqual([...plain.labels]);
        expect(found.sizes).toEqual(plain.sizes);
        expect(found.inertia / plain.inertia).toBeCloseTo(1, 5);
        for (let c = 0; c < 4; c++) {
          for (let item = 0; item < 15; item++)
            expect(found.centroids[item * found.lanes + c]).toBeCloseTo(plain.centroids[c * 15 + item]!, 5);
        }
        const empty = dense.flatMap((row, user) => (row.every((value) => value === 0) ? [user] : []));
        expect(empty.every((user) => found.labels[user] === -1)).toBe(true);
      }
    });
  });

  it("finds tastes, the same with any number of threads", async () => {
    await withMatrix(folder, shopOfTastes(120), async (matrix) => {
      const [one, two] = await Promise.all([1, 2].map((threads) => clusterUsers(matrix, { k: 3, threads, seed: 4 })));
      expect(two).toEqual(one);
      for (let h = 1; h < one!.history.length; h++) expect(one!.history[h]).toBeLessThanOrEqual(one!.history[h - 1]!);
      for (const taste of [0, 1, 2]) {
        const labels = [...one!.labels].filter((label, user) => user % 3 === taste && label >= 0);
        const most = Math.max(...[0, 1, 2].map((c) => labels.filter((label) => label === c).length));
        expect(most / labels.length).toBeGreaterThan(0.9);
      }
    });
  });

  it("a call changes nothing of an earlier one, nor the earlier one of it", async () => {
    const [one, two] = [shopOfTastes(120), shopOfTastes(240).slice(120)];
    await withMatrix(folder, one, async (first) => {
      await withMatrix(folder, two, async (second) => {
        const options = { k: 3, threads: 2, nInit: 3 };
        const found = await clusterUsers(first, options);
        const copy = structuredClone(found);
        const other = await clusterUsers(second, options);
        expect(found).toEqual(copy);
        expect(await clusterUsers(first, options)).toEqual(copy);
        expect(await clusterUsers(second, options)).toEqual(other);
      });
    });
  });

  it("k-means|| finds the same tastes", async () => {
    await withMatrix(folder, shopOfTastes(600), async (matrix) => {
      const options = { k: 3, seed: 4, init: "k-means||" as const };
      const [one, two] = await Promise.all([1, 2].map((threads) => clusterUsers(matrix, { ...options, threads })));
      expect(two).toEqual(one);
      const usual = await clusterUsers(matrix, { k: 3, seed: 4 });
      expect(one!.inertia).toBeLessThan(usual.inertia * 1.1);
    });
  });

  it("k = users, equal rows, and what makes no sense", async () => {
    await withMatrix(
      folder,
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      async (matrix) => {
        const { inertia, sizes } = await clusterUsers(matrix, { k: 3 });
        expect(inertia).toBeCloseTo(0, 6);
        expect(sizes).toEqual([1, 1, 1]);
        await expect(clusterUsers(matrix, { k: 4 })).rejects.toThrow(/users with cells 3/);
        await expect(clusterUsers(matrix, { k: 2, startRows: [0] })).rejects.toThrow(/startRows/);
        await expect(clusterUsers(matrix, { k: 2, startRows: [0, 3] })).rejects.toThrow(/startRows/);
      },
    );
    await withMatrix(
      folder,
      [
        [1, 0],
        [1, 0],
        [1, 0],
        [0, 0],
      ],
      async (matrix) => {
        const { labels, sizes } = await clusterUsers(matrix, { k: 2 });
        expect([...labels]).toEqual([0, 0, 0, -1]);
        expect(sizes).toEqual([3, 0]);
      },
    );
  });
});
