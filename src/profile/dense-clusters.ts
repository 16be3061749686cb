import { type KmeansOptions, kmeans } from "./kmeans.js";
import { miniBatchKmeans } from "./mini-batch-kmeans.js";

export interface DenseClusterOptions extends KmeansOptions {
  /** Points of a batch: K-means from mini-batches, by the rule that stops them and not by `tolerance`. Default: of all points. */
  miniBatch?: number | undefined;
}

export interface DenseClusters {
  labels: Int32Array;
  centroids: Float32Array;
  sizes: number[];
  inertia: number;
  iterations: number;
  converged: boolean;
}

/** K-means of dense points, of all of them in each iteration or of batches. Errors: as kmeans. */
export function denseClusters(
  points: Float32Array,
  dims: number,
  { miniBatch, ...options }: DenseClusterOptions,
): Promise<DenseClusters> {
  if (miniBatch === undefined) return kmeans(points, dims, options);
  const { emptyClusters: _empty, algorithm: _algorithm, ...ofBatches } = options;
  return miniBatchKmeans(points, dims, { ...ofBatches, batchSize: miniBatch, tolerance: 0 });
}
