/** What one does with a factorisation besides recommending: vectors of new users, similar items, files. */
import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, type RunOptions, shards, shared } from "../executor/executor.js";
import { readFileInfo } from "../store/inspect-file.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import { fieldsOf, integerBetween } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";
import { type AlsModel, type AlsParams, alsArgs, basisOf, checkAlsParams, gramOf } from "./als.js";
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

/** Refuses what is no model: its numbers decide how much memory is taken. */
function checkModel(model: AlsModel): AlsModel {
  const { factors, userFactors, itemFactors } = fieldsOf("model", model);
  checkAlsParams(model);
  for (const [name, rows] of Object.entries({ userFactors, itemFactors })) {
    if (!(rows instanceof Float32Array) || rows.length % factors !== 0)
      throw invalidArgument(`expected a Float32Array of ${factors} factors a row in ${name}`);
  }
  return model;
}

/**
 * Vectors [users * factors] of users who were not there when the model was made, from what they did: the x that minimises
 * their part of the loss with the item vectors as they are, exactly. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED.
 */
export async function foldInUsers(model: AlsModel, rows: NewRows, options: RunOptions = {}): Promise<Float32Array> {
  const { factors, itemFactors } = checkModel(model);
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

/**
 * The `neighbours` items whose vectors have the largest cosine > 0 with each item's, as similarItems answers. Exact.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED.
 */
export async function similarItemsByFactors(
  model: AlsModel,
  options: RunOptions & Pick<SimilarOptions, "neighbours"> = {},
): Promise<Neighbours> {
  const { factors, itemFactors: rows } = checkModel(model);
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

const KIND = "als";

/** Writes the model, whole or not at all. Errors: ERR_COUPONCAST_IO. */
export async function writeAlsModel(path: string, model: AlsModel, matrix: Matrix): Promise<void> {
  const { factors, userFactors, itemFactors, loss, regularisation, alpha } = checkModel(model);
  checkMatrix("matrix", matrix);
  const shape = (rows: Float32Array) => [rows.length / factors, factors];
  const writer = TensorFileWriter.create(
    path,
    [
      { name: "users.factors", dtype: "F32", shape: shape(userFactors) },
      { name: "items.factors", dtype: "F32", shape: shape(itemFactors) },
    ],
    {
      kind: KIND,
      matrix: matrix.metadata.digest ?? "",
      factors: String(factors),
      regularisation: String(regularisation),
      alpha: String(alpha),
      loss: String(loss),
    },
  );
  try {
    await writer.write("users.factors", 0, userFactors);
    await writer.write("items.factors", 0, itemFactors);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/**
 * Reads a model of writeAlsModel into memory. Errors: ERR_COUPONCAST_IO, _CORRUPT_FILE (another kind of file, sizes that do not
 * fit, numbers that are not finite).
 */
export async function readAlsModel(path: string, options: RunOptions = {}): Promise<AlsModel> {
  const { metadata, tensors } = await readFileInfo(path);
  const corrupt = (what: string) =>
    new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: ${what}`, { file: path });
  if (metadata.kind !== KIND) throw corrupt("expected a model that writeAlsModel has written");
  let params: AlsParams;
  try {
    const [factors, regularisation, alpha] = [metadata.factors, metadata.regularisation, metadata.alpha].map(Number);
    params = checkAlsParams({ factors, regularisation, alpha });
  } catch (thrown) {
    throw corrupt((thrown as Error).message);
  }
  const { factors } = params;
  for (const name of ["users.factors", "items.factors"]) {
    const shape = tensors[name]?.shape;
    if (shape?.length !== 2 || shape[1] !== factors) throw corrupt(`expected ${name} of ${factors} factors a row`);
  }
  const executor = new Executor(options);
  const read = await loadTensors(executor, path, { "users.factors": "F32", "items.factors": "F32" });
  const userFactors = read["users.factors"] as Float32Array;
  const itemFactors = read["items.factors"] as Float32Array;
  for (const rows of [userFactors, itemFactors]) {
    const gram = await gramOf(executor, rows, factors);
    if (!gram.every(Number.isFinite)) throw corrupt("expected finite factors");
  }
  const loss = Number(metadata.loss);
  return { ...params, userFactors, itemFactors, loss, history: [loss] };
}
