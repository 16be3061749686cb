import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  clusterUsers,
  miniBatchUsers,
  predictUserClusters,
  readUserClusterModel,
  type UserClusterModel,
  userClusterModel,
  writeUserClusterModel,
} from "../../src/index.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";

const folder = temporaryFolder();
const file = join(folder, "model.safetensors");
const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };
const broken = { code: "ERR_COUPONCAST_CORRUPT_FILE" };

/** The nearest centroid in plain loops over the items of either side; -1 without cells. */
function nearest(row: Map<string, number>, { items, centroids, sizes, unitLength }: UserClusterModel): number {
  if (row.size === 0) return -1;
  const length = unitLength ? Math.hypot(...row.values()) : 1;
  const everything = new Set([...items, ...row.keys()]);
  const distances = sizes.map((_, c) =>
    [...everything].reduce((sum, id) => {
      const item = items.indexOf(id);
      const score = item < 0 ? 0 : centroids[item * sizes.length + c]!;
      return sum + ((row.get(id) ?? 0) / length - score) ** 2;
    }, 0),
  );
  return distances.indexOf(Math.min(...distances));
}

describe("clusters of users as a model", () => {
  it("puts the users that it was made of where they are, read from a file too", async () => {
    await withMatrix(folder, shopOfTastes(120), async (matrix) => {
      for (const settings of [{ unitLength: true }, { unitLength: false }, { spherical: true }]) {
        const found = await clusterUsers(matrix, { k: 3, nInit: 3, ...settings });
        const model = await userClusterModel(matrix, found, { unitLength: settings.unitLength });
        await writeUserClusterModel(file, model);
        const read = await readUserClusterModel(file);
        expect(read).toEqual(model);
        const later = await predictUserClusters(matrix, read, { threads: 2 });
        expect([...later.labels]).toEqual([...found.labels]);
        expect(later.sizes).toEqual(found.sizes);
        expect(later.inertia / found.inertia).toBeCloseTo(1, 5);
        expectSameBytes(await predictUserClusters(matrix, read, { threads: 1 }), later);
      }
      const quick = await miniBatchUsers(matrix, { k: 3, batchSize: 20 });
      const { labels } = await predictUserClusters(matrix, await userClusterModel(matrix, quick));
      expect([...labels]).toEqual([...quick.labels]);
    });
  });

  it("matches items by id, those that only one side knows too", async () => {
    const dense = shopOfTastes(90);
    const model = await withMatrix(folder, dense, async (matrix) =>
      userClusterModel(matrix, await clusterUsers(matrix, { k: 3 }), { order: [2, 0] }),
    );
    // Items of the model in another order, less some, beside new ones.
    const known = { ...model, items: model.items.map((id, i) => (i % 4 === 1 ? `old-${id}` : id)) };
    await withMatrix(folder, dense, async (matrix) => {
      const { labels, sizes } = await predictUserClusters(matrix, known);
      const expected = dense.map((_, user) => {
        const { indices, values } = matrix.userRow(user);
        return nearest(new Map([...indices].map((item, i) => [matrix.itemId(item), values[i]!])), known);
      });
      expect([...labels]).toEqual(expected);
      expect(sizes).toEqual([0, 1].map((c) => expected.filter((label) => label === c).length));
    });
  });

  it("refuses clusters of another matrix, and what is no model", async () => {
    await withMatrix(folder, shopOfTastes(30), async (matrix) => {
      const found = await clusterUsers(matrix, { k: 2 });
      const few = { ...found, centroids: found.centroids.subarray(1) };
      await expect(userClusterModel(matrix, few)).rejects.toMatchObject(invalid);
      await expect(userClusterModel(matrix, found, { order: [2] })).rejects.toMatchObject(invalid);
      await expect(userClusterModel(matrix, found, { order: [] })).rejects.toMatchObject(invalid);
      const model = await userClusterModel(matrix, found);
      for (const wrong of [
        { items: model.items.slice(1) },
        { items: model.items.map(() => "same") },
        { centroids: model.centroids.map(() => Number.NaN) },
        { sizes: [-1, 1] },
      ]) {
        await expect(predictUserClusters(matrix, { ...model, ...wrong })).rejects.toMatchObject(invalid);
        await expect(writeUserClusterModel(file, { ...model, ...wrong })).rejects.toMatchObject(invalid);
      }
      await expect(readUserClusterModel(matrix.path)).rejects.toMatchObject(broken);
      writeFileSync(file, "nothing");
      await expect(readUserClusterModel(file)).rejects.toMatchObject(broken);
    });
  });
});
