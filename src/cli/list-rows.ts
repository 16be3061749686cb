import type { Progress, RowRange } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";

/** Rows and ranks (from 1) of lists of a fixed width, one list a row from `firstRow` on. */
export async function fillListRows(row: Int32Array, rank: Int32Array, width: number, firstRow: number): Promise<void> {
  await forEachYielding(row.length, (at) => {
    row[at] = firstRow + Math.floor(at / width);
    rank[at] = (at % width) + 1;
  });
}

/** Progress of one range of rows as progress of all rows. */
export function partOf(
  range: RowRange,
  rows: number,
  update: (progress: Progress) => void,
): (progress: Progress) => void {
  return ({ stage, done, total }) => {
    const share = total === undefined || total === 0 ? 0 : done / total;
    update({ stage, done: range.begin + share * (range.end - range.begin), total: rows });
  };
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
