/** What one does with a factorisation besides recommending: vectors of new users, similar items. */
import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { arrayOf, fieldsOf, integerBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { copyYielding, forEachYielding } from "../util/yield.js";
import { type AlsModel, type AlsParams, type AlsVectors, alsArgs, basisOf, checkAlsModel, gramOf } from "./als.js";
import type { SavedAlsModel } from "./als-model-file.js";
import type { Neighbours, SimilarOptions } from "./similar.js";

/** Rows of users that the matrix does not hold, compressed: row u has the cells indptr[u] to indptr[u + 1]. */
export interface NewRows {
  /** [users + 1], ascending from 0. */
  indptr: BigInt64Array;
  /** Columns of items, ascending and unique within a row. */
  indices: Int32Array;
  /** How much each counts, finite. */
  values: Float32Array;
}

const SHARD_ROWS = 1024;

/**
 * Vectors [users * factors] of users who were not there when the model was made, from what they did: the x that minimises
 * their part of the loss with the item vectors as they are, exactly. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED.
 */
export async function foldInUsers(model: AlsModel, rows: NewRows, options: RunOptions = {}): Promise<Float32Array> {
  knownOptions("foldInUsers", options, RUN_OPTIONS);
  const { factors, itemFactors } = checkAlsModel(model);
  fieldsOf("rows", rows);
  if (!(rows.indptr instanceof BigInt64Array) || rows.indptr.length < 1)
    throw invalidArgument("expected a BigInt64Array of at least one number in indptr");
  if (!(rows.indices instanceof Int32Array) || !(rows.values instanceof Float32Array))
    throw invalidArgument("expected an Int32Array in indices and a Float32Array in values");
  const executor = new Executor(options);
  const gram = await gramOf(executor, itemFactors, factors);
  const users = rows.indptr.length - 1;
  const solved = shared.f32(users * factors);
  const params: AlsParams = { ...model, solver: "cholesky" };
  const common = {
    ...alsArgs(params),
    indptr: await copyYielding(shared.i64(rows.indptr.length), rows.indptr),
    indices: await copyYielding(shared.i32(rows.indices.length), rows.indices),
    values: await copyYielding(shared.f32(rows.values.length), rows.values),
    cols: itemFactors.length / factors,
    ...(await basisOf(executor, itemFactors, gram, params)),
  };
  await executor.map(
    shards(users, SHARD_ROWS).map(({ begin, end }) => ({
      kernel: "alsSolve",
      args: { ...common, begin, end, outSolved: solved.subarray(begin * factors, end * factors) },
    })),
    { name: "new users" },
  );
  return solved;
}

export interface FoldedVectors extends AlsVectors {
  /** Items of the matrix that the model does not know. */
  numNewItems: number;
}

/**
 * The model for the users and items of a matrix, such as next month's: users' vectors as foldInUsers finds them from their
 * rows, also of those whom the model has seen; items' by their ids. An item that the model does not know has a vector of 0,
 * so that it is recommended to nobody; one that the matrix does not know is 0 in all its rows.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no item in common), _CORRUPT_FILE, _CANCELLED, _CLOSED.
 */
export async function foldInMatrix(
  model: SavedAlsModel,
  matrix: Matrix,
  options: RunOptions = {},
): Promise<FoldedVectors> {
  knownOptions("foldInMatrix", options, RUN_OPTIONS);
  const { factors, itemFactors: known } = checkAlsModel(model);
  const ids = arrayOf("model.items", model.items);
  if (ids.length * factors !== known.length) throw invalidArgument("expected an id of each item in model.items");
  checkMatrix("matrix", matrix);
  const executor = new Executor(options);
  const itemFactors = shared.f32(matrix.numItems * factors);
  let found = 0;
  await forEachYielding(ids.length, (item) => {
    const col = matrix.colOf(ids[item]!);
    if (col < 0) return;
    itemFactors.set(known.subarray(item * factors, (item + 1) * factors), col * factors);
    found++;
  });
  if (found === 0 && matrix.numItems > 0)
    throw invalidArgument("the model knows no item of the matrix", {
      hint: "Items are matched by their ids; fit a model to this matrix if it is of another catalogue.",
    });
  await matrix.check(executor);
  const params: AlsParams = { ...model, solver: "cholesky" };
  // The Gram is over all items of the model: what somebody has not bought says the same of him in any matrix.
  const basis = await basisOf(executor, itemFactors, await gramOf(executor, known, factors), params);
  const userFactors = shared.f32(matrix.numUsers * factors);
  const ranges = shards(matrix.numUsers, SHARD_ROWS);
  await executor.map(
    ranges.map(({ begin, end }) => ({
      kernel: "alsSolve",
      args: {
        ...alsArgs(params),
        matrix: matrix.ref(),
        axis: "users",
        ...basis,
        begin,
        end,
        outSolved: userFactors.subarray(begin * factors, end * factors),
      },
    })),
    { name: "folding users in", weight: (index) => ranges[index]!.end - ranges[index]!.begin },
  );
  return { factors, userFactors, itemFactors, numNewItems: matrix.numItems - found };
}

/**
 * The `neighbours` items whose vectors have the largest cosine > 0 with each item's, as similarItems answers. Exact.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED.
 */
export async function similarItemsByFactors(
  model: AlsModel,
  options: RunOptions & Pick<SimilarOptions, "neighbours"> = {},
): Promise<Neighbours> {
  knownOptions("similarItemsByFactors", options, { ...RUN_OPTIONS, neighbours: true });
  const { factors, itemFactors: rows } = checkAlsModel(model);
  const numItems = rows.length / factors;
  const k = Math.min(integerBetween("neighbours", options.neighbours ?? 50, 1, 2 ** 31 - 1), Math.max(numItems, 1));
  const indices = shared.i32(numItems * k);
  const scores = shared.f32(numItems * k);
  const counts = shared.i32(numItems);
  const ranges = shards(numItems, 4 * SHARD_ROWS);
  await new Executor(options).map(
    ranges.map(({ begin, end }) => ({
      kernel: "similarFactors",
      args: {
        rows,
        factors,
        k,
        begin,
        end,
        outIndices: indices.subarray(begin * k, end * k),
        outScores: scores.subarray(begin * k, end * k),
        outCounts: counts.subarray(begin, end),
      },
    })),
    { name: "similar items", weight: (index) => ranges[index]!.end - ranges[index]!.begin },
  );
  return { k, range: { begin: 0, end: numItems }, indices, scores, counts };
}
