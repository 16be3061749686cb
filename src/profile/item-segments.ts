/** Segments of users by their whole rows of the matrix: by which items they have to do with. */
import { Executor, type RunOptions } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { meansOf, type SegmentsBySize, segmentsBySize } from "./active-points.js";
import type { KCriterion } from "./choice-of-k.js";
import type { KChoice } from "./choose-k.js";
import { chooseUserK } from "./choose-user-k.js";
import { type MiniBatchUserInit, miniBatchUsers } from "./mini-batch-users.js";
import { predictUserClusters } from "./predict-user-clusters.js";
import { MIN_USERS_TO_CHOOSE } from "./segment-users.js";
import { type ClusterUsersOptions, clusterUsers } from "./sparse-kmeans.js";
import { SparsePoints } from "./sparse-points.js";
import { type Stability, stabilitySince } from "./stability.js";
import { type UserClusterModel, userClusterModel } from "./user-cluster-model.js";
import type { UserFeatures } from "./user-features.js";

export interface ItemClusterOptions extends Omit<ClusterUsersOptions, "k" | "startRows" | "unitLength"> {
  k: number | "auto";
  /** Of k auto: from and to. */
  kRange?: readonly [number, number] | undefined;
  /** Of k auto. */
  criterion?: KCriterion | undefined;
  /** Users of a batch, of a given k: one start, by k-means++ or random, and no `tolerance`. Default: all in each iteration. */
  miniBatch?: number | undefined;
}

export interface ItemClusters extends SegmentsBySize {
  inertia: number;
  iterations: number;
  converged: boolean;
  /** How k was chosen, where it was to be. */
  choice?: KChoice;
}

/** The same with what reports describe them by, and those of a model. */
export interface ItemSegments extends ItemClusters {
  /** [k][dims] means of the users' features; null where nobody is in the segment. */
  centroids: (number | null)[][];
  /** Where the segments are those of a model: how their shares have moved since. */
  stability?: Stability | null;
}

/**
 * Segments the users with cells by K-means on their rows at unit length. Segments are numbered by size, largest first
 * (ties: by the order K-means found them). With fewer such users than k there are as many segments as users, unless
 * `startModel` says where to start. k auto: chosen by chooseUserK. `model`: puts later users into them; undefined without segments.
 * Errors: as clusterUsers and miniBatchUsers.
 */
export async function itemClusters(
  matrix: Matrix,
  options: ItemClusterOptions,
): Promise<{ clusters: ItemClusters; model: (() => Promise<UserClusterModel>) | undefined }> {
  const numActive = await usersWithCells(matrix, options);
  if (numActive === 0) {
    const { segments } = await segmentsBySize(matrix.numUsers, [], new Int32Array(0), []);
    return { clusters: { ...segments, inertia: 0, iterations: 0, converged: true }, model: undefined };
  }
  const { k: wanted, kRange, criterion, miniBatch, ...run } = options;
  const { startModel: _start, ...ofAnyK } = run;
  const choice =
    wanted === "auto" && numActive >= MIN_USERS_TO_CHOOSE
      ? await chooseUserK(matrix, { ...ofAnyK, criterion, minK: kRange?.[0], maxK: kRange?.[1] })
      : undefined;
  const most = run.startModel === undefined ? numActive : Number.POSITIVE_INFINITY;
  const k = Math.min(choice?.k ?? (wanted === "auto" ? 1 : wanted), most);
  const { emptyClusters: _empty, nInit: _nInit, ...ofBatches } = run;
  const found =
    miniBatch === undefined
      ? await clusterUsers(matrix, { ...run, k })
      : await miniBatchUsers(matrix, {
          ...ofBatches,
          k,
          init: run.init as MiniBatchUserInit | undefined,
          tolerance: 0,
          batchSize: miniBatch,
        });
  const { segments, clusters: order } = await segmentsBySize(matrix.numUsers, undefined, found.labels, found.sizes);
  const { inertia, iterations, converged } = found;
  return {
    clusters: { ...segments, inertia, iterations, converged, ...(choice && { choice }) },
    model: () => userClusterModel(matrix, found, { order }),
  };
}

async function usersWithCells(matrix: Matrix, run: RunOptions): Promise<number> {
  const points = await SparsePoints.create(new Executor(run), matrix, 1, { unit: true, weights: undefined });
  points.memory.giveBack();
  return points.numActive;
}

/** itemClusters of the users of `features`, which only describe the segments. */
export async function itemSegments(matrix: Matrix, features: UserFeatures, options: ItemClusterOptions) {
  const { clusters, model } = await itemClusters(matrix, options);
  const segments: ItemSegments = { ...clusters, centroids: await featureMeans(features, clusters) };
  return { segments, model };
}

/** The users with cells in the segments of a model, numbered as there; some may be empty. Errors: as predictUserClusters. */
export async function modelItemSegments(
  matrix: Matrix,
  features: UserFeatures,
  model: UserClusterModel,
  run: RunOptions,
): Promise<ItemSegments> {
  const { labels, sizes, inertia } = await predictUserClusters(matrix, model, run);
  const numUnsegmented = matrix.numUsers - sizes.reduce((sum, size) => sum + size, 0);
  return {
    labels,
    k: sizes.length,
    sizes,
    numUnsegmented,
    inertia,
    iterations: 0,
    converged: true,
    centroids: await featureMeans(features, { labels, sizes }),
    stability: stabilitySince(model.sizes, sizes),
  };
}

async function featureMeans(
  { points, dims }: UserFeatures,
  { labels, sizes }: Pick<SegmentsBySize, "labels" | "sizes">,
): Promise<(number | null)[][]> {
  const means = await meansOf(points, dims, labels, sizes);
  return means.map((mean, s) => (sizes[s]! > 0 ? mean : mean.map(() => null)));
}
