import { type RowRange, shared } from "../executor/executor.js";
import type { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import type { Choosable, Searchable } from "./choosable.js";
import { parallelCandidates } from "./kmeans-parallel-init.js";

export const KMEANS_INITS = ["k-means++", "k-means||", "random"] as const;
/** How the first centroids are found. */
export type KmeansInit = (typeof KMEANS_INITS)[number];

/** Points tried for each next centroid, as scikit-learn does. */
const trialsOf = (k: number) => 2 + Math.floor(Math.log(k));

/**
 * Rows of k points to start from. k-means++: each next one is the best of a few points that are drawn with probability
 * proportional to weight times squared distance; k-means||: the same among some 10 k candidates that few passes find,
 * each weighing as much as the points around it; random: different points, all alike.
 * Cost: (3 + ln k) n k distances, of k-means|| 10 n k; memory 8 n bytes.
 * Source: Arthur & Vassilvitskii 2007, with the greedy choice that it proposes; Bahmani et al. 2012.
 */
export async function firstCentroids(points: Searchable, init: KmeansInit, random: Random): Promise<number[]> {
  return init === "k-means||" ? parallel(points, random) : centroidsAmong(points, init, random);
}

/** The same, of few points. */
export async function centroidsAmong(
  points: Choosable,
  init: Exclude<KmeansInit, "k-means||">,
  random: Random,
): Promise<number[]> {
  return init === "random" ? randomRows(points, random) : plusPlus(points, random);
}

async function parallel(points: Searchable, random: Random): Promise<number[]> {
  const { rows, weights } = await parallelCandidates(points, await firstRow(points, random), random);
  // Few places: the candidates are all of them, or nearly.
  if (rows.length <= points.k) return plusPlus(points, random);
  return (await plusPlus(await points.subset(rows, weights), random)).map((at) => rows[at]!);
}

const firstRow = async ({ n, weights }: Choosable, random: Random) =>
  weights === undefined ? random.int(n) : heaviestDraw(weights, random);

function randomRows({ n, k }: Choosable, random: Random): number[] {
  // Floyd's choice of k of n: no array of n.
  const chosen = new Set<number>();
  for (let top = n - k; top < n; top++) {
    const row = random.int(top + 1);
    chosen.add(chosen.has(row) ? top : row);
  }
  return [...chosen];
}

async function plusPlus(points: Choosable, random: Random): Promise<number[]> {
  const { n, k } = points;
  let distances = shared.f32(n);
  let spare = shared.f32(n);
  await forEachYielding(n, (i) => {
    distances[i] = Number.MAX_VALUE;
  });
  const chosen = [await firstRow(points, random)];
  let sums = await points.lowerDistances(chosen[0]!, distances);
  while (chosen.length < k) {
    let best: { row: number; total: number; sums: typeof sums } | undefined;
    let kept = shared.f32(n);
    for (let trial = 0; trial < trialsOf(k); trial++) {
      const row = draw(distances, sums, random);
      spare.set(distances);
      const after = await points.lowerDistances(row, spare);
      const total = after.reduce((all, { sum }) => all + sum, 0);
      if (best !== undefined && total >= best.total) continue;
      best = { row, total, sums: after };
      [kept, spare] = [spare, kept];
    }
    chosen.push(best!.row);
    sums = best!.sums;
    [distances, kept] = [kept, distances];
  }
  return chosen;
}

/** A point with probability proportional to its weight. */
async function heaviestDraw(weights: Float32Array, random: Random): Promise<number> {
  let sum = 0;
  await forEachYielding(weights.length, (i) => {
    sum += weights[i]!;
  });
  return draw(weights, [{ begin: 0, end: weights.length, sum }], random);
}

/** A point with probability proportional to its distance: first the shard, then the point in it. */
function draw(distances: Float32Array, shards: readonly (RowRange & { sum: number })[], random: Random): number {
  const total = shards.reduce((all, { sum }) => all + sum, 0);
  // All points coincide with a centroid: any point will do, its cluster stays empty.
  if (!(total > 0)) return random.int(distances.length);
  let left = random.next() * total;
  let last = 0;
  for (const [shard, { begin, end, sum }] of shards.entries()) {
    if (left >= sum && shard + 1 < shards.length) {
      left -= sum;
      continue;
    }
    for (let i = begin; i < end; i++) {
      const distance = distances[i]!;
      if (distance > 0) {
        last = i;
        if (left < distance) return i;
        left -= distance;
      }
    }
  }
  return last;
}
