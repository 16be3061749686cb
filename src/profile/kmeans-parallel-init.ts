import { shared } from "../executor/executor.js";
import type { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import type { Searchable } from "./choosable.js";

/** Rounds, and candidates drawn in each as a multiple of k: what the authors propose. */
const ROUNDS = 5;
const OVERSAMPLING = 2;

export interface Candidates {
  /** Ascending rows of points. */
  rows: number[];
  /** [rows] weight of the points that are nearest to each. */
  weights: Float32Array;
}

/**
 * Candidates for centroids by k-means||: in each of five rounds every point is drawn with probability
 * min(1, 2 k w d² / sum of w d²), d its distance to the candidates so far. Points are looked at a few times, not some k.
 * Cost: about 10 n k distances; memory 12 n bytes.
 * Source: Bahmani et al. 2012, "Scalable k-means++".
 */
export async function parallelCandidates(points: Searchable, first: number, random: Random): Promise<Candidates> {
  const { n, k, weights } = points;
  const chosen: number[] = [];
  const distances = shared.f32(n);
  const nearest = new Int32Array(n);
  await forEachYielding(n, (i) => {
    distances[i] = Number.POSITIVE_INFINITY;
  });
  let drawn = [first];
  for (let round = 0; drawn.length > 0; round++) {
    const found = await points.nearestOf(drawn);
    // Rounding may say otherwise.
    for (const row of drawn) found.distances[row] = 0;
    let potential = 0;
    await forEachYielding(n, (i) => {
      if (found.distances[i]! < distances[i]!) {
        distances[i] = found.distances[i]!;
        nearest[i] = chosen.length + found.labels[i]!;
      }
      potential += distances[i]! * (weights?.[i] ?? 1);
    });
    chosen.push(...drawn);
    drawn = [];
    if (round === ROUNDS) break;
    await forEachYielding(n, (i) => {
      const share = (OVERSAMPLING * k * distances[i]! * (weights?.[i] ?? 1)) / potential;
      if (share > 0 && random.next() < share) drawn.push(i);
    });
  }
  const sums = new Float64Array(chosen.length);
  await forEachYielding(n, (i) => {
    sums[nearest[i]!]! += weights?.[i] ?? 1;
  });
  const order = [...chosen.keys()].sort((a, b) => chosen[a]! - chosen[b]!);
  return { rows: order.map((at) => chosen[at]!), weights: Float32Array.from(order, (at) => sums[at]!) };
}
