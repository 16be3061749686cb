/**
 * Turns each file or query of a source into a relation and hands it to the caller's INSERT. No row is lost silently:
 * what cannot be taken apart goes to the table `malformed`, and the fast CSV reader is believed only when its rows
 * and refusals add up to the lines of the file.
 */
import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDb, escapeGlob, quoteIdentifier, quoteLiteral, type TableAppender } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import { decompressVerified } from "./compressed.js";
import { type CsvHeader, checkTextStart, readCsvHeader } from "./csv-header.js";
import { readCsvRecords } from "./csv-records.js";
import { countRejectsSql, dropRejectsSql, keepRejectsSql, readCsvSql, readLinesSql } from "./csv-sql.js";
import { streamPostgres } from "./postgres.js";
import type { Relation, ResolvedSource, SourceColumn, SourceFile } from "./source.js";

export interface ReadContext {
  db: DuckDb;
  /** Scratch folder that the database may read; emptied by the caller. */
  tempDir: string;
  memoryLimitMb: number;
  signal?: AbortSignal | undefined;
}

/** Inserts the rows of a relation somewhere and returns how many. May be called again after a rollback. */
export type Consume = (relation: Relation) => Promise<number>;

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

/** A text file after decompression: a plain file, or (zstd on Node 20) still the compressed one. */
interface PlainText {
  path: string;
  compression: "none" | "zstd";
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

const HEAD_BYTES = 1 << 20;

/** The lines in the first MiB; the last one may be cut. */
async function firstLines(context: ReadContext, text: PlainText, file: SourceFile): Promise<string[]> {
  if (text.compression === "zstd") {
    const lines: string[] = [];
    for await (const line of compressedLines(context, text)) {
      lines.push(line);
      if (lines.length === 100) break;
    }
    return lines;
  }
  const handle = await open(text.path, "r");
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0);
    const bytes = buffer.subarray(0, bytesRead);
    checkTextStart(bytes, file.label, file.format === "csv" ? "CSV" : "JSONL");
    return bytes
      .toString("utf8")
      .replace(/^\ufeff/, "")
      .split(/\r\n|\n|\r/);
  } finally {
    await handle.close();
  }
}

/**
 * CSV. DuckDB's strict parallel reader does the work when every non-empty line turned out to be one record, accepted
 * or refused: then no quote swallowed a line and nothing depends on where it cut the file for its threads. In every
 * other case the tolerant reader of csv-records.ts reads the file again, several times slower.
 */
async function readCsv(
  context: ReadContext,
  source: ResolvedSource,
  file: SourceFile,
  text: PlainText,
  header: CsvHeader,
  consume: Consume,
): Promise<void> {
  const { db } = context;
  const columns = header.names.map((name, i) => ({ name, sql: `c${i}`, type: "VARCHAR" }));
  if (header.plain && (await readCsvFast(context, source, file, text, header, columns, consume))) return;

  const table = "tolerant_rows";
  await db.run(`CREATE TABLE ${table} (row_number BIGINT, ${columns.map((c) => `${c.sql} VARCHAR`).join(", ")})`);
  try {
    const bytes = text.compression === "none" ? plainBytes(text.path) : compressedBytes(context, text);
    const records = readCsvRecords(bytes, {
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

async function dropRejects(db: DuckDb): Promise<void> {
  for (const sql of dropRejectsSql()) await db.run(sql);
}

async function* plainBytes(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) yield chunk as Buffer;
}

/** Lines of a compressed file in file order, decompressed by a DuckDB of its own with one thread. */
async function* compressedLines(context: ReadContext, text: PlainText): AsyncGenerator<string> {
  const reader = await DuckDb.open({
    path: ":memory:",
    tempDir: context.tempDir,
    memoryLimitMb: Math.min(512, context.memoryLimitMb),
    threads: 1,
    readable: [text.path],
    preserveInsertionOrder: true,
    signal: context.signal,
  });
  try {
    const sql = `SELECT line FROM ${readLinesSql(text.path, text.compression)}`;
    for await (const batch of reader.streamColumns(sql, ["TEXT"], 8192)) yield* batch.columns[0];
  } finally {
    reader.close();
  }
}

async function* compressedBytes(context: ReadContext, text: PlainText): AsyncGenerator<Uint8Array> {
  for await (const line of compressedLines(context, text)) yield Buffer.from(`${line}\n`);
}

/** JSONL: each line by itself; a line that is no JSON object is malformed. Values become text, null and absent NULL. */
async function readJsonl(
  context: ReadContext,
  source: ResolvedSource,
  file: SourceFile,
  text: PlainText,
  head: readonly string[],
  wanted: readonly string[] | "all",
  consume: Consume,
): Promise<void> {
  const { db } = context;
  const lines = readLinesSql(text.path, text.compression);
  let names = keysOf(head);
  if (wanted === "all" || wanted.some((name) => !names.includes(name))) {
    await dropRejects(db);
    const rows = await db.rows(
      `SELECT DISTINCT unnest(json_keys(line)) AS key FROM (SELECT ${jsonObjectSql("line")} AS line FROM ${lines}) ` +
        "WHERE line IS NOT NULL ORDER BY key",
    );
    names = rows.map((r) => String(r.key));
  }
  const pointers = names.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  const extract = `json_extract_string(object, [${pointers.map(quoteLiteral).join(", ")}])`;
  await dropRejects(db);
  await consume({
    from:
      `(SELECT line, object, ${names.length === 0 ? "CAST([] AS VARCHAR[])" : extract} AS parts ` +
      `FROM (SELECT line, ${jsonObjectSql("line")} AS object FROM ${lines} WHERE line IS NOT NULL))`,
    columns: names.map((name, i) => ({ name, sql: `parts[${i + 1}]`, type: "VARCHAR" })),
    rawJson: "CASE WHEN object IS NULL THEN CAST(to_json({'line': left(line, 10000)}) AS VARCHAR) ELSE line END",
    rowNumber: "CAST(NULL AS BIGINT)",
    malformed: "object IS NULL",
    label: file.label,
  });
  await db.run(keepRejectsSql(source.input, file.label));
}

function jsonObjectSql(line: string): string {
  return `CASE WHEN json_valid(${line}) THEN CASE WHEN json_type(${line}) = 'OBJECT' THEN ${line} END END`;
}

function keysOf(lines: readonly string[]): string[] {
  const keys = new Set<string>();
  for (const line of lines) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      continue;
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const key of Object.keys(value)) keys.add(key);
    }
  }
  return [...keys].sort();
}

async function parquetRelation(db: DuckDb, file: SourceFile): Promise<Relation> {
  const path = quoteLiteral(escapeGlob(file.path));
  const described = await db.describe(`SELECT * FROM read_parquet(${path})`);
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

/** The whole row as a JSON object of texts, in column order. */
function rawJsonSql(columns: readonly SourceColumn[]): string {
  const pairs = columns.map((c) => `${quoteLiteral(c.name)}, CAST(${c.sql} AS VARCHAR)`);
  return `CAST(json_object(${pairs.join(", ")}) AS VARCHAR)`;
}
