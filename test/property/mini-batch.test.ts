import { describe, expect, it } from "vitest";
import { clusterUsers, kmeans, type MiniBatchKmeansOptions, miniBatchKmeans, miniBatchUsers } from "../../src/index.js";
import { Random } from "../../src/util/random.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";

const folder = temporaryFolder();

interface Reference {
  centroids: number[][];
  steps: number;
  converged: boolean;
}

/** scikit-learn's rules in plain loops, with draws of the same streams. */
function reference(points: number[][], start: number[][], options: MiniBatchKmeansOptions): Reference {
  const { k, batchSize = 1024, maxIterations = 100, maxNoImprovement = 10, reassignmentRatio = 0.01 } = options;
  const n = points.length;
  const size = Math.min(batchSize, n);
  const weightOf = (row: number) => options.weights?.[row] ?? 1;
  const centroids = start.map((row) => [...row]);
  const seen = new Array<number>(k).fill(0);
  const sums = start.map((row) => row.map(() => 0));
  const draws = new Random(options.seed ?? 1, 2 ** 32);
  const restarts = new Random(options.seed ?? 1, 2 ** 32 + 1);
  const total = Math.max(1, Math.floor((maxIterations * n) / size));
  let [smoothed, least] = [Number.NaN, Number.POSITIVE_INFINITY];
  let [withoutGain, since, steps] = [0, 0, 0];
  while (steps < total) {
    const batch = Array.from({ length: size }, () => draws.int(n));
    let inertia = 0;
    const labels = batch.map((row) => {
      const distances = centroids.map((c) => c.reduce((sum, x, d) => sum + (x - points[row]![d]!) ** 2, 0));
      const label = distances.indexOf(Math.min(...distances));
      inertia += weightOf(row) * distances[label]!;
      return label;
    });
    for (const [i, row] of batch.entries()) {
      const label = labels[i]!;
      seen[label]! += weightOf(row);
      sums[label] = sums[label]!.map((sum, d) => sum + weightOf(row) * points[row]![d]!);
    }
    for (const [c, sum] of sums.entries()) {
      if (labels.some((label, i) => label === c && weightOf(batch[i]!) > 0))
        centroids[c] = sum.map((x) => x / seen[c]!);
    }
    steps++;
    since += size;
    if (seen.some((weight) => weight === 0) || since >= 10 * k) {
      since = 0;
      const limit = reassignmentRatio * Math.max(...seen);
      let weak = seen.flatMap((weight, c) => (weight < limit ? [c] : []));
      const most = Math.floor(size / 2);
      if (weak.length > most) {
        weak = weak.sort((a, b) => seen[a]! - seen[b]! || a - b).slice(0, most);
        weak.sort((a, b) => a - b);
      }
      const smallest = Math.min(...seen.filter((_, c) => !weak.includes(c)));
      const rows = batch.filter((row) => weightOf(row) > 0);
      for (const c of weak) {
        if (rows.length === 0) break;
        const at = restarts.int(rows.length);
        const row = rows[at]!;
        rows[at] = rows[0]!;
        rows.shift();
        seen[c] = smallest;
        centroids[c] = [...points[row]!];
        sums[c] = points[row]!.map((x) => x * smallest);
      }
    }
    if (steps === 1) continue;
    const smoothing = Math.min(1, (2 * size) / (n + 1));
    const mean = inertia / size;
    smoothed = Number.isNaN(smoothed) ? mean : smoothed * (1 - smoothing) + mean * smoothing;
    withoutGain = smoothed < least ? 0 : withoutGain + 1;
    least = Math.min(least, smoothed);
    if (maxNoImprovement > 0 && withoutGain >= maxNoImprovement) return { centroids, steps, converged: true };
  }
  return { centroids, steps, converged: false };
}

const rowsOf = (flat: Float32Array, dims: number) =>
  Array.from({ length: flat.length / dims }, (_, i) => [...flat.subarray(i * dims, (i + 1) * dims)]);

/** Points around five places, one of them rare. */
function places(n: number, dims: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: n * dims }, (_, at) => {
    const i = Math.floor(at / dims);
    const place = i % 50 === 0 ? 4 : i % 4;
    return 10 * ((place * (1 + (at % dims))) % 5) + random.normal();
  });
}

describe("mini-batch K-means", () => {
  it("does what the rules say, restarts and the stop included", async () => {
    for (const { n, dims, k, ...options } of [
      { n: 400, dims: 2, k: 5, batchSize: 40 },
      { n: 400, dims: 3, k: 8, batchSize: 64, maxNoImprovement: 3 },
      { n: 300, dims: 9, k: 30, batchSize: 50, maxIterations: 3, reassignmentRatio: 0.3, maxNoImprovement: 0 },
      { n: 60, dims: 2, k: 4, batchSize: 1000, seed: 5 },
    ]) {
      const points = places(n, dims, 7);
      const weights = Float32Array.from({ length: n }, (_, i) => i % 3);
      for (const own of [undefined, weights]) {
        const centroids = points.slice(0, k * dims);
        const run = { k, centroids, weights: own, ...options };
        const found = await miniBatchKmeans(points, dims, run);
        const expected = reference(rowsOf(points, dims), rowsOf(centroids, dims), run);
        expect({ steps: found.steps, converged: found.converged }).toEqual({
          steps: expected.steps,
          converged: expected.converged,
        });
        for (const [at, value] of expected.centroids.flat().entries())
          expect(found.centroids[at]).toBeCloseTo(value, 3);
        const plain = await kmeans(points, dims, { k, centroids: found.centroids, weights: own, maxIterations: 1 });
        expect(plain.history[0]).toBe(found.inertia);
        expect(found.sizes.reduce((a, b) => a + b)).toBe(n);
      }
    }
  });

  it("comes near to K-means, the same with any number of threads", async () => {
    const points = places(30_000, 8, 3);
    const options = { k: 24, seed: 2, batchSize: 6000 };
    const [one, two] = await Promise.all([1, 2].map((threads) => miniBatchKmeans(points, 8, { ...options, threads })));
    expectSameBytes(two, one);
    const full = await kmeans(points, 8, { k: 24, seed: 2 });
    expect(one!.inertia).toBeLessThan(full.inertia * 1.05);
    const best = await miniBatchKmeans(points, 8, { ...options, nInit: 3, init: "random" });
    expect(best.inertia).toBeLessThan(full.inertia * 1.2);
  });

  it("equal points, k = n, unit length, what makes no sense", async () => {
    const same = await miniBatchKmeans(new Float32Array(300).fill(7), 3, { k: 4 });
    expect(same.inertia).toBe(0);
    expect(same.labels.every((label) => label === 0)).toBe(true);
    expect((await miniBatchKmeans(Float32Array.of(5, 1, 4), 1, { k: 3 })).labels.length).toBe(3);
    const rays = Float32Array.from({ length: 400 }, (_, at) => ((at >> 1) % 2 === at % 2 ? 1 + (at % 7) : 0));
    const { labels, centroids } = await miniBatchKmeans(rays, 2, { k: 2, spherical: true, batchSize: 20 });
    for (let i = 0; i < 200; i++) expect(labels[i]).toBe(labels[i % 2]);
    expect([...centroids].sort()).toEqual([0, 0, 1, 1]);
    const points = Float32Array.of(1, 2, 3, 4);
    const wrong: [MiniBatchKmeansOptions, string][] = [
      [{ k: 5 }, "k"],
      [{ k: 1, batchSize: 0 }, "batchSize"],
      [{ k: 1, reassignmentRatio: 2 }, "reassignmentRatio"],
      [{ k: 1, maxNoImprovement: -1 }, "maxNoImprovement"],
      [{ k: 2, weights: new Float32Array(4) }, "weights"],
      [{ k: 2, centroids: new Float32Array(3) }, "centroids"],
    ];
    for (const [options, message] of wrong) {
      await expect(miniBatchKmeans(points, 1, options), message).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringContaining(message),
      });
    }
    await expect(miniBatchKmeans(Float32Array.of(1, Number.NaN), 1, { k: 1 })).rejects.toThrow(/finite/);
  });

  it("stops within 50 ms when asked to", async () => {
    const controller = new AbortController();
    const points = places(20_000, 8, 1);
    const run = miniBatchKmeans(points, 8, {
      k: 50,
      batchSize: 10_000,
      maxIterations: 100_000,
      maxNoImprovement: 0,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 3) controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
  });
});

describe("mini-batch K-means of users by their rows", () => {
  it("does what the rules say, with and without weights", async () => {
    const dense = shopOfTastes(180);
    await withMatrix(folder, dense, async (matrix) => {
      const active = dense.flatMap((row, user) => (row.some((value) => value > 0) ? [user] : []));
      const startRows = [active[0]!, active[1]!, active[2]!, active[3]!];
      const points = active.map((user) => dense[user]!);
      const weights = Float32Array.from({ length: 180 }, (_, user) => user % 3);
      for (const own of [undefined, weights]) {
        const options = { k: 4, batchSize: 30, maxNoImprovement: 4 };
        const found = await miniBatchUsers(matrix, { ...options, startRows, unitLength: false, weights: own });
        const expected = reference(
          points,
          startRows.map((user) => dense[user]!),
          {
            ...options,
            weights: own && Float32Array.from(active, (user) => own[user]!),
          },
        );
        expect({ steps: found.steps, converged: found.converged }).toEqual({
          steps: expected.steps,
          converged: expected.converged,
        });
        for (let c = 0; c < 4; c++) {
          for (let item = 0; item < 15; item++)
            expect(found.centroids[item * found.lanes + c]).toBeCloseTo(expected.centroids[c]![item]!, 4);
        }
        expect(dense.every((row, user) => row.some((value) => value > 0) === found.labels[user]! >= 0)).toBe(true);
      }
    });
  });

  it("comes near to K-means, the same with any number of threads, also by direction", async () => {
    await withMatrix(folder, shopOfTastes(900), async (matrix) => {
      const options = { k: 3, seed: 4, batchSize: 100 };
      const [one, two] = await Promise.all([1, 2].map((threads) => miniBatchUsers(matrix, { ...options, threads })));
      expectSameBytes(two, one);
      const full = await clusterUsers(matrix, { k: 3, seed: 4 });
      expect(one!.inertia).toBeLessThan(full.inertia * 1.05);
      const { centroids, lanes } = await miniBatchUsers(matrix, { ...options, spherical: true });
      for (let c = 0; c < 3; c++) {
        const length = Math.hypot(...Array.from({ length: 15 }, (_, item) => centroids[item * lanes + c]!));
        expect(length).toBeCloseTo(1, 6);
      }
      await expect(miniBatchUsers(matrix, { k: 801 })).rejects.toThrow(/users with cells 800/);
      await expect(miniBatchUsers(matrix, { k: 2, weights: new Float32Array(900) })).rejects.toThrow(/weights/);
    });
  });
});
