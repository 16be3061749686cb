import type { DuckDb } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import type { CsvHeader } from "./csv-header.js";
import { readCsvRecords } from "./csv-records.js";
import { countRejectsSql, dropRejects, keepRejectsSql, readCsvSql, readLinesSql } from "./csv-sql.js";
import { type PlainText, textBytes } from "./plain-text.js";
import { type Consume, checkColumnCount, type ReadContext, rawJsonSql, type SourceColumn } from "./relation.js";
import type { ResolvedSource, SourceFile } from "./source.js";

/**
 * CSV. DuckDB's strict parallel reader does the work when every non-empty line turned out to be one record, accepted
 * or refused: then no quote swallowed a line and nothing depends on where it cut the file for its threads. In every
 * other case the tolerant reader of csv-records.ts reads the file again, several times slower.
 */
export async function readCsv(
  context: ReadContext,
  source: ResolvedSource,
  file: SourceFile,
  text: PlainText,
  header: CsvHeader,
  consume: Consume,
): Promise<void> {
  const { db } = context;
  checkColumnCount(header.names.length, file.label);
  const columns = header.names.map((name, i) => ({ name, sql: `c${i}`, type: "VARCHAR" }));
  if (header.plain && (await readCsvFast(context, source, file, text, header, columns, consume))) return;

  const table = "tolerant_rows";
  await db.run(`CREATE TABLE ${table} (row_number BIGINT, ${columns.map((c) => `${c.sql} VARCHAR`).join(", ")})`);
  try {
    const records = readCsvRecords(textBytes(context, text), {
      delimiter: header.delimiter,
      numColumns: columns.length,
      skipRecords: 1,
    });
    const rows = await db.openAppender(table, ["I64", ...columns.map(() => "TEXT" as const)]);
    const malformed = await db.openAppender("malformed", ["TEXT", "TEXT", "I64", "TEXT"]);
    for await (const batch of records) {
      const good = batch.filter((r) => r.fields !== undefined);
      rows.append([good.map((r) => BigInt(r.line)), ...columns.map((_, c) => good.map((r) => r.fields![c]!))]);
      const bad = batch.filter((r) => r.fields === undefined);
      malformed.append([
        bad.map(() => source.input),
        bad.map(() => file.label),
        bad.map((r) => BigInt(r.line)),
        bad.map((r) => JSON.stringify({ line: r.raw })),
      ]);
    }
    rows.close();
    malformed.close();
    await consume({
      from: table,
      columns,
      rawJson: rawJsonSql(columns),
      rowNumber: "row_number",
      malformed: "false",
      label: file.label,
    });
  } finally {
    await db.run(`DROP TABLE IF EXISTS ${table}`).catch(() => {});
  }
}

async function readCsvFast(
  context: ReadContext,
  source: ResolvedSource,
  file: SourceFile,
  text: PlainText,
  header: CsvHeader,
  columns: SourceColumn[],
  consume: Consume,
): Promise<boolean> {
  const { db } = context;
  const numLines = await countLines(db, text);
  await dropRejects(db);
  await db.run("BEGIN");
  try {
    const numRows = await consume({
      from: readCsvSql(text.path, header.delimiter, columns.length, text.compression),
      columns,
      rawJson: rawJsonSql(columns),
      rowNumber: "CAST(NULL AS BIGINT)",
      malformed: "false",
      label: file.label,
    });
    const numRejects = await db.count(countRejectsSql());
    if (1 + numRows + numRejects === numLines) {
      await db.run(keepRejectsSql(source.input, file.label));
      await db.run("COMMIT");
      return true;
    }
    await db.run("ROLLBACK");
    return false;
  } catch (thrown) {
    await db.run("ROLLBACK").catch(() => {});
    // The strict reader gives up on a file with mixed line ends; every other error stands.
    if (thrown instanceof CouponcastError && /CSV (Error|Parser)/.test(thrown.message)) return false;
    throw thrown;
  }
}

/** Non-empty physical lines, those that are no UTF-8 or too long included. */
async function countLines(db: DuckDb, text: PlainText): Promise<number> {
  await dropRejects(db);
  const lines = await db.count(`SELECT count(line) FROM ${readLinesSql(text.path, text.compression)}`);
  return lines + (await db.count(countRejectsSql()));
}
