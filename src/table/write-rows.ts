import { open } from "node:fs/promises";
import type { Executor } from "../executor/executor.js";
import { shards } from "../executor/executor.js";
import type { AnyTypedArray } from "../native/addon.js";
import { io } from "./output-file.js";

const SHARD_ROWS = 65_536;

/**
 * Appends columns as CSV text (no header) to a file, formatted on worker threads in the order of the rows: how results
 * of many millions of rows reach DuckDB. Rows whose column `skipNegative` (Int32Array) is negative are left out.
 *
 * Columns in shared memory are read where they are; of others each shard is copied to its thread.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (columns of different lengths), _IO, _CANCELLED.
 */
export async function writeRows(
  executor: Executor,
  path: string,
  columns: readonly AnyTypedArray[],
  skipNegative?: number,
): Promise<void> {
  const rows = columns[0]!.length;
  const file = await open(path, "a");
  try {
    const ranges = shards(rows, SHARD_ROWS);
    // A few shards at a time, so that the text is never held as a whole.
    const groupSize = 4 * executor.threads;
    for (let at = 0; at < ranges.length; at += groupSize) {
      const group = ranges.slice(at, at + groupSize);
      const texts = await executor.map(
        group.map(({ begin, end }) => ({
          kernel: "formatCsv",
          args: {
            columns: columns.map((column) => rowsOf(column, begin, end)),
            begin: 0,
            end: end - begin,
            skipNegative,
          },
        })),
      );
      for (const { value } of texts) await io(path, file.appendFile(value as Uint8Array));
    }
  } finally {
    await file.close();
  }
}

/** A message to another thread copies the whole buffer behind a view, unless it is shared: so cut the rows out first. */
function rowsOf(column: AnyTypedArray, begin: number, end: number): AnyTypedArray {
  return column.buffer instanceof SharedArrayBuffer ? column.subarray(begin, end) : column.slice(begin, end);
}
