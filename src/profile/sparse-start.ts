/** Where K-means of users by their rows starts, if it is told to: at rows of users, or at the centroids of a model. */
import { invalidArgument } from "../errors.js";
import type { Matrix } from "../store/matrix.js";
import { arrayOf, integerBetween } from "../util/arguments.js";
import { forEachYielding } from "../util/yield.js";
import { LARGEST_SQUARE, type SparseCentroids, type SparsePoints } from "./sparse-points.js";
import { checked, type UserClusterModel } from "./user-cluster-model.js";

export interface SparseStartOptions {
  /** [k] start from these users' rows instead. */
  startRows?: readonly number[] | undefined;
  /** Start from these k clusters instead, which predictUserClusters would put the users into. */
  startModel?: UserClusterModel | undefined;
}

/** For knownOptions. */
export const SPARSE_START_OPTIONS = { startRows: true, startModel: true };

export type SparseStart = readonly number[] | UserClusterModel;

/** The start that is given, checked. `unit`: rows count at unit length. */
export async function givenStart(
  { startRows, startModel }: SparseStartOptions,
  { matrix, k, unit }: { matrix: Matrix; k: number; unit: boolean },
): Promise<SparseStart | undefined> {
  if (startModel !== undefined) {
    if (startRows !== undefined) throw invalidArgument("expected startRows or startModel, not both");
    const model = await checked(startModel);
    if (model.sizes.length !== k)
      throw invalidArgument(`expected startModel with ${k} clusters but received ${model.sizes.length}`);
    if (model.unitLength !== unit)
      throw invalidArgument(`expected startModel with unitLength ${unit} but received ${model.unitLength}`);
    return model;
  }
  if (startRows === undefined) return undefined;
  const rows = arrayOf("startRows", startRows);
  if (rows.length !== k) throw invalidArgument(`expected ${k} rows in startRows but received ${rows.length}`);
  for (const row of rows) integerBetween("startRows", row, 0, matrix.numUsers - 1);
  return rows as readonly number[];
}

/** Makes the centroids, which must be 0, those of a start. Returns their largest magnitude. */
export async function setStart(
  points: SparsePoints,
  to: SparseCentroids,
  start: SparseStart,
  lanes: number,
): Promise<number> {
  if ("sizes" in start) return setModel(points.matrix, to, start, lanes);
  let largest = 0;
  for (const [c, row] of start.entries()) largest = Math.max(largest, points.setRow(to, c, row, lanes));
  return largest;
}

/**
 * Makes the centroids, which must be 0, those of a model, as far as the matrix has its items; the others count in the
 * norms, which are distances of users who have nothing of them. Returns the largest magnitude.
 */
export async function setModel(
  matrix: Matrix,
  { centroids, norms }: SparseCentroids,
  model: UserClusterModel,
  lanes: number,
): Promise<number> {
  const k = model.sizes.length;
  let largest = 0;
  await forEachYielding(model.items.length, (item) => {
    const col = matrix.colOf(model.items[item]!);
    for (let c = 0; c < k; c++) {
      const score = model.centroids[item * k + c]!;
      norms[c]! += score * score;
      if (col < 0) continue;
      centroids[col * lanes + c] = score;
      largest = Math.max(largest, Math.abs(score));
    }
  });
  if (norms.some((norm) => norm > LARGEST_SQUARE)) throw invalidArgument("expected centroids not longer than 9e18");
  return largest;
}
