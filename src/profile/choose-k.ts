import { invalidArgument } from "../errors.js";
import { integerBetween, oneOf } from "../util/arguments.js";
import { Random } from "../util/random.js";
import { sampleRows } from "../util/sample-rows.js";
import { yieldToEventLoop } from "../util/yield.js";
import { bestK, K_CRITERIA, type KCriterion, type KQuality } from "./choice-of-k.js";
import { type DenseClusterOptions, denseClusters } from "./dense-clusters.js";
import { checkedPoints, unitRows } from "./kmeans-points.js";

export interface KChoice {
  /** The best by the criterion, of equal ones the smallest. */
  k: number;
  criterion: KCriterion;
  qualities: KQuality[];
  /** Points that silhouettes are means over. */
  sampleSize: number;
}

export interface ChooseKOptions extends Omit<DenseClusterOptions, "k" | "centroids"> {
  /** Default 2. */
  minK?: number | undefined;
  /** Default 12; at most one less than the points. */
  maxK?: number | undefined;
  /** What says which k is best; default silhouette. */
  criterion?: KCriterion | undefined;
  /** Points that silhouettes are means over; default 2000, of fewer points all. */
  sampleSize?: number | undefined;
}

/**
 * Runs K-means for every k from minK to maxK and says which describes the points best: silhouette
 * s = mean of (b - a) / max(a, b), a the mean distance to the own cluster, b to the nearest other one, exact on a sample
 * without replacement; a point alone in its cluster has 0. Also by Calinski-Harabasz, in which a weight is as many
 * points, and by the elbow of the inertia: of its curve over k, the point farthest below the straight line from the first
 * to the last.
 * Cost: that of the runs, and sampleSize² dims / 2.
 * Errors: as kmeans; ERR_COUPONCAST_INVALID_ARGUMENT with fewer than 3 points.
 * Source: Rousseeuw 1987; Caliński & Harabasz 1974.
 */
export async function chooseK(points: Float32Array, dims: number, options: ChooseKOptions = {}): Promise<KChoice> {
  const data = await checkedPoints(points, dims);
  const n = data.length / dims;
  if (n < 3) throw invalidArgument(`expected at least 3 points to choose k but received ${n}`);
  const { minK: _min, maxK: _max, sampleSize: _size, criterion: _criterion, ...run } = options;
  const criterion = oneOf("criterion", options.criterion ?? "silhouette", K_CRITERIA);
  const maxK = Math.min(integerBetween("maxK", options.maxK ?? 12, 2, 1000), n - 1);
  const minK = Math.min(integerBetween("minK", options.minK ?? 2, 2, 1000), maxK);
  if ((options.minK ?? 2) > (options.maxK ?? 12)) throw invalidArgument("expected minK <= maxK");
  const sampleSize = Math.min(integerBetween("sampleSize", options.sampleSize ?? 2000, 3, 20_000), n);
  const sample = sampleRows(n, sampleSize, new Random(options.seed ?? 1, 1));
  const { inertia: total } = await denseClusters(data, dims, { ...run, miniBatch: undefined, k: 1 });
  const { weights } = options;
  const size = weights === undefined ? n : weights.reduce((sum, weight) => sum + weight, 0);
  const found: { k: number; inertia: number; labels: Int32Array; used: number }[] = [];
  for (let k = minK; k <= maxK; k++) {
    const { inertia, labels, sizes } = await denseClusters(data, dims, { ...run, k });
    const used = sizes.filter((size) => size > 0).length;
    found.push({ k, inertia, used, labels: Int32Array.from(sample, (row) => labels[row]!) });
  }
  const compared = options.spherical ? await unitRows(data, dims) : data;
  const silhouettes = await sampleSilhouettes(compared, dims, sample, found);
  const qualities = found.map(({ k, inertia, used }, index) => ({
    k,
    inertia,
    sampleSilhouette: silhouettes[index]!,
    calinskiHarabasz: inertia > 0 && used > 1 ? ((total - inertia) * (size - used)) / (inertia * (used - 1)) : null,
  }));
  return { k: bestK(qualities, criterion), criterion, qualities, sampleSize };
}

/** Mean silhouette of each clustering; each distance is computed once for all of them. */
async function sampleSilhouettes(
  points: Float32Array,
  dims: number,
  sample: Int32Array,
  clusterings: readonly { k: number; labels: Int32Array }[],
): Promise<number[]> {
  const totals = clusterings.map(() => 0);
  const sizes = clusterings.map(({ k, labels }) => {
    const counts = new Float64Array(k);
    for (const label of labels) counts[label]!++;
    return counts;
  });
  const distances = new Float64Array(sample.length);
  for (const [i, row] of sample.entries()) {
    for (const [j, other] of sample.entries()) {
      let squares = 0;
      for (let d = 0; d < dims; d++) squares += (points[row * dims + d]! - points[other * dims + d]!) ** 2;
      distances[j] = Math.sqrt(squares);
    }
    for (const [index, { k, labels }] of clusterings.entries()) {
      const sums = new Float64Array(k);
      for (let j = 0; j < distances.length; j++) sums[labels[j]!]! += distances[j]!;
      totals[index]! += silhouette(sums, sizes[index]!, labels[i]!);
    }
    if (i % 16 === 15) await yieldToEventLoop();
  }
  return totals.map((total) => total / sample.length);
}

function silhouette(sums: Float64Array, sizes: Float64Array, own: number): number {
  if (sizes[own]! < 2) return 0;
  const a = sums[own]! / (sizes[own]! - 1);
  let b = Number.POSITIVE_INFINITY;
  for (const [c, sum] of sums.entries()) if (c !== own && sizes[c]! > 0) b = Math.min(b, sum / sizes[c]!);
  if (b === Number.POSITIVE_INFINITY) return 0;
  return a === b ? 0 : (b - a) / Math.max(a, b);
}
