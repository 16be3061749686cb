import { Executor } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { knownOptions } from "../util/known-options.js";
import { rowsWhere } from "../util/rows-where.js";
import { forEachYielding } from "../util/yield.js";
import { CHOICE_OPTIONS, type ChoiceOptions, chooseAmong, type KChoice } from "./choose-k.js";
import { CLUSTER_USERS_OPTIONS, type ClusterUsersOptions, clusterUsers } from "./sparse-kmeans.js";
import { SparsePoints } from "./sparse-points.js";
import { SparseRows } from "./sparse-rows.js";

export interface ChooseUserKOptions
  extends Omit<ClusterUsersOptions, "k" | "startRows" | "startModel">,
    ChoiceOptions {}

const { k: _k, startRows: _rows, startModel: _model, ...OF_ANY_K } = CLUSTER_USERS_OPTIONS;
const CHOOSE_USER_K_OPTIONS = { ...OF_ANY_K, ...CHOICE_OPTIONS };

/**
 * chooseK for users by their whole rows of the matrix: clusterUsers for every k from minK to maxK, and which describes the
 * users best; those without cells are left out. Silhouettes are exact on the sample, by the distances that the clusters
 * are found by.
 * Cost: that of the runs, and sampleSize² cells of a user.
 * Errors: as clusterUsers; ERR_COUPONCAST_INVALID_ARGUMENT with fewer than 3 users with cells.
 */
export async function chooseUserK(matrix: Matrix, options: ChooseUserKOptions = {}): Promise<KChoice> {
  checkMatrix("matrix", matrix);
  knownOptions("chooseUserK", options, CHOOSE_USER_K_OPTIONS);
  const { minK: _min, maxK: _max, sampleSize: _size, criterion: _criterion, ...run } = options;
  const unit = options.spherical === true || options.unitLength !== false;
  const points = await SparsePoints.create(new Executor(options), matrix, 1, { unit, weights: undefined });
  const active = await rowsWhere(matrix.numUsers, (user) => points.weights[user]! > 0);
  const { weights } = options;
  let size = 0;
  await forEachYielding(active.length, (at) => {
    size += weights?.[active[at]!] ?? 1;
  });
  return chooseAmong(options, options.seed, {
    n: active.length,
    size,
    total: async () => (await clusterUsers(matrix, { ...run, k: 1, nInit: 1 })).inertia,
    clusters: async (k) => {
      const { inertia, labels, sizes } = await clusterUsers(matrix, { ...run, k });
      const ofActive = new Int32Array(active.length);
      await forEachYielding(active.length, (at) => {
        ofActive[at] = labels[active[at]!]!;
      });
      return { inertia, sizes, labels: ofActive };
    },
    distances: async (sample) => {
      const rows = Array.from(sample, (at) => active[at]!);
      const some = await SparseRows.create(matrix, points.factors, 1, rows, new Float32Array(rows.length).fill(1));
      return async (from) => (await some.squaredDistancesTo(from)).map(Math.sqrt);
    },
  });
}
