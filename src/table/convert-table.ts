import { copyFile } from "node:fs/promises";
import { DuckDb, escapeGlob, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { COPY_OPTIONS, guardedTextSql } from "./csv-guard.js";
import type { OutputFile } from "./output-file.js";
import { tableFormatOf } from "./table-format.js";

/** Writes a Parquet file of ours as the table that `output` asks for, rows in the same order. Errors: ERR_COUPONCAST_IO. */
export async function convertParquet(
  path: string,
  output: OutputFile,
  options: { raw?: boolean | undefined; signal?: AbortSignal | undefined },
): Promise<void> {
  const format = tableFormatOf(output.path);
  if (format === "parquet") return copyFile(path, output.path);
  const db = await DuckDb.open({
    path: ":memory:",
    tempDir: output.scratch,
    memoryLimitMb: 1024,
    threads: 1,
    readable: [path],
    preserveInsertionOrder: true,
    signal: options.signal,
  });
  try {
    const from = `read_parquet(${quoteLiteral(escapeGlob(path))})`;
    const columns = await db.describe(`SELECT * FROM ${from}`);
    const select = columns.map(({ name, type }) => {
      const column = quoteIdentifier(name);
      return type === "VARCHAR" && format === "csv" && !options.raw ? `${guardedTextSql(column)} AS ${column}` : column;
    });
    await db.run(
      `COPY (SELECT ${select.join(", ")} FROM ${from}) TO ${quoteLiteral(output.path)} (${COPY_OPTIONS[format]})`,
    );
  } finally {
    db.close();
  }
}
