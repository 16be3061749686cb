import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { lanesOf, SparsePoints } from "./sparse-points.js";
import { setModel } from "./sparse-start.js";
import { checked, type UserClusterModel } from "./user-cluster-model.js";

export interface UserClusterPrediction {
  /** [numUsers] nearest cluster, of equal distances the smaller; -1 for users without cells. */
  labels: Int32Array;
  /** [numUsers] squared distance to it. */
  distances: Float32Array;
  /** [k] users of each cluster. */
  sizes: number[];
  /** Sum of the distances. */
  inertia: number;
}

/**
 * The nearest of a model's clusters for each user, as the last step of clusterUsers finds it. Items are matched by id: one
 * that the model does not know is 0 in all its clusters, one that the matrix does not know is 0 in all its rows.
 *
 * The same bytes for any number of threads. Cost: 2 k flops a cell; memory: 4 items k bytes, 28 a user.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED, ERR_COUPONCAST_CORRUPT_FILE.
 * Source: formulas.md, "K-means".
 */
export async function predictUserClusters(
  matrix: Matrix,
  model: UserClusterModel,
  options: RunOptions = {},
): Promise<UserClusterPrediction> {
  checkMatrix("matrix", matrix);
  knownOptions("predictUserClusters", options, RUN_OPTIONS);
  const known = await checked(model);
  const k = known.sizes.length;
  const lanes = lanesOf(k);
  const executor = new Executor(options);
  const points = await SparsePoints.create(executor, matrix, k, { unit: known.unitLength, weights: undefined });
  const to = { centroids: shared.f32(matrix.numItems * lanes), norms: new Float64Array(k) };
  await setModel(matrix, to, known, lanes);
  const labels = shared.i32(matrix.numUsers);
  const distances = shared.f32(matrix.numUsers);
  await points.measure(to, labels, distances);
  points.memory.giveBack();
  const sizes = new Array<number>(k).fill(0);
  let inertia = 0;
  await forEachYielding(matrix.numUsers, (user) => {
    if (labels[user]! < 0) return;
    sizes[labels[user]!]!++;
    inertia += distances[user]!;
  });
  return { labels, distances, sizes, inertia };
}
