import { forEachYielding } from "./yield.js";

/** The rows of [0, count) that a test holds for, in ascending order; yields on the way. Memory: 4 bytes a row on the way. */
export async function rowsWhere(count: number, test: (row: number) => boolean): Promise<Int32Array> {
  const rows = new Int32Array(count);
  let found = 0;
  await forEachYielding(count, (row) => {
    if (test(row)) rows[found++] = row;
  });
  return rows.slice(0, found);
}
