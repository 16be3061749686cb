import { forEachYielding } from "../util/yield.js";

/**
 * Up to `count` points that lie away from their centroid, by weight times squared distance: farthest first, of equal
 * ones the smaller index.
 */
export async function farthestPoints(
  distances: Float32Array,
  weights: Float32Array | undefined,
  count: number,
): Promise<number[]> {
  const best: number[] = [];
  if (count === 0) return best;
  const farness = (i: number) => distances[i]! * (weights?.[i] ?? 1);
  await forEachYielding(distances.length, (i) => {
    const distance = farness(i);
    if (!(distance > 0) || (best.length === count && distance <= farness(best[count - 1]!))) return;
    let low = 0;
    let high = best.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (farness(best[middle]!) >= distance) low = middle + 1;
      else high = middle;
    }
    best.splice(low, 0, i);
    if (best.length > count) best.pop();
  });
  return best;
}
