import type { ArgValue } from "../executor/call.js";
import { type RowRange, shards, shared } from "../executor/executor.js";

/** Rows of a block of `DesignRows.dense`: native/include/couponcast/strata.h. */
const BLOCK_ROWS = 64;
/** A multiple of a block's rows. */
const MIN_SHARD_ROWS = 16_384;
const MAX_SHARDS = 64;

/**
 * Rows of features: dense columns first, then slots, in each of which a row has one column. An intercept is added by the
 * models. Memory: 4 bytes a dense column and a slot of each row.
 */
export interface DesignRows {
  rows: number;
  cols: number;
  denseCols: number;
  /** float32 [ceil(rows / 64) * denseCols * 64] in blocks of 64 rows, by column within; `denseAt` says where */
  dense: Float32Array;
  /** int32 [rows * slots] ascending within a row, in [denseCols, cols) */
  indices: Int32Array;
  /** float32 [slots] what a slot's column counts */
  values: Float32Array;
}

/** Rows of zeros, in shared memory. */
export function designRows(rows: number, denseCols: number, cols: number, values: Float32Array): DesignRows {
  return {
    rows,
    cols,
    denseCols,
    dense: shared.f32(Math.ceil(rows / BLOCK_ROWS) * BLOCK_ROWS * denseCols),
    indices: shared.i32(rows * values.length),
    values,
  };
}

/** Position of a row's first dense column in `dense`; each further column lies BLOCK_ROWS behind. */
export function denseAt({ denseCols }: DesignRows, row: number): number {
  const inBlock = row % BLOCK_ROWS;
  return (row - inBlock) * denseCols + inBlock;
}

export const DENSE_STRIDE = BLOCK_ROWS;

/** The part of `dense` that holds the rows from `begin`, a multiple of a block's, to `end`. */
export function denseBlocks({ dense, denseCols }: DesignRows, begin: number, end: number): Float32Array {
  return dense.subarray(begin * denseCols, Math.ceil(end / BLOCK_ROWS) * BLOCK_ROWS * denseCols);
}

/** Shards of the rows: by their number alone, so that sums are the same for any number of threads. */
export function designShards(rows: number): RowRange[] {
  const size = Math.max(MIN_SHARD_ROWS, Math.ceil(rows / MAX_SHARDS / BLOCK_ROWS) * BLOCK_ROWS);
  return shards(rows, size);
}

/** `count` pieces of `size` rows, a multiple of a block's, at even distances. */
export function designPieces(rows: number, count: number, size: number): RowRange[] {
  return Array.from({ length: count }, (_, i) => {
    const begin = Math.floor((i * rows) / count / BLOCK_ROWS) * BLOCK_ROWS;
    return { begin, end: begin + size };
  });
}

/** Arguments of the kernels. */
export function designArgs({ rows, cols, denseCols, dense, indices, values }: DesignRows): Record<string, ArgValue> {
  return { rows, cols, denseCols, dense, indices, values };
}
