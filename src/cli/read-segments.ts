import { Executor, shared } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import type { Matrix } from "../store/matrix.js";
import { isGuarded } from "../table/csv-guard.js";
import { TableReader } from "../table/read-table.js";
import type { Session } from "./command.js";
import { counted } from "./text-layout.js";

const MAX_SEGMENT = 1_000_000;

/** [numUsers] segment of each user of a matrix from a table with user_id and segment; -1 for users it does not give one. */
export async function readSegments(
  session: Session,
  matrix: Matrix,
  source: ResolvedSource,
  scratch: string,
): Promise<Int32Array> {
  const threads = new Executor({ threads: session.threads }).threads;
  const reader = await TableReader.open([source], { scratch, threads, signal: session.signal });
  try {
    const table = await reader.load(source, "segments", true);
    const id = await table.id("user_id", "--segments");
    const segment = await table.number("segment", "--segments", { min: 0, max: MAX_SEGMENT, whole: true });
    const labels = shared.i32(matrix.numUsers).fill(-1);
    const sql = `SELECT ${id}, ${segment} FROM ${table.table} WHERE ${segment} IS NOT NULL`;
    let unknown = 0;
    for await (const { numRows, columns } of reader.db.streamColumns(sql, ["TEXT", "F64"])) {
      const [ids, segments] = columns;
      for (let i = 0; i < numRows; i++) {
        const label = segments[i]!;
        const row = rowOf(matrix, ids[i]!);
        if (row < 0) unknown++;
        else labels[row] = label;
      }
    }
    if (unknown > 0) session.note(`note: ${table.loaded.label}: ${counted(unknown, "user")} not in the matrix`);
    return labels;
  } finally {
    reader.close();
  }
}

/** Row of a user, also of one whose id `segment` has guarded for spreadsheets with an apostrophe. */
function rowOf(matrix: Matrix, id: string): number {
  const row = matrix.rowOf(id);
  return row < 0 && isGuarded(id) ? matrix.rowOf(id.slice(1)) : row;
}
