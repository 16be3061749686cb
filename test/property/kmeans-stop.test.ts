import { describe, expect, it } from "vitest";
import {
  type ClusterUsersOptions,
  clusterUsers,
  kmeans,
  miniBatchUsers,
  predictUserClusters,
  type UserClusterModel,
} from "../../src/index.js";
import { Random } from "../../src/util/random.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";

const folder = temporaryFolder();

interface Rules {
  maxIterations: number;
  tolerance: number;
  weights?: Float32Array | undefined;
}

const squared = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + (x - b[d]!) ** 2, 0);

/** Scikit-learn's loop in float64, from `start`; the variance counts points as often as they weigh. */
function reference(points: number[][], start: number[][], { maxIterations, tolerance, weights }: Rules) {
  const weightOf = (i: number) => weights?.[i] ?? 1;
  const total = points.reduce((sum, _, i) => sum + weightOf(i), 0);
  const meanOf = (members: number[]) => {
    const weight = members.reduce((sum, i) => sum + weightOf(i), 0);
    return points[0]!.map((_, d) => members.reduce((sum, i) => sum + weightOf(i) * points[i]![d]!, 0) / weight);
  };
  const mean = meanOf([...points.keys()]);
  const variance = points.reduce((sum, point, i) => sum + weightOf(i) * squared(point, mean), 0) / total / mean.length;
  const assigned = (to: number[][]) =>
    points.map((point) => {
      const distances = to.map((centroid) => squared(point, centroid));
      return distances.indexOf(Math.min(...distances));
    });
  let centroids = start;
  let before = points.map(() => -1);
  let [numIterations, strict, within] = [0, false, false];
  while (numIterations < maxIterations && !strict && !within) {
    const labels = assigned(centroids);
    const next = centroids.map((centroid, c) => {
      const members = [...labels.keys()].filter((i) => labels[i] === c);
      return members.some((i) => weightOf(i) > 0) ? meanOf(members) : centroid;
    });
    const shift = next.reduce((sum, centroid, c) => sum + squared(centroid, centroids[c]!), 0);
    centroids = next;
    numIterations++;
    strict = labels.every((label, i) => label === before[i]);
    within = !strict && shift <= tolerance * variance;
    before = labels;
  }
  const labels = assigned(centroids);
  const inertia = points.reduce((sum, point, i) => sum + weightOf(i) * squared(point, centroids[labels[i]!]!), 0);
  // Labels that stay are seen there by an update that moves nothing.
  return { labels, inertia, centroids, iterations: numIterations - (strict ? 1 : 0), stopped: strict || within };
}

const RULES = [1, 2, 4, 300].flatMap((maxIterations) =>
  [0, 1e-4, 0.01, 0.3].map((tolerance) => ({ maxIterations, tolerance })),
);

function expectStops(stops: Set<string>) {
  // Each way to stop was taken.
  expect([...stops].sort()).toEqual(["labels", "limit", "tolerance"]);
}

describe("K-means from a given start", () => {
  it("does as many iterations as scikit-learn's loop, to the same labels", async () => {
    const random = new Random(3);
    const stops = new Set<string>();
    for (const [n, dims, k] of [
      [60, 1, 4],
      [150, 3, 6],
      [300, 9, 30],
    ] as const) {
      const points = Float32Array.from({ length: n * dims }, (_, at) => random.normal() + 2 * (at % 3));
      const centroids = points.slice(0, k * dims);
      const uneven = Float32Array.from({ length: n }, () => 3 * random.next());
      const rows = Array.from({ length: n }, (_, i) => [...points.subarray(i * dims, (i + 1) * dims)]);
      for (const weights of [undefined, uneven]) {
        for (const rules of RULES) {
          const found = await kmeans(points, dims, { k, centroids, weights, ...rules, threads: 1 });
          const expected = reference(rows, rows.slice(0, k), { ...rules, weights });
          expect([...found.labels]).toEqual(expected.labels);
          expect(found.iterations).toBe(expected.iterations);
          expect(found.inertia / expected.inertia).toBeCloseTo(1, 5);
          expect(found.history.length).toBe(found.iterations + 1);
          if (expected.stopped) expect(found.converged).toBe(true);
          const tight = await kmeans(points, dims, { k, centroids, weights, ...rules, tolerance: 0, threads: 1 });
          if (tight.iterations > found.iterations) stops.add("tolerance");
          else stops.add(found.converged ? "labels" : "limit");
        }
      }
    }
    expectStops(stops);
  });

  it("goes on where it stopped", async () => {
    const random = new Random(8);
    const points = Float32Array.from({ length: 900 }, () => random.normal());
    const whole = await kmeans(points, 3, { k: 8, maxIterations: 9, tolerance: 0 });
    const half = await kmeans(points, 3, { k: 8, maxIterations: 4, tolerance: 0 });
    const { centroids } = half;
    const rest = await kmeans(points, 3, { k: 8, centroids, maxIterations: 5, tolerance: 0, nInit: 7 });
    expect(half.iterations).toBe(4);
    expect([...rest.labels]).toEqual([...whole.labels]);
    expect([...rest.centroids]).toEqual([...whole.centroids]);
    expect([...half.history, ...rest.history.slice(1)]).toEqual(whole.history);
  });
});

describe("K-means of users from a given start", () => {
  const random = new Random(21);
  const dense = Array.from({ length: 160 }, (_, user) =>
    Array.from({ length: 20 }, () => (user % 11 !== 3 && random.next() < 0.4 ? Math.fround(random.next()) : 0)),
  );
  const active = dense.flatMap((row, user) => (row.some((x) => x !== 0) ? [user] : []));
  const uneven = Float32Array.from(dense, () => 3 * random.next());

  it("does as many iterations as scikit-learn's loop, from rows and from a model", async () => {
    const stops = new Set<string>();
    await withMatrix(folder, dense, async (matrix) => {
      for (const unitLength of [true, false]) {
        const points = active.map((user) =>
          dense[user]!.map((x) => x / (unitLength ? Math.hypot(...dense[user]!) : 1)),
        );
        const k = 5;
        const start = points.slice(0, k);
        const startModel = modelOf(matrix.ids("items", 0, 20), start, unitLength);
        for (const weights of [undefined, uneven]) {
          for (const rules of RULES) {
            const options = { k, weights, unitLength, ...rules };
            const found = await clusterUsers(matrix, { ...options, startModel });
            const fromRows = await clusterUsers(matrix, { ...options, startRows: active.slice(0, k), threads: 1 });
            const own = weights && Float32Array.from(active, (user) => weights[user]!);
            const expected = reference(points, start, { ...rules, weights: own });
            for (const { labels, iterations, inertia } of [found, fromRows]) {
              expect(active.map((user) => labels[user])).toEqual(expected.labels);
              expect(iterations).toBe(expected.iterations);
              expect(inertia / expected.inertia).toBeCloseTo(1, 5);
            }
            const tight = await clusterUsers(matrix, { ...options, startModel, tolerance: 0 });
            if (tight.iterations > found.iterations) stops.add("tolerance");
            else stops.add(found.converged ? "labels" : "limit");
          }
        }
      }
    });
    expectStops(stops);
  });

  it("starts where a model of other items would put the users", async () => {
    await withMatrix(folder, shopOfTastes(90), async (matrix) => {
      const { centroids, lanes } = await clusterUsers(matrix, { k: 3 });
      const at = (item: number, c: number) => centroids[item * lanes + c]!;
      const items = matrix.ids("items", 0, 15).map((id, item) => (item % 4 === 1 ? `old-${id}` : id));
      const scores = [0, 1, 2].map((c) => items.map((_, item) => at(item, c)));
      const startModel = modelOf(items, scores, true);
      const before = await predictUserClusters(matrix, startModel);
      for (const threads of [1, 2]) {
        const found = await clusterUsers(matrix, { k: 3, startModel, maxIterations: 1, tolerance: 0, threads });
        expect(found.history[0]! / before.inertia).toBeCloseTo(1, 5);
        const batch = { k: 3, startModel, batchSize: 30, threads };
        expect(await miniBatchUsers(matrix, batch)).toEqual(await miniBatchUsers(matrix, { ...batch, threads: 1 }));
      }
      const wrong: [ClusterUsersOptions, RegExp][] = [
        [{ k: 2, startModel }, /3/],
        [{ k: 3, startModel, unitLength: false }, /unitLength/],
        [{ k: 3, startModel, startRows: [0, 1, 2] }, /not both/],
        [{ k: 3, startModel: { ...startModel, items: [] } }, /model/],
        [{ k: 3, startModel: { ...startModel, centroids: startModel.centroids.map(() => 1e30) } }, /9e18/],
      ];
      for (const [options, message] of wrong) {
        for (const call of [clusterUsers, miniBatchUsers])
          await expect(call(matrix, options as never)).rejects.toMatchObject({
            code: "ERR_COUPONCAST_INVALID_ARGUMENT",
            message: expect.stringMatching(message),
          });
      }
    });
  });
});

/** `centroids` [k][items]. */
function modelOf(items: string[], centroids: readonly (readonly number[])[], unitLength: boolean): UserClusterModel {
  const k = centroids.length;
  const scores = Float32Array.from({ length: k * items.length }, (_, at) => centroids[at % k]![Math.floor(at / k)]!);
  return { items, centroids: scores, sizes: centroids.map(() => 1), unitLength };
}
