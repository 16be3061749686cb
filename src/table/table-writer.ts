import { join } from "node:path";
import { DuckDb, escapeGlob, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import type { Executor } from "../executor/executor.js";
import type { AnyTypedArray } from "../native/addon.js";
import { COPY_OPTIONS, guardedTextSql } from "./csv-guard.js";
import type { OutputFile } from "./output-file.js";
import { type TableFormat, tableFormatOf } from "./table-format.js";
import { writeRows } from "./write-rows.js";

export interface TableWriterOptions {
  executor: Executor;
  signal?: AbortSignal | undefined;
  /** Write texts to CSV as they are, formulas included; default false. */
  raw?: boolean | undefined;
  /** Of DuckDB; default 2048. */
  memoryLimitMb?: number | undefined;
}

/** A column of the table: a number of the appended columns as it is, or what it stands for. */
export interface OutputColumn {
  name: string;
  /** Position among the appended columns. */
  from: number;
  /** Its numbers are rows of this list of ids. */
  ids?: string;
  /** Its numbers are positions in this short list. */
  names?: readonly string[];
}

/**
 * Writes a table of many millions of rows from typed arrays: numbers go to DuckDB as text that worker threads format,
 * ids are joined there. Memory: the ids and DuckDB's limit; the numbers are on disk.
 *
 * Rows are written in the order of the columns given to `finish`, so the file does not depend on the threads.
 */
export class TableWriter {
  readonly #output: OutputFile;
  readonly #format: TableFormat;
  readonly #options: TableWriterOptions;
  readonly #db: DuckDb;
  readonly #numbers: string;
  #columns: readonly AnyTypedArray[] | undefined;

  private constructor(output: OutputFile, options: TableWriterOptions, db: DuckDb) {
    this.#output = output;
    this.#format = tableFormatOf(output.path);
    this.#options = options;
    this.#db = db;
    this.#numbers = numbersPath(output);
  }

  /** Errors: ERR_COUPONCAST_IO. */
  static async open(output: OutputFile, options: TableWriterOptions): Promise<TableWriter> {
    const db = await DuckDb.open({
      // In memory, spilling to the scratch folder: a database file cannot be in a folder with a ? in its name.
      path: ":memory:",
      tempDir: output.scratch,
      memoryLimitMb: options.memoryLimitMb ?? 2048,
      threads: options.executor.threads,
      readable: [numbersPath(output)],
      preserveInsertionOrder: true,
      signal: options.signal,
    });
    return new TableWriter(output, options, db);
  }

  /** A list of ids by row, from 0 on. */
  async addIds(name: string, batches: Iterable<readonly string[]> | AsyncIterable<readonly string[]>): Promise<void> {
    const table = quoteIdentifier(`ids_${name}`);
    await this.#db.run(`CREATE TABLE ${table} (row BIGINT, id VARCHAR)`);
    const appender = await this.#db.openAppender(`ids_${name}`, ["I64", "TEXT"]);
    let row = 0n;
    for await (const ids of batches) appender.append([ids.map(() => row++), ids]);
    appender.close();
  }

  /**
   * Further rows: one array a column, of the same types each time; at least once, if only of no rows. See writeRows.
   * NaN in a Float64Array is a missing value.
   */
  async append(columns: readonly AnyTypedArray[], skipNegative?: number): Promise<void> {
    this.#columns ??= columns.map((column) => column.slice(0, 0));
    await writeRows(this.#options.executor, this.#numbers, columns, skipNegative);
  }

  /** Builds the file of all rows, sorted by the appended columns `orderBy`. Returns the number of rows. */
  async finish(columns: readonly OutputColumn[], orderBy: readonly number[]): Promise<number> {
    const joins: string[] = [];
    const select = columns.map(({ name, from, ids, names }) => {
      const alias = quoteIdentifier(name);
      if (ids !== undefined) {
        const list = `list${joins.length}`;
        joins.push(`JOIN ${quoteIdentifier(`ids_${ids}`)} ${list} ON ${list}.row = rows.c${from}`);
        return `${this.#text(`${list}.id`)} AS ${alias}`;
      }
      if (names !== undefined) {
        const cases = names.map((text, code) => `WHEN ${code} THEN ${quoteLiteral(text)}`);
        return `${this.#text(`CASE rows.c${from} ${cases.join(" ")} END`)} AS ${alias}`;
      }
      const isDouble = this.#columns?.[from] instanceof Float64Array;
      return `${isDouble ? `nullif(rows.c${from}, 'nan'::DOUBLE)` : `rows.c${from}`} AS ${alias}`;
    });
    if (this.#columns === undefined) throw new CouponcastError("ERR_COUPONCAST_INTERNAL", "no columns were appended");
    return this.#db.run(`COPY (
      SELECT ${select.join(", ")}
      FROM ${this.#readNumbers(this.#columns)} rows ${joins.join(" ")}
      ORDER BY ${orderBy.map((c) => `rows.c${c}`).join(", ")}
    ) TO ${quoteLiteral(this.#output.path)} (${COPY_OPTIONS[this.#format]})`);
  }

  /** Call it in any case; the file stays. */
  close(): void {
    this.#db.close();
  }

  #text(sql: string): string {
    return this.#format === "csv" && !this.#options.raw ? guardedTextSql(sql) : sql;
  }

  #readNumbers(columns: readonly AnyTypedArray[]): string {
    const types = columns.map((column, c) => `'c${c}': '${this.#sqlType(column)}'`);
    const path = quoteLiteral(escapeGlob(this.#numbers));
    return `read_csv(${path}, header = false, delim = ',', auto_detect = false, columns = {${types.join(", ")}})`;
  }

  #sqlType(column: AnyTypedArray): string {
    if (column instanceof BigInt64Array) return "BIGINT";
    if (column instanceof Int32Array) return "INTEGER";
    if (column instanceof Uint8Array) return "UTINYINT";
    // As text a float32 keeps its own digits: 0.1, not the 0.10000000149 of the double beside it.
    return column instanceof Float32Array && this.#format === "parquet" ? "FLOAT" : "DOUBLE";
  }
}

function numbersPath(output: OutputFile): string {
  return join(output.scratch, "numbers.csv");
}
