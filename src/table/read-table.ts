import { DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import { inferTextTypes, type LoadedTable, loadTable, presentTextSql } from "../source/load-table.js";
import { createMalformedTable } from "../source/read-source.js";
import type { ReadContext, SourceColumn } from "../source/relation.js";
import { type ResolvedSource, requireColumn, resolveSource } from "../source/source.js";

export interface ReadTableOptions {
  /** Folder for what the database spills; removed by the caller. */
  scratch: string;
  threads: number;
  /** Of DuckDB; default 2048. */
  memoryLimitMb?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Further files, in `scratch`, that queries will read. */
  readable?: readonly string[];
}

/** Finds the files of an input table (globs, .gz, .zst). `input` names the table inside. Errors: see resolveSource. */
export async function findTable(path: string, input: string): Promise<ResolvedSource> {
  try {
    return await resolveSource({ files: path }, { baseDir: process.cwd(), input, field: input });
  } catch (thrown) {
    if (!(thrown instanceof CouponcastError)) throw thrown;
    // The fields of a campaign file, which the message names, are not what the user wrote here.
    const { code, message, file, hint } = thrown;
    throw new CouponcastError(code, message, {
      cause: thrown,
      file,
      hint: hint?.includes("set format") ? undefined : hint,
    });
  }
}

/** Tables that a person hands in (CSV, Parquet, JSONL), loaded whole into one database. */
export class TableReader {
  readonly #context: ReadContext;

  private constructor(context: ReadContext) {
    this.#context = context;
  }

  get db(): DuckDb {
    return this.#context.db;
  }

  /** Errors: ERR_COUPONCAST_IO. */
  static async open(sources: readonly ResolvedSource[], options: ReadTableOptions): Promise<TableReader> {
    const { scratch, threads, memoryLimitMb = 2048, signal, readable = [] } = options;
    const db = await DuckDb.open({
      // In memory, spilling to the scratch folder: a database file cannot be in a folder with a ? in its name.
      path: ":memory:",
      tempDir: scratch,
      memoryLimitMb,
      threads,
      readable: [...sources.flatMap(({ files }) => files.map(({ path }) => path)), ...readable],
      preserveInsertionOrder: true,
      signal,
    });
    try {
      await createMalformedTable(db);
    } catch (thrown) {
      db.close();
      throw thrown;
    }
    return new TableReader({ db, tempDir: scratch, memoryLimitMb, signal });
  }

  /**
   * Loads a table under a name; `hasFixedColumns`: the user cannot say how its columns are called. Nobody wants half a table of candidates, so a row that cannot be taken apart is an
   * error. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (rows, no column), _CORRUPT_FILE, _IO, _CANCELLED.
   */
  async load(source: ResolvedSource, table: string, hasFixedColumns = false): Promise<InputTable> {
    const loaded = await loadTable(this.#context, source, table);
    if (loaded.numMalformed > 0) {
      const [first] = await this.db.rows(
        `SELECT file, row_number AS n, raw FROM malformed WHERE input = ${quoteLiteral(source.input)} ORDER BY file, row_number LIMIT 1`,
      );
      const where = first?.n == null ? "" : `, the first is row ${first.n}`;
      throw invalidArgument(
        `${first?.file}: ${loaded.numMalformed} ${loaded.numMalformed === 1 ? "row" : "rows"} cannot be read${where}: ${String(first?.raw).slice(0, 120)}`,
        { file: String(first?.file), hint: "Expected as many fields as the header names, double quotes closed." },
      );
    }
    return new InputTable(this.db, loaded, hasFixedColumns);
  }

  close(): void {
    this.db.close();
  }
}

export interface NumberRules {
  required?: boolean;
  min?: number | undefined;
  max?: number | undefined;
  whole?: boolean;
}

/** A loaded table whose columns are checked when they are asked for. */
export class InputTable {
  constructor(
    readonly db: DuckDb,
    readonly loaded: LoadedTable,
    readonly hasFixedColumns: boolean,
  ) {}

  get table(): string {
    return this.loaded.table;
  }

  get numRows(): number {
    return this.loaded.numRows;
  }

  has(name: string): boolean {
    return this.loaded.columns.some((column) => column.name === name);
  }

  /** SQL: the column's text; no value may be missing. `option` is how the user names the column. */
  async id(name: string, option: string): Promise<string> {
    const sql = this.text(name, option);
    await this.#refuse(
      `${sql} IS NULL`,
      "''",
      (where) => `${where}: expected an id in the column ${JSON.stringify(name)} but it is empty`,
      option,
    );
    return sql;
  }

  /** SQL: the column's text, NULL where it is missing. */
  text(name: string, option: string): string {
    return presentTextSql(this.#column(name, option));
  }

  /** SQL: the column as DOUBLE, finite and in [min, max]; NULL where it is missing, which `required` forbids. */
  async number(
    name: string,
    option: string,
    { required = false, min, max, whole = false }: NumberRules = {},
  ): Promise<string> {
    const column = this.#column(name, option);
    const text = presentTextSql(column);
    const number = `TRY_CAST(${column.type === "VARCHAR" ? `trim(${text})` : column.sql} AS DOUBLE)`;
    const wrong = [`(${text} IS NOT NULL AND NOT coalesce(isfinite(${number}), false))`];
    if (required) wrong.push(`${text} IS NULL`);
    if (min !== undefined) wrong.push(`coalesce(${number} < ${min}, false)`);
    if (max !== undefined) wrong.push(`coalesce(${number} > ${max}, false)`);
    if (whole) wrong.push(`coalesce(${number} <> trunc(${number}), false)`);
    const kind = whole ? "a whole number" : "a number";
    const range = min === undefined ? "" : max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
    await this.#refuse(
      wrong.join(" OR "),
      text,
      (where, value) =>
        `${where}: expected ${kind}${range} in the column ${JSON.stringify(name)} but received ${value}`,
      option,
    );
    return number;
  }

  /** Columns that hold numbers only, by type or by the look of all their text. */
  async numericColumns(): Promise<SourceColumn[]> {
    const inferred = await inferTextTypes(this.db, this.loaded);
    return this.loaded.columns.filter(({ sql, type }) =>
      type === "VARCHAR"
        ? ["BIGINT", "DOUBLE"].includes(inferred.get(sql) ?? "")
        : /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type),
    );
  }

  #column(name: string, option: string): SourceColumn {
    return requireColumn(this.loaded, name, option, this.hasFixedColumns ? "rename the column" : undefined);
  }

  /** Throws for the first row where `condition` holds. */
  async #refuse(
    condition: string,
    value: string,
    message: (where: string, value: string) => string,
    option: string,
  ): Promise<void> {
    const [row] = await this.db.rows(
      `SELECT file, row_number AS n, CAST(${value} AS VARCHAR) AS v, ${this.loaded.rawJson} AS raw
       FROM ${this.table} WHERE ${condition} ORDER BY file, row_number LIMIT 1`,
    );
    if (row === undefined) return;
    const file = String(row.file);
    const shown = row.v === null ? "nothing" : JSON.stringify(String(row.v).slice(0, 60));
    // Readers in parallel do not count rows: then the row itself says where it is.
    const where = row.n === null ? file : `${file}, row ${row.n}`;
    const raw = row.n === null ? `, in the row ${String(row.raw).slice(0, 200)}` : "";
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", message(where, shown) + raw, { file, field: option });
  }
}
