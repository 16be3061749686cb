import { invalidArgument } from "../errors.js";
import { Executor, type RowRange, type RunOptions, shards, shared } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { shown } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import type { FittedMethod, ScopeLists } from "./method.js";
import { fitMethod, METHOD_OPTIONS, type MethodOptions } from "./methods.js";
import type { Scopes } from "./scopes.js";
import { checkRange } from "./similar.js";

const SHARD_ROWS = 8192;

/** What stands in for users without affinity of their own, and what everybody likes. */
export interface AffinityMeans {
  /** float32 [(segments + 1) * columns]: mean affinity of each segment, then of all users. */
  fallbackRows: Float32Array;
  /** float32 [coupons] mean over users of the coupon's share of the user's affinity. */
  meanShare: Float32Array;
  /** Users with affinity of their own. */
  numScored: number;
}

export interface AffinityOptions extends MethodOptions {
  /** Users [begin, end) only; default all. */
  range?: RowRange | undefined;
}

/** Affinity of users to coupons. */
export interface Affinity {
  numCoupons: number;
  range: RowRange;
  /** [rows * (numCoupons + 1)] a row's affinity to each coupon, then to all items together. */
  values: Float32Array;
}

/**
 * Affinity of users to coupons: the scores that `recommend` gives to all items, summed over the items of each coupon's
 * scope, in closed form, so that no users x items array ever exists. Items of the user's own history count, and each item
 * is a neighbour of itself (people buy again), unless `model` was made without. Ids that the matrix does not hold count
 * nothing.
 *
 * @param scopes item ids of each coupon, each id once
 *
 * Exact and the same for any number of threads. Cost: degree x coupons multiply-adds a user, besides the model. Memory:
 * 4 (coupons + 1) bytes a user and an item. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE, _CORRUPT_FILE,
 * _CANCELLED, _CLOSED. Source: formulas.md, "Collaborative filtering"; native/include/couponcast/affinity.h.
 */
export async function couponAffinity(
  matrix: Matrix,
  scopes: readonly (readonly string[])[],
  options: AffinityOptions = {},
): Promise<Affinity> {
  checkMatrix("matrix", matrix);
  knownOptions("couponAffinity", options, { ...METHOD_OPTIONS, range: true });
  const executor = new Executor(options);
  const range = checkRange(options.range, matrix.numUsers);
  const lists = await scopeLists(matrix, scopes);
  const columns = lists.numCoupons + 1;
  const fitted = await fitMethod(executor, matrix, options, "affinity");
  const values = shared.f32((range.end - range.begin) * columns);
  await fitted.affinity({
    executor,
    range,
    scopes: lists,
    output: ({ begin, end }) => values.subarray((begin - range.begin) * columns, (end - range.begin) * columns),
  });
  return { numCoupons: lists.numCoupons, range, values };
}

/** The scopes' items as columns, ascending. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no list of ids, an id twice). */
async function scopeLists(matrix: Matrix, scopes: readonly (readonly string[])[]): Promise<ScopeLists> {
  if (!Array.isArray(scopes)) throw invalidArgument(`expected an array of scopes but received ${typeof scopes}`);
  const indptr = shared.i64(scopes.length + 1);
  const columns: Int32Array[] = [];
  for (const [coupon, ids] of scopes.entries()) {
    if (!Array.isArray(ids)) throw invalidArgument(`expected an array of item ids in scopes[${coupon}]`);
    const known = new Int32Array(ids.length);
    let size = 0;
    await forEachYielding(ids.length, (i) => {
      const id: unknown = ids[i];
      if (typeof id !== "string")
        throw invalidArgument(`expected an item id in scopes[${coupon}][${i}] but received ${shown(id)}`);
      const column = matrix.colOf(id);
      if (column >= 0) known[size++] = column;
    });
    const list = known.subarray(0, size).sort();
    for (let i = 1; i < size; i++) {
      if (list[i] === list[i - 1])
        throw invalidArgument(`scopes[${coupon}] names the item ${matrix.itemId(list[i]!)} twice`);
    }
    columns.push(list);
    indptr[coupon + 1] = indptr[coupon]! + BigInt(size);
  }
  const items = shared.i32(Number(indptr[scopes.length]));
  for (const [coupon, list] of columns.entries()) items.set(list, Number(indptr[coupon]));
  return { numCoupons: scopes.length, indptr, items };
}

/**
 * Affinity of all users to all coupons, written to a tensor file ("affinity" F32 [users, coupons + 1]; the last
 * column is the user's total over all items): the item scores of the fitted method summed over each coupon's scope, in closed
 * form, so that no users x items array ever exists. Items of the user's own history count (people buy again).
 *
 * Cost: degree x coupons multiply-adds a user (user-knn: its neighbours besides).
 * Source: formulas.md, "Collaborative filtering"; native/include/couponcast/affinity.h.
 */
export async function writeAffinity(
  matrix: Matrix,
  scopes: Scopes,
  fitted: FittedMethod,
  path: string,
  options: RunOptions,
): Promise<void> {
  const executor = new Executor(options);
  const columns = scopes.numCoupons + 1;
  const writer = TensorFileWriter.create(
    path,
    [{ name: "affinity", dtype: "F32", shape: [matrix.numUsers, columns] }],
    { kind: "affinity", method: fitted.method, matrix: matrix.metadata.digest ?? "" },
  );
  try {
    const start = writer.byteOffset("affinity");
    await fitted.affinity({
      executor,
      range: { begin: 0, end: matrix.numUsers },
      scopes,
      output: ({ begin, end }) => ({
        $write: "F32",
        length: (end - begin) * columns,
        fd: writer.fd,
        position: start + begin * columns * 4,
      }),
    });
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/** Means of the affinity file by segment and over all; shards are added in order, so threads change nothing. */
export async function affinityMeans(
  executor: Executor,
  affinity: { $file: string; tensor: string },
  numCoupons: number,
  labels: Int32Array,
  segments: number,
): Promise<AffinityMeans> {
  const columns = numCoupons + 1;
  const groups = segments + 1;
  const partials = await executor.map(
    shards(labels.length, SHARD_ROWS * 8).map(({ begin, end }) => ({
      kernel: "affinitySums",
      args: {
        affinity,
        columns,
        labels,
        segments,
        begin,
        end,
        outSums: { $return: "F64", length: groups * columns },
        outShares: { $return: "F64", length: numCoupons },
        outCounts: { $return: "I64", length: groups },
      },
    })),
  );
  const sums = new Float64Array(groups * columns);
  const shares = new Float64Array(numCoupons);
  const counts = new Float64Array(groups);
  for (const { outputs } of partials) {
    (outputs.outSums as Float64Array).forEach((sum, i) => {
      sums[i]! += sum;
    });
    (outputs.outShares as Float64Array).forEach((share, j) => {
      shares[j]! += share;
    });
    (outputs.outCounts as BigInt64Array).forEach((count, g) => {
      counts[g]! += Number(count);
    });
  }
  const numScored = counts[segments]!;
  const fallbackRows = shared.f32(groups * columns);
  for (let g = 0; g < groups; g++) {
    // A segment in which nobody has affinity falls back to everybody.
    const from = counts[g]! > 0 ? g : segments;
    for (let c = 0; c < columns; c++)
      fallbackRows[g * columns + c] = counts[from]! > 0 ? sums[from * columns + c]! / counts[from]! : 0;
  }
  const meanShare = shared.f32(numCoupons);
  for (let j = 0; j < numCoupons; j++) meanShare[j] = numScored > 0 ? shares[j]! / numScored : 0;
  return { fallbackRows, meanShare, numScored };
}
