import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { invalidArgument } from "../errors.js";
import { Executor } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import { findTable, type NumberRules, TableReader } from "../table/read-table.js";
import type { Session } from "./command.js";

/** Runs `body` with a folder for what databases spill; removed afterwards. */
async function withScratch<T>(body: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "couponcast-"));
  try {
    return await body(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Opens tables for queries; `body` gets the reader. */
export async function withTables<T>(
  session: Session,
  sources: readonly ResolvedSource[],
  body: (reader: TableReader, scratch: string) => Promise<T>,
): Promise<T> {
  return withScratch(async (scratch) => {
    session.progress.update({ stage: "reading", done: 0, total: undefined });
    const { threads } = new Executor({ threads: session.threads });
    const reader = await TableReader.open(sources, { scratch, threads, signal: session.signal });
    try {
      return await body(reader, scratch);
    } finally {
      reader.close();
    }
  });
}

export interface WantedColumn extends NumberRules {
  column: string;
  /** How the user names the column. */
  option: string;
}

/** Columns of a table as float64, all rows in their order; each value must be there. Errors: see InputTable. */
export async function readColumns<const K extends string>(
  session: Session,
  path: string,
  wanted: Readonly<Record<K, WantedColumn | undefined>>,
): Promise<{ label: string; numRows: number; columns: Partial<Record<K, Float64Array>> }> {
  const source = await findTable(path, "input");
  return withTables(session, [source], async (reader) => {
    const table = await reader.load(source, "input");
    const { label } = table.loaded;
    if (table.numRows === 0) throw invalidArgument(`${label} has no rows`, { file: label });
    const names: K[] = [];
    const selected: string[] = [];
    for (const [name, want] of Object.entries(wanted) as [K, WantedColumn | undefined][]) {
      if (want === undefined) continue;
      names.push(name);
      selected.push(await table.number(want.column, want.option, { ...want, required: true }));
    }
    const columns = Object.fromEntries(names.map((name) => [name, new Float64Array(table.numRows)])) as Record<
      K,
      Float64Array
    >;
    let row = 0;
    const batches = reader.db.streamColumns(
      `SELECT ${selected.join(", ")} FROM ${table.table}`,
      selected.map(() => "F64" as const),
    );
    for await (const batch of batches) {
      for (const [c, name] of names.entries()) columns[name].set(batch.columns[c] as Float64Array, row);
      row += batch.numRows;
    }
    return { label, numRows: row, columns };
  });
}
