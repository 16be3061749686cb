import { yieldToEventLoop } from "../util/yield.js";

/**
 * Mean silhouette of each clustering of a sample; each distance is computed once for all of them.
 * `distancesFrom(i)`: [n] of one of the n points of the sample to all of them; `labels` [n].
 */
export async function meanSilhouettes(
  n: number,
  distancesFrom: (i: number) => ArrayLike<number> | Promise<ArrayLike<number>>,
  clusterings: readonly { k: number; labels: Int32Array }[],
): Promise<number[]> {
  const totals = clusterings.map(() => 0);
  const sizes = clusterings.map(({ k, labels }) => {
    const counts = new Float64Array(k);
    for (const label of labels) counts[label]!++;
    return counts;
  });
  for (let i = 0; i < n; i++) {
    const distances = await distancesFrom(i);
    for (const [index, { k, labels }] of clusterings.entries()) {
      const sums = new Float64Array(k);
      for (let j = 0; j < n; j++) sums[labels[j]!]! += distances[j]!;
      totals[index]! += silhouette(sums, sizes[index]!, labels[i]!);
    }
    if (i % 16 === 15) await yieldToEventLoop();
  }
  return totals.map((total) => total / n);
}

function silhouette(sums: Float64Array, sizes: Float64Array, own: number): number {
  if (sizes[own]! < 2) return 0;
  const a = sums[own]! / (sizes[own]! - 1);
  let b = Number.POSITIVE_INFINITY;
  for (const [c, sum] of sums.entries()) if (c !== own && sizes[c]! > 0) b = Math.min(b, sum / sizes[c]!);
  if (b === Number.POSITIVE_INFINITY) return 0;
  return a === b ? 0 : (b - a) / Math.max(a, b);
}
