/** What a table says of its items: the columns that content-based profiles are made from. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDb } from "../duckdb/duckdb.js";
import { loadTable, presentTextSql } from "../source/load-table.js";
import { createMalformedTable } from "../source/read-source.js";
import { findColumn, requireColumn, resolveSource, type SourceSpec } from "../source/source.js";
import { CREATE_REJECTED_TABLE_ROWS, keepUniqueRows, type RejectedCounts } from "./tables.js";

export interface ItemContentRequest {
  source: SourceSpec;
  /** Column of the item's id. */
  id: string;
  /** Columns to read, as text. */
  columns: readonly string[];
  /** Those of the columns that may be absent. */
  optional?: readonly string[] | undefined;
  baseDir: string;
  /** Existing folder for scratch files. */
  tempDir: string;
  threads: number;
  memoryLimitMb: number;
  signal?: AbortSignal | undefined;
}

/**
 * Calls `visit` for each item, ascending by id: of several rows of one id the one that ingest takes. Returns the rows left
 * out, by reason. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (a column that is not there), _IO, _CORRUPT_FILE, _CANCELLED.
 */
export async function readItemContent(
  request: ItemContentRequest,
  visit: (id: string, values: (string | null)[]) => void,
): Promise<RejectedCounts> {
  const { source, columns, baseDir, threads, memoryLimitMb, signal } = request;
  const resolved = await resolveSource(source, { baseDir, input: "items", field: "inputs.items" });
  const tempDir = join(request.tempDir, "content");
  await mkdir(tempDir, { recursive: true });
  const db = await DuckDb.open({
    path: ":memory:",
    tempDir,
    threads,
    memoryLimitMb,
    signal,
    readable: resolved.files.map(({ path }) => path),
  });
  try {
    await createMalformedTable(db);
    await db.run(CREATE_REJECTED_TABLE_ROWS);
    const loaded = await loadTable({ db, tempDir, memoryLimitMb, signal }, resolved, "loaded_items");
    const field = "inputs.items.columns";
    const found = columns.map((name) =>
      request.optional?.includes(name) ? findColumn(loaded, name, field) : requireColumn(loaded, name, field),
    );
    const rejected = await keepUniqueRows(db, loaded, requireColumn(loaded, request.id, "inputs.items.columns.id"), {
      target: "item_content",
      idName: "item_id",
      input: "items",
      firstBy: "true",
      values: found.map(
        (column, i) => `${column === undefined ? "CAST(NULL AS VARCHAR)" : presentTextSql(column)} AS v${i}`,
      ),
    });
    const values = found.map((_, i) => `coalesce(v${i}, '')`);
    const sql = `SELECT ${["item_id", ...values].join(", ")} FROM item_content ORDER BY item_id`;
    const types = Array.from({ length: found.length + 1 }, () => "TEXT" as const);
    for await (const { numRows, columns: batch } of db.streamColumns(sql, types, 8192)) {
      const [ids, ...fields] = batch as string[][];
      for (let row = 0; row < numRows; row++)
        visit(
          ids![row]!,
          fields.map((field) => field[row]!),
        );
    }
    return rejected;
  } finally {
    db.close();
    await rm(tempDir, { recursive: true, force: true });
  }
}
