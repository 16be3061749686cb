import { Executor } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import { isGuarded } from "../table/csv-guard.js";
import { type NumberRules, TableReader } from "../table/read-table.js";
import type { Session } from "./command.js";
import { counted } from "./text-layout.js";

/** Whose numbers are asked for: the users of a matrix, or of a file of sequences. */
export interface KnownUsers {
  numUsers: number;
  /** Row of a user, or -1. */
  rowOf(id: string): number;
}

interface Wanted extends NumberRules {
  column: string;
  /** How the user names the table. */
  option: string;
}

/**
 * Calls `visit` for each row of a table with user_id and a number that gives a known user one, and notes how many are
 * unknown. Errors: see InputTable.
 */
export async function readUserNumbers(
  session: Session,
  users: KnownUsers,
  source: ResolvedSource,
  scratch: string,
  { column, option, ...rules }: Wanted,
  visit: (row: number, value: number, id: string) => void,
): Promise<void> {
  const threads = new Executor({ threads: session.threads }).threads;
  const reader = await TableReader.open([source], { scratch, threads, signal: session.signal });
  try {
    const table = await reader.load(source, column, true);
    const id = await table.id("user_id", option);
    const number = await table.number(column, option, rules);
    const sql = `SELECT ${id}, ${number} FROM ${table.table} WHERE ${number} IS NOT NULL`;
    let unknown = 0;
    for await (const { numRows, columns } of reader.db.streamColumns(sql, ["TEXT", "F64"])) {
      const [ids, numbers] = columns;
      for (let i = 0; i < numRows; i++) {
        const row = rowOf(users, ids[i]!);
        if (row < 0) unknown++;
        else visit(row, numbers[i]!, ids[i]!);
      }
    }
    if (unknown > 0) session.note(`note: ${table.loaded.label}: ${counted(unknown, "user")} unknown`);
  } finally {
    reader.close();
  }
}

/** Row of a user, also of one whose id `segment` has guarded for spreadsheets with an apostrophe. */
function rowOf(users: KnownUsers, id: string): number {
  const row = users.rowOf(id);
  return row < 0 && isGuarded(id) ? users.rowOf(id.slice(1)) : row;
}
