import { invalidArgument } from "../errors.js";
import { integerBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { Random } from "../util/random.js";
import { sampleRows } from "../util/sample-rows.js";
import { forEachYielding } from "../util/yield.js";
import { bestK, K_CRITERIA, type KCriterion, type KQuality } from "./choice-of-k.js";
import { type DenseClusterOptions, denseClusters } from "./dense-clusters.js";
import { KMEANS_OPTIONS } from "./kmeans.js";
import { checkedPoints, unitRows } from "./kmeans-points.js";
import { meanSilhouettes } from "./silhouettes.js";

export interface KChoice {
  /** The best by the criterion, of equal ones the smallest. */
  k: number;
  criterion: KCriterion;
  qualities: KQuality[];
  /** Points that silhouettes are means over. */
  sampleSize: number;
}

/** How k is chosen, whatever the points are. */
export interface ChoiceOptions {
  /** Default 2. */
  minK?: number | undefined;
  /** Default 12; at most one less than the points. */
  maxK?: number | undefined;
  /** What says which k is best; default silhouette. */
  criterion?: KCriterion | undefined;
  /** Points that silhouettes are means over; default 2000, of fewer points all. */
  sampleSize?: number | undefined;
}

/** For knownOptions. */
export const CHOICE_OPTIONS = { minK: true, maxK: true, criterion: true, sampleSize: true };

export interface ChooseKOptions extends Omit<DenseClusterOptions, "k" | "centroids">, ChoiceOptions {}

const { k: _k, centroids: _centroids, ...OF_ANY_K } = KMEANS_OPTIONS;
const CHOOSE_K_OPTIONS = { ...OF_ANY_K, ...CHOICE_OPTIONS, miniBatch: true };

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
  knownOptions("chooseK", options, CHOOSE_K_OPTIONS);
  const data = await checkedPoints(points, dims);
  const n = data.length / dims;
  const { minK: _min, maxK: _max, sampleSize: _size, criterion: _criterion, ...run } = options;
  const { weights } = options;
  let size = weights === undefined ? n : 0;
  await forEachYielding(weights?.length ?? 0, (i) => {
    size += weights![i]!;
  });
  return chooseAmong(options, options.seed, {
    n,
    size,
    total: async () => (await denseClusters(data, dims, { ...run, miniBatch: undefined, k: 1 })).inertia,
    clusters: (k) => denseClusters(data, dims, { ...run, k }),
    distances: async (sample) => {
      const compared = options.spherical ? await unitRows(data, dims) : data;
      return (i) => distancesOf(compared, dims, sample, i);
    },
  });
}

function distancesOf(points: Float32Array, dims: number, sample: Int32Array, from: number): Float64Array {
  const row = sample[from]!;
  return Float64Array.from(sample, (other) => {
    let squares = 0;
    for (let d = 0; d < dims; d++) squares += (points[row * dims + d]! - points[other * dims + d]!) ** 2;
    return Math.sqrt(squares);
  });
}

/** Points of any kind, as far as choosing a number of clusters for them goes. */
interface Clusterable {
  n: number;
  /** What they weigh together. */
  size: number;
  /** The inertia of one cluster. */
  total(): Promise<number>;
  /** `labels` [n] */
  clusters(k: number): Promise<{ inertia: number; labels: Int32Array; sizes: readonly number[] }>;
  /** Of one of the sample to all of it. */
  distances(sample: Int32Array): Promise<(from: number) => ArrayLike<number> | Promise<ArrayLike<number>>>;
}

/** @internal What chooseK does, of any points. */
export async function chooseAmong(
  options: ChoiceOptions,
  seed: number | undefined,
  points: Clusterable,
): Promise<KChoice> {
  const { n, size } = points;
  if (n < 3) throw invalidArgument(`expected at least 3 points to choose k but received ${n}`);
  const criterion = oneOf("criterion", options.criterion ?? "silhouette", K_CRITERIA);
  const maxK = Math.min(integerBetween("maxK", options.maxK ?? 12, 2, 1000), n - 1);
  const minK = Math.min(integerBetween("minK", options.minK ?? 2, 2, 1000), maxK);
  if ((options.minK ?? 2) > (options.maxK ?? 12)) throw invalidArgument("expected minK <= maxK");
  const sampleSize = Math.min(integerBetween("sampleSize", options.sampleSize ?? 2000, 3, 20_000), n);
  const sample = sampleRows(
    n,
    sampleSize,
    new Random(integerBetween("seed", seed ?? 1, 0, Number.MAX_SAFE_INTEGER), 1),
  );
  const total = await points.total();
  const found: { k: number; inertia: number; labels: Int32Array; used: number }[] = [];
  for (let k = minK; k <= maxK; k++) {
    const { inertia, labels, sizes } = await points.clusters(k);
    const used = sizes.filter((size) => size > 0).length;
    found.push({ k, inertia, used, labels: Int32Array.from(sample, (row) => labels[row]!) });
  }
  const silhouettes = await meanSilhouettes(sampleSize, await points.distances(sample), found);
  const qualities = found.map(({ k, inertia, used }, index) => ({
    k,
    inertia,
    sampleSilhouette: silhouettes[index]!,
    calinskiHarabasz: inertia > 0 && used > 1 ? ((total - inertia) * (size - used)) / (inertia * (used - 1)) : null,
  }));
  return { k: bestK(qualities, criterion), criterion, qualities, sampleSize };
}
