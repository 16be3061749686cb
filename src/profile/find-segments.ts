/** Segments of users by the method that was asked for. */
import type { RunOptions } from "../executor/executor.js";
import type { KCriterion } from "./choice-of-k.js";
import { type DensitySegments, densitySegments } from "./density-segments.js";
import type { ItemSegments } from "./item-segments.js";
import type { KmeansInit } from "./kmeans-init.js";
import type { EmptyClusters } from "./kmeans-points.js";
import type { RfmUserSegments } from "./rfm-segments.js";
import { segmentUsers, type UserSegments } from "./segment-users.js";
import type { UserFeatures } from "./user-features.js";

export interface SegmentSettings {
  method: "kmeans" | "dbscan";
  /** kmeans; auto: chosen by silhouette, see chooseK */
  k: number | "auto";
  seed: number;
  maxIterations: number;
  tolerance: number;
  init?: KmeansInit | undefined;
  nInit?: number | undefined;
  /** [k * dims] where K-means starts instead */
  centroids?: Float32Array | undefined;
  spherical?: boolean | undefined;
  /** [users] what a user counts as; default all 1 */
  weights?: Float32Array | undefined;
  /** points of a batch; default: all in each iteration */
  miniBatch?: number | undefined;
  emptyClusters?: EmptyClusters | undefined;
  /** of k auto: from and to, and what decides */
  kRange?: readonly [number, number] | undefined;
  kBy?: KCriterion | undefined;
  /** dbscan */
  eps: number | "auto";
  minSamples: number;
}

/** By features of any kind. */
export type FeatureSegments = ({ method: "kmeans" } & UserSegments) | ({ method: "dbscan" } & DensitySegments);
/** Those of K-means also by items. */
export type FoundSegments =
  | FeatureSegments
  | ({ method: "kmeans" } & ItemSegments)
  | ({ method: "rfm" } & RfmUserSegments);

export type WithoutLabels<T> = T extends unknown ? Omit<T, "labels"> : never;
/** All but the users' labels: small, whatever the number of users. */
export type SegmentFacts = WithoutLabels<FoundSegments>;

export async function findSegments(
  features: UserFeatures,
  { method, eps, minSamples, ...settings }: SegmentSettings,
  run: RunOptions,
): Promise<FeatureSegments> {
  if (method === "dbscan") return { method, ...(await densitySegments(features, { ...run, eps, minSamples })) };
  const { k, seed, maxIterations, tolerance, init, nInit, centroids, spherical } = settings;
  const { weights, miniBatch, emptyClusters, kRange, kBy: criterion } = settings;
  const start = { k, kRange, criterion, seed, init, nInit, centroids };
  const steps = { maxIterations, tolerance, spherical, weights, miniBatch, emptyClusters };
  return { method, ...(await segmentUsers(features, { ...run, ...start, ...steps })) };
}

/** Users who have events but lie in no dense place. */
export function noiseOf(segments: SegmentFacts): number {
  return segments.method === "dbscan" ? segments.numNoise : 0;
}
