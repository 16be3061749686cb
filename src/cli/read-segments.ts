import { Executor, shared } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import { isGuarded } from "../table/csv-guard.js";
import { TableReader } from "../table/read-table.js";
import type { Session } from "./command.js";
import { counted } from "./text-layout.js";

const MAX_SEGMENT = 1_000_000;

/** Whose segments are asked for: the users of a matrix, or of a file of sequences. */
interface KnownUsers {
  numUsers: number;
  /** Row of a user, or -1. */
  rowOf(id: string): number;
}

/** [numUsers] segment of each user from a table with user_id and segment; -1 for users it does not give one. */
export async function readSegments(
  session: Session,
  users: KnownUsers,
  source: ResolvedSource,
  scratch: string,
): Promise<Int32Array> {
  const threads = new Executor({ threads: session.threads }).threads;
  const reader = await TableReader.open([source], { scratch, threads, signal: session.signal });
  try {
    const table = await reader.load(source, "segments", true);
    const id = await table.id("user_id", "--segments");
    const segment = await table.number("segment", "--segments", { min: 0, max: MAX_SEGMENT, whole: true });
    const labels = shared.i32(users.numUsers).fill(-1);
    const sql = `SELECT ${id}, ${segment} FROM ${table.table} WHERE ${segment} IS NOT NULL`;
    let unknown = 0;
    for await (const { numRows, columns } of reader.db.streamColumns(sql, ["TEXT", "F64"])) {
      const [ids, segments] = columns;
      for (let i = 0; i < numRows; i++) {
        const label = segments[i]!;
        const row = rowOf(users, ids[i]!);
        if (row < 0) unknown++;
        else labels[row] = label;
      }
    }
    if (unknown > 0) session.note(`note: ${table.loaded.label}: ${counted(unknown, "user")} unknown`);
    return labels;
  } finally {
    reader.close();
  }
}

/** Row of a user, also of one whose id `segment` has guarded for spreadsheets with an apostrophe. */
function rowOf(users: KnownUsers, id: string): number {
  const row = users.rowOf(id);
  return row < 0 && isGuarded(id) ? users.rowOf(id.slice(1)) : row;
}
