import { open } from "node:fs/promises";
import type { Executor } from "../executor/executor.js";
import { shards } from "../executor/executor.js";
import type { AnyTypedArray } from "../native/addon.js";

const SHARD_ROWS = 65_536;

/**
 * Appends columns as CSV text (no header) to a file, formatted on worker threads in the order of the rows: how results
 * of many millions of rows reach DuckDB. Rows whose column `skipNegative` (Int32Array) is negative are left out.
 */
export async function writeRows(executor: Executor, path: string, columns: readonly AnyTypedArray[], skipNegative?: number): Promise<void> {
  const rows = columns[0]!.length;
  const file = await open(path, "a");
  try {
    const ranges = shards(rows, SHARD_ROWS);
    // A few shards at a time, so that the text is never held as a whole.
    for (let at = 0; at < ranges.length; at += executor.threads) {
      const group = ranges.slice(at, at + executor.threads);
      const texts = await executor.map(
        group.map(({ begin, end }) => ({
          kernel: "formatCsv",
          args: {
            columns: columns.map((column) => column.subarray(begin, end)) as AnyTypedArray[],
            begin: 0,
            end: end - begin,
            skipNegative,
          },
        })),
      );
      for (const { value } of texts) await file.write(value as Uint8Array);
    }
  } finally {
    await file.close();
  }
}
