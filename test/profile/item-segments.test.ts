import { describe, expect, it } from "vitest";
import { clusterUsers, type Matrix, miniBatchUsers, userClusterModel } from "../../src/index.js";
import { itemClusters, itemSegments, modelItemSegments } from "../../src/profile/item-segments.js";
import type { UserFeatures } from "../../src/profile/user-features.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";

const folder = temporaryFolder();
const dense = shopOfTastes(160);

/** Two features that have nothing to do with the items. */
function featuresOf({ numUsers }: Matrix): UserFeatures {
  const points = Float32Array.from({ length: 2 * numUsers }, (_, at) => ((at * 37) % 11) - 5);
  return { names: ["a", "b"], numUsers, dims: 2, points, hasEvents: new Uint8Array(numUsers).fill(1) };
}

/** Labels and sizes as segments number them: the largest first, of equal ones the smaller label. */
function bySize({ labels, sizes }: { labels: Int32Array; sizes: readonly number[] }) {
  const order = [...sizes.keys()].filter((c) => sizes[c]! > 0).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  return { labels: Array.from(labels, (label) => order.indexOf(label)), sizes: order.map((c) => sizes[c]!) };
}

const plain = ({ labels, sizes }: { labels: Int32Array; sizes: readonly number[] }) => ({
  labels: [...labels],
  sizes: [...sizes],
});

describe("segments by items", () => {
  it("are the clusters of the rows with the same settings, users without cells in none", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const weights = Float32Array.from(dense, (_, user) => user % 4);
      for (const settings of [
        { k: 3 },
        { k: 4, spherical: true, nInit: 3, init: "k-means||" as const, seed: 9, maxIterations: 5, tolerance: 0 },
        { k: 7, weights, emptyClusters: "keep" as const, init: "random" as const },
      ]) {
        const expected = await clusterUsers(matrix, settings);
        const { clusters } = await itemClusters(matrix, settings);
        expect(plain(clusters)).toEqual(bySize(expected));
        expect(clusters.inertia).toBe(expected.inertia);
        const empty = dense.flatMap((row, user) => (row.every((x) => x === 0) ? [user] : []));
        expect(clusters.numUnsegmented).toBe(empty.length);
        for (const user of empty) expect(clusters.labels[user]).toBe(-1);
      }
      const batches = { k: 3, seed: 5, maxIterations: 20, init: "random" as const };
      const { clusters } = await itemClusters(matrix, { ...batches, miniBatch: 40 });
      expect(plain(clusters)).toEqual(bySize(await miniBatchUsers(matrix, { ...batches, batchSize: 40 })));
    });
  });

  it("choose their number, and are as many as there are users at most", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const chosen = { k: "auto" as const, kRange: [2, 5] as const, nInit: 3 };
      const { clusters } = await itemClusters(matrix, { ...chosen, threads: 2 });
      expect(clusters.choice).toMatchObject({ k: 3, criterion: "silhouette" });
      expect(clusters.choice!.qualities.map(({ k }) => k)).toEqual([2, 3, 4, 5]);
      expect(plain(clusters)).toEqual(bySize(await clusterUsers(matrix, { k: 3, nInit: 3 })));
      expectSameBytes((await itemClusters(matrix, { ...chosen, threads: 1 })).clusters, clusters);
    });
    const few = [
      [1, 0],
      [0, 0],
      [0, 2],
    ];
    await withMatrix(folder, few, async (matrix) => {
      expect((await itemClusters(matrix, { k: 6 })).clusters.sizes).toEqual([1, 1]);
      const { clusters } = await itemClusters(matrix, { k: "auto" });
      expect(plain(clusters)).toEqual({ labels: [0, -1, 0], sizes: [2] });
      expect(clusters.choice).toBeUndefined();
    });
    await withMatrix(folder, [[0], [0]], async (matrix) => {
      const { segments, model } = await itemSegments(matrix, featuresOf(matrix), { k: 2 });
      expect(segments).toMatchObject({ k: 0, sizes: [], numUnsegmented: 2, centroids: [] });
      expect([...segments.labels]).toEqual([-1, -1]);
      expect(model).toBeUndefined();
    });
  });

  it("are described by the features of their users", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const features = featuresOf(matrix);
      const { segments } = await itemSegments(matrix, features, { k: 3 });
      for (const [s, centre] of segments.centroids.entries()) {
        const users = [...segments.labels.keys()].filter((user) => segments.labels[user] === s);
        for (const [d, mean] of centre.entries()) {
          const sum = users.reduce((total, user) => total + features.points[2 * user + d]!, 0);
          expect(mean).toBe(sum / users.length);
        }
      }
    });
  });

  it("of a model keep their numbers, those of nobody too", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const features = featuresOf(matrix);
      const { segments, model } = await itemSegments(matrix, features, { k: 3, nInit: 3 });
      const again = await modelItemSegments(matrix, features, await model!(), {});
      expect(plain(again)).toEqual(plain(segments));
      expect(again).toMatchObject({ numUnsegmented: segments.numUnsegmented, stability: { psi: 0, level: "stable" } });
      expect(again.centroids).toEqual(segments.centroids);
      // In the middle a segment far from everybody.
      const made = await userClusterModel(matrix, await clusterUsers(matrix, { k: 2 }));
      const centroids = Float32Array.from({ length: 3 * made.items.length }, (_, at) =>
        at % 3 === 1 ? 100 : made.centroids[2 * Math.floor(at / 3) + (at % 3 === 2 ? 1 : 0)]!,
      );
      const more = { ...made, centroids, sizes: [made.sizes[0]!, 0, made.sizes[1]!] };
      const found = await modelItemSegments(matrix, features, more, {});
      expect(found.sizes).toEqual(more.sizes);
      expect(found.centroids[1]).toEqual([null, null]);
    });
  });
});
