/**
 * Turns each file or query of a source into a relation and hands it to the caller's INSERT. No row is lost silently:
 * what cannot be taken apart goes to the table `malformed`, and the fast CSV reader is believed only when its rows
 * and refusals add up to the lines of the file.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, escapeGlob, quoteIdentifier, quoteLiteral, type TableAppender } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import { decompressVerified } from "./compressed.js";
import { readCsvHeader } from "./csv-header.js";
import { firstLines, type PlainText } from "./plain-text.js";
import { streamPostgres } from "./postgres.js";
import { readCsv } from "./read-csv.js";
import { readJsonl } from "./read-jsonl.js";
import {
  type Consume,
  checkColumnCount,
  type ReadContext,
  type Relation,
  rawJsonSql,
  type SourceColumn,
} from "./relation.js";
import type { ResolvedSource, SourceFile } from "./source.js";

/** Malformed rows of every source: which input and file, the row's number if known, and its text as JSON. */
export async function createMalformedTable(db: DuckDb): Promise<void> {
  await db.run("CREATE TABLE malformed (input VARCHAR, file VARCHAR, row_number BIGINT, raw VARCHAR)");
}

/**
 * Reads a whole source.
 * @param wanted column names that the caller needs, or "all": only JSONL, whose rows name their own columns, needs it
 */
export async function readSource(
  context: ReadContext,
  source: ResolvedSource,
  wanted: readonly string[] | "all",
  consume: Consume,
  onFileDone: (file: SourceFile) => void = () => {},
): Promise<void> {
  for (const file of source.files) {
    await (file.format === "parquet"
      ? consume(await parquetRelation(context.db, file))
      : readTextFile(context, source, file, wanted, consume));
    onFileDone(file);
  }
  if (source.postgres !== undefined) await readPostgres(context, source, consume);
}

async function readTextFile(
  context: ReadContext,
  source: ResolvedSource,
  file: SourceFile,
  wanted: readonly string[] | "all",
  consume: Consume,
): Promise<void> {
  let text: PlainText = { path: file.path, compression: "none" };
  const target = join(context.tempDir, "plain-text");
  try {
    if (file.compression !== "none") {
      const done = await decompressVerified(file.path, file.compression, target, context.signal);
      text = done ? { path: target, compression: "none" } : { path: file.path, compression: "zstd" };
    }
    const head = await firstLines(context, text, file);
    if (file.format === "csv") {
      await readCsv(context, source, file, text, readCsvHeader(head, source.delimiter, file.label), consume);
    } else {
      await readJsonl(context, source, file, text, head, wanted, consume);
    }
  } finally {
    await rm(target, { force: true });
  }
}

async function parquetRelation(db: DuckDb, file: SourceFile): Promise<Relation> {
  const path = quoteLiteral(escapeGlob(file.path));
  const described = await db.describe(`SELECT * FROM read_parquet(${path})`);
  checkColumnCount(described.length, file.label);
  const columns = described.map(({ name, type }) => ({ name, sql: quoteIdentifier(name), type }));
  const hasOwn = columns.some((c) => c.name.toLowerCase() === "file_row_number");
  return {
    from: `read_parquet(${path}${hasOwn ? "" : ", file_row_number = true"})`,
    columns,
    rawJson: rawJsonSql(columns),
    rowNumber: hasOwn ? "CAST(NULL AS BIGINT)" : "file_row_number + 1",
    malformed: "false",
    label: file.label,
  };
}

async function readPostgres(context: ReadContext, source: ResolvedSource, consume: Consume): Promise<void> {
  const { db } = context;
  const table = "postgres_rows";
  let columns: SourceColumn[] | undefined;
  let rows: TableAppender | undefined;
  try {
    for await (const batch of streamPostgres(source.postgres!, context.signal)) {
      if (columns === undefined) {
        columns = batch.names.map((name, i) => ({ name, sql: `c${i}`, type: "VARCHAR" }));
        if (columns.length === 0) {
          throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "expected a query that returns columns", {
            field: `${source.field}.postgres.query`,
          });
        }
        await db.run(`CREATE TABLE ${table} (${columns.map((c) => `${c.sql} VARCHAR`).join(", ")})`);
      }
      rows ??= await db.openAppender(
        table,
        columns.map(() => "TEXT" as const),
      );
      rows.append(batch.columns);
    }
    rows?.close();
    await consume({
      from: table,
      columns: columns!,
      rawJson: rawJsonSql(columns!),
      rowNumber: "CAST(NULL AS BIGINT)",
      malformed: "false",
      label: `postgres:${source.postgres!.connectionEnv}`,
    });
  } finally {
    await db.run(`DROP TABLE IF EXISTS ${table}`).catch(() => {});
  }
}
