import { invalidArgument } from "../errors.js";
import { RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import { booleanOf, integerBetween, oneOf } from "../util/arguments.js";
import { KMEANS_INITS, type KmeansInit } from "./kmeans-init.js";
import { checkedCentroids, checkedPoints, checkedWeights, unitRows } from "./kmeans-points.js";

/** What every K-means of dense points takes. */
export interface ClusterOptions extends RunOptions {
  /** Clusters, at least 1, at most the points. With fewer distinct points than k, the surplus clusters stay empty. */
  k: number;
  /** Of every pseudo-random choice; default 1. */
  seed?: number | undefined;
  /** How the first centroids are found; default k-means++. */
  init?: KmeansInit | undefined;
  /** Starts with other choices, of which the one with the smallest inertia is kept (of equal ones the first); default 1. */
  nInit?: number | undefined;
  /** [k * dims] start from these instead. */
  centroids?: Float32Array | undefined;
  /** [n] finite, >= 0: a point counts as so many; default all 1. */
  weights?: Float32Array | undefined;
  /** Points and centroids are scaled to unit length: clusters of directions (cosine). Default false. */
  spherical?: boolean | undefined;
}

/** For knownOptions. */
export const CLUSTER_OPTIONS = {
  ...RUN_OPTIONS,
  k: true,
  seed: true,
  init: true,
  nInit: true,
  centroids: true,
  weights: true,
  spherical: true,
};

/** The same, checked; `data`: the points in shared memory, at unit length where that is wanted. */
export async function checkedClusterOptions(points: Float32Array, dims: number, options: ClusterOptions) {
  const checked = await checkedPoints(points, dims);
  const n = checked.length / dims;
  const k = integerBetween("k", options.k, 1, 1_000_000);
  if (k > n) throw invalidArgument(`expected k <= the number of points ${n} but received ${k}`);
  const seed = integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const nInit = integerBetween("nInit", options.nInit ?? 1, 1, 10_000);
  const init = oneOf("init", options.init ?? "k-means++", KMEANS_INITS);
  const given = checkedCentroids(options.centroids, k * dims);
  const weights = await checkedWeights(options.weights, n);
  const spherical = booleanOf("spherical", options.spherical ?? false);
  const data = spherical ? await unitRows(checked, dims) : checked;
  return { data, n, k, seed, init, nInit, given, weights, spherical };
}
