import { invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import { shown } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";

/** Rows of features as CSR; columns ascend strictly within a row. An intercept is added by the models. */
export interface SparseRows {
  cols: number;
  /** [rows + 1] from 0 */
  indptr: BigInt64Array;
  /** [nnz] in [0, cols) */
  indices: Int32Array;
  /** [nnz] finite */
  values: Float32Array;
}

/** @internal Rows with targets in shared memory, checked; `y` is 0 or 1 unless `gaussian`. */
export interface GlmData extends SparseRows {
  rows: number;
  gaussian: boolean;
  y: Float32Array;
  weights: Float32Array | undefined;
}

const MIN_SHARD_ROWS = 16_384;
const MAX_SHARDS = 64;

/** @internal Shards of the rows: by their number alone, so that sums are the same for any number of threads. */
export function rowShards(rows: number) {
  return shards(rows, Math.max(MIN_SHARD_ROWS, Math.ceil(rows / MAX_SHARDS)));
}

/** @internal Arguments of the kernels. */
export function rowArgs({ cols, indptr, indices, values }: SparseRows): Record<string, ArgValue> {
  return { cols, indptr, indices, values };
}

export function glmArgs(data: GlmData): Record<string, ArgValue> {
  const { gaussian, y, weights } = data;
  return { ...rowArgs(data), gaussian, y, ...(weights === undefined ? {} : { weights }) };
}

async function inSharedMemory<T extends BigInt64Array | Int32Array | Float32Array>(
  name: string,
  array: T,
  kind: new (length: number) => T,
  allocate: (length: number) => T,
): Promise<T> {
  if (!(array instanceof kind)) throw invalidArgument(`expected a ${kind.name} in ${name}`);
  if (array.buffer instanceof SharedArrayBuffer) return array;
  return copyYielding(allocate(array.length), array as never) as unknown as Promise<T>;
}

/** @internal The rows in shared memory, shapes checked. */
export async function sharedRows(x: SparseRows): Promise<SparseRows & { rows: number }> {
  if (!Number.isInteger(x?.cols) || x.cols < 0 || x.cols >= 2 ** 31) {
    throw invalidArgument(`expected an integer between 0 and 2^31 - 1 for cols but received ${shown(x?.cols)}`);
  }
  const indptr = await inSharedMemory("indptr", x.indptr, BigInt64Array, shared.i64);
  const indices = await inSharedMemory("indices", x.indices, Int32Array, shared.i32);
  const values = await inSharedMemory("values", x.values, Float32Array, shared.f32);
  if (indptr.length === 0) throw invalidArgument("expected rows + 1 elements in indptr but received none");
  return { cols: x.cols, indptr, indices, values, rows: indptr.length - 1 };
}

/** @internal Rows, targets and weights in shared memory, their content checked once. Cost: nnz. */
export async function checkedGlm(
  executor: Executor,
  x: SparseRows,
  y: Float32Array,
  weights: Float32Array | undefined,
  gaussian: boolean,
): Promise<GlmData> {
  const data: GlmData = {
    ...(await sharedRows(x)),
    gaussian,
    y: await inSharedMemory("y", y, Float32Array, shared.f32),
    weights: weights && (await inSharedMemory("weights", weights, Float32Array, shared.f32)),
  };
  await executor.map(
    rowShards(data.rows).map(({ begin, end }) => ({
      kernel: "checkGlmRows",
      args: { ...glmArgs(data), begin, end },
    })),
  );
  return data;
}
