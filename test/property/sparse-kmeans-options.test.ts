import { describe, expect, it } from "vitest";
import { type ClusterUsersOptions, clusterUsers } from "../../src/index.js";
import { Random } from "../../src/util/random.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";

const folder = temporaryFolder();

const squared = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + (x - b[d]!) ** 2, 0);
const unit = (row: readonly number[]) => row.map((x) => x / (Math.hypot(...row) || 1));

/** Lloyd's iterations in plain loops over dense rows. */
function reference(dense: number[][], options: ClusterUsersOptions & { startRows: readonly number[] }) {
  const { k, spherical = false, unitLength = true, emptyClusters = "relocate", maxIterations = 300 } = options;
  const rows = spherical || unitLength ? dense.map(unit) : dense;
  const weightOf = (row: number) => options.weights?.[row] ?? 1;
  let centroids = options.startRows.map((row) => rows[row]!);
  const assigned = () =>
    rows.map((row) => {
      if (row.every((x) => x === 0)) return -1;
      const distances = centroids.map((centroid) => squared(row, centroid));
      return distances.indexOf(Math.min(...distances));
    });
  const distanceOf = (row: number, label: number) => (label < 0 ? 0 : squared(rows[row]!, centroids[label]!));
  let labels = assigned();
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const members = [...labels];
    const totals = new Array<number>(k).fill(0);
    for (const [row, label] of labels.entries()) if (label >= 0) totals[label]! += weightOf(row);
    const empty = emptyClusters === "keep" ? [] : totals.flatMap((total, c) => (total === 0 ? [c] : []));
    const farness = labels.map((label, row) => weightOf(row) * distanceOf(row, label));
    const farthest = [...farness.keys()].filter((row) => farness[row]! > 1e-6);
    farthest.sort((a, b) => farness[b]! - farness[a]! || a - b);
    for (const [e, row] of farthest.slice(0, empty.length).entries()) {
      if (!(totals[labels[row]!]! > weightOf(row))) continue;
      totals[labels[row]!]! -= weightOf(row);
      totals[empty[e]!] = weightOf(row);
      members[row] = empty[e]!;
    }
    centroids = centroids.map((before, c) => {
      if (totals[c] === 0) return before;
      const sums = before.map((_, d) =>
        members.reduce((sum, label, row) => sum + (label === c ? weightOf(row) * rows[row]![d]! : 0), 0),
      );
      return spherical ? unit(sums) : sums.map((sum) => sum / totals[c]!);
    });
    const last = labels;
    labels = assigned();
    if (labels.every((label, row) => label === last[row])) break;
  }
  const inertia = labels.reduce((sum, label, row) => sum + weightOf(row) * distanceOf(row, label), 0);
  return { centroids, labels, inertia, sizes: centroids.map((_, c) => labels.filter((label) => label === c).length) };
}

/** Amounts of twelve items, most 0 but none at right angles to all others; every seventh user has none. */
function shop(numUsers: number, seed: number): number[][] {
  const random = new Random(seed);
  return Array.from({ length: numUsers }, (_, user) =>
    Array.from({ length: 12 }, (_, item) =>
      user % 7 !== 6 && (item === 0 || random.next() < 0.35) ? Math.fround(random.normal()) : 0,
    ),
  );
}

describe("K-means of users with weights, unit centroids and empty clusters", () => {
  it("does what plain loops do, the same with any number of threads", async () => {
    const numUsers = 140;
    const random = new Random(5);
    const uneven = Float32Array.from({ length: numUsers }, () => (random.next() < 0.25 ? 0 : 5 * random.next()));
    // Clusters that start at the same row are empty.
    const starts = [
      [0, 1, 2, 3, 4],
      [0, 0, 0, 1, 2, 2, 3],
    ];
    const inertias = { relocate: 0, keep: 0 };
    for (const seed of [1, 2, 3]) {
      const dense = shop(numUsers, seed);
      await withMatrix(folder, dense, async (matrix) => {
        for (const weights of [undefined, uneven])
          for (const shape of [{ spherical: true }, { unitLength: true }, { unitLength: false }])
            for (const emptyClusters of ["relocate", "keep"] as const)
              for (const startRows of starts)
                for (const maxIterations of [1, 2, 300]) {
                  const k = startRows.length;
                  const options = { k, weights, ...shape, emptyClusters, startRows, maxIterations, tolerance: 0 };
                  const found = await clusterUsers(matrix, { ...options, threads: 1 });
                  const expected = reference(dense, options);
                  expect([...found.labels]).toEqual(expected.labels);
                  expect(found.sizes).toEqual(expected.sizes);
                  expect(found.inertia / expected.inertia).toBeCloseTo(1, 5);
                  for (const [c, centroid] of expected.centroids.entries())
                    for (const [item, value] of centroid.entries())
                      expect(found.centroids[item * found.lanes + c]).toBeCloseTo(value, 5);
                  for (let h = 1; h < found.history.length; h++)
                    expect(found.history[h]).toBeLessThanOrEqual(found.history[h - 1]!);
                  expectSameBytes(await clusterUsers(matrix, { ...options, threads: 2 }), found);
                  if (k === 7 && maxIterations === 1) inertias[emptyClusters] += found.inertia;
                }
      });
    }
    expect(inertias.relocate).toBeLessThan(inertias.keep);
  });

  it("a weight is worth as many equal users, whatever the start", async () => {
    const dense = shop(40, 9);
    const weights = Float32Array.from({ length: 40 }, (_, user) => 1 + (user % 3));
    const copies = dense.flatMap((row, user) => Array.from({ length: weights[user]! }, () => row));
    const first = [...weights.keys()].map((user) => weights.subarray(0, user).reduce((a, b) => a + b, 0));
    const startRows = [0, 1, 2];
    await withMatrix(folder, dense, async (matrix) => {
      const once = await clusterUsers(matrix, { k: 3, weights, startRows, spherical: true, tolerance: 0 });
      await withMatrix(folder, copies, async (all) => {
        const rows = startRows.map((row) => first[row]!);
        const many = await clusterUsers(all, { k: 3, startRows: rows, spherical: true, tolerance: 0 });
        expect(first.map((at) => many.labels[at])).toEqual([...once.labels]);
        expect(many.inertia).toBeCloseTo(once.inertia, 4);
      });
      const ones = new Float32Array(40).fill(1);
      for (const init of ["k-means++", "k-means||", "random"] as const) {
        const plain = await clusterUsers(matrix, { k: 3, init });
        expectSameBytes(await clusterUsers(matrix, { k: 3, init, weights: ones }), plain);
        const [one, two] = await Promise.all(
          [1, 2].map((threads) => clusterUsers(matrix, { k: 3, init, weights, spherical: true, threads })),
        );
        expectSameBytes(two, one);
      }
    });
  });

  it("users who count nothing are nobody's start and move no centroid", async () => {
    const dense = shop(60, 4);
    const weights = Float32Array.from({ length: 60 }, (_, user) => (user < 20 ? 1 : 0));
    await withMatrix(folder, dense, async (matrix) => {
      for (const init of ["k-means++", "k-means||"] as const) {
        const some = await clusterUsers(matrix, { k: 4, init, weights, tolerance: 0 });
        const again = reference(dense.slice(0, 20), { k: 4, startRows: [0, 1, 2, 3], maxIterations: 0 });
        expect(some.sizes.reduce((a, b) => a + b)).toBe(dense.filter((row) => row.some((x) => x !== 0)).length);
        expect(some.inertia).toBeLessThan(again.inertia);
        for (let c = 0; c < 4; c++) {
          const own = [...some.labels.keys()].filter((user) => user < 20 && some.labels[user] === c);
          for (let item = 0; item < 12; item++) {
            const mean = own.reduce((sum, user) => sum + unit(dense[user]!)[item]!, 0) / own.length;
            expect(some.centroids[item * some.lanes + c]).toBeCloseTo(mean, 5);
          }
        }
      }
    });
  });

  it("opposite rows, equal rows, one cluster, and what makes no sense", async () => {
    const rows = [
      [1, 0],
      [-1, 0],
      [0, 0],
    ];
    await withMatrix(folder, rows, async (matrix) => {
      // Their mean has no direction.
      const { inertia, centroids, sizes } = await clusterUsers(matrix, { k: 1, spherical: true });
      expect({ inertia, sizes, at: [centroids[0], centroids[16]] }).toEqual({ inertia: 2, sizes: [2], at: [0, 0] });
      const wrong: [Partial<ClusterUsersOptions>, RegExp][] = [
        [{ weights: new Float32Array(3) }, /weights/],
        [{ weights: Float32Array.of(0, 0, 1) }, /weights .* user with cells/],
        [{ weights: Float32Array.of(1, 1) }, /weights/],
        [{ weights: Float32Array.of(1, -1, 1) }, /weights/],
        [{ weights: Float32Array.of(1, Number.NaN, 1) }, /weights/],
        [{ emptyClusters: "drop" as "keep" }, /emptyClusters/],
      ];
      for (const [options, message] of wrong) {
        await expect(clusterUsers(matrix, { k: 2, ...options })).rejects.toMatchObject({
          code: "ERR_COUPONCAST_INVALID_ARGUMENT",
          message: expect.stringMatching(message),
        });
      }
    });
    const equal = Array.from({ length: 4 }, () => [3, 4]);
    await withMatrix(folder, equal, async (matrix) => {
      for (const emptyClusters of ["relocate", "keep"] as const) {
        const weights = Float32Array.of(0, 2, 0, 1);
        const { labels, sizes, inertia } = await clusterUsers(matrix, {
          k: 3,
          weights,
          spherical: true,
          emptyClusters,
        });
        expect([...labels]).toEqual([0, 0, 0, 0]);
        expect(sizes).toEqual([4, 0, 0]);
        expect(inertia).toBeCloseTo(0, 5);
      }
    });
  });

  it("keeps the best of several starts", async () => {
    await withMatrix(folder, shop(90, 8), async (matrix) => {
      const best = await clusterUsers(matrix, { k: 6, seed: 3, nInit: 8, init: "random" });
      const one = await clusterUsers(matrix, { k: 6, seed: 3, init: "random" });
      const again = await clusterUsers(matrix, { k: 6, seed: 3, nInit: 8, init: "random", threads: 1 });
      expect(best.inertia).toBeLessThan(one.inertia);
      expectSameBytes(again.labels, best.labels);
      expectSameBytes(again.centroids, best.centroids);
      await expect(clusterUsers(matrix, { k: 6, nInit: 0 })).rejects.toThrow(/nInit/);
    });
  });
});
