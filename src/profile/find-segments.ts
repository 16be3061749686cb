/** Segments of users by the method that was asked for. */
import type { RunOptions } from "../executor/executor.js";
import { type DensitySegments, densitySegments } from "./density-segments.js";
import type { KmeansInit } from "./kmeans-init.js";
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
  spherical?: boolean | undefined;
  /** dbscan */
  eps: number | "auto";
  minSamples: number;
}

/** By features of any kind. */
export type FeatureSegments = ({ method: "kmeans" } & UserSegments) | ({ method: "dbscan" } & DensitySegments);
export type FoundSegments = FeatureSegments | ({ method: "rfm" } & RfmUserSegments);

export type WithoutLabels<T> = T extends unknown ? Omit<T, "labels"> : never;
/** All but the users' labels: small, whatever the number of users. */
export type SegmentFacts = WithoutLabels<FoundSegments>;

export async function findSegments(
  features: UserFeatures,
  { method, eps, minSamples, ...settings }: SegmentSettings,
  run: RunOptions,
): Promise<FeatureSegments> {
  if (method === "dbscan") return { method, ...(await densitySegments(features, { ...run, eps, minSamples })) };
  const { k, seed, maxIterations, tolerance, init, nInit, spherical } = settings;
  const options = { ...run, k, seed, maxIterations, tolerance, init, nInit, spherical };
  return { method, ...(await segmentUsers(features, options)) };
}

/** Users who have events but lie in no dense place. */
export function noiseOf(segments: SegmentFacts): number {
  return segments.method === "dbscan" ? segments.numNoise : 0;
}
