import { join } from "node:path";
import { Executor } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import { type InputTable, TableReader } from "../table/read-table.js";
import type { Session } from "./command.js";

interface OpenTable {
  table: InputTable;
  executor: Executor;
  /** Where labels may be put for the table's database to read. */
  labelsPath: string;
}

/** Reads a table of users for as long as `work` takes. */
export async function withTable<T>(
  session: Session,
  source: ResolvedSource,
  { scratch }: OutputFile,
  work: (open: OpenTable) => Promise<T>,
): Promise<T> {
  const executor = new Executor(session.run());
  const labelsPath = join(scratch, "labels.csv");
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const { signal } = session;
  const reader = await TableReader.open([source], {
    scratch,
    threads: executor.threads,
    signal,
    readable: [labelsPath],
  });
  try {
    return await work({ table: await reader.load(source, "input"), executor, labelsPath });
  } finally {
    reader.close();
  }
}
