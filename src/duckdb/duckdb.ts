/**
 * DuckDB behind a small, locked-down interface: the reader, cleaner and sorter of ingest (design.md, section 4).
 * `@duckdb/node-api` is imported on the first `open`, so a service that only computes never loads it.
 */
import { resolve } from "node:path";
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { CouponcastError, invalidArgument } from "../errors.js";
import { translateDuckDbError } from "./duckdb-errors.js";

export interface DuckDbOptions {
  /** Database file, or ":memory:". */
  path: string;
  /** Folder for spilled data; removed by the caller. Queries may also read and write here. */
  tempDir: string;
  /** DuckDB's own limit; the process needs about a quarter more. */
  memoryLimitMb: number;
  threads: number;
  /** Files that queries may read, each an absolute path. Nothing else outside `tempDir` can be opened. */
  readable?: readonly string[];
  /** False lets unordered queries run in any order, with less memory. */
  preserveInsertionOrder?: boolean;
  /** Opens an existing file; nothing can be changed. */
  readOnly?: boolean;
  signal?: AbortSignal | undefined;
}

/** Rows of one DuckDB chunk. */
const CHUNK_ROWS = 2048;

export interface TableAppender {
  /** One array a column, all of one length: strings for TEXT, bigints for I64, null for NULL. */
  append(columns: readonly (readonly (string | bigint | null)[])[]): void;
  close(): void;
}

/** Element types of a streamed column. TEXT columns arrive as strings. */
export type ColumnType = "I32" | "I64" | "F32" | "F64" | "U8" | "TEXT";

interface ColumnArrays {
  I32: Int32Array;
  I64: BigInt64Array;
  F32: Float32Array;
  F64: Float64Array;
  U8: Uint8Array;
  TEXT: string[];
}

export interface ColumnBatch<T extends readonly ColumnType[]> {
  numRows: number;
  /** One array of `numRows` elements a column. An element that is NULL holds 0, NaN (floats) or "" (TEXT). */
  columns: { -readonly [K in keyof T]: ColumnArrays[T[K]] };
  /** For each column: 1 where the value is NULL; undefined when the batch has none. */
  nulls: (Uint8Array | undefined)[];
}

const SQL_TYPE: Record<ColumnType, string> = {
  I32: "INTEGER",
  I64: "BIGINT",
  F32: "FLOAT",
  F64: "DOUBLE",
  U8: "UTINYINT",
  TEXT: "VARCHAR",
};

/** `name` as an SQL identifier. Every name that comes from outside goes through here. */
export function quoteIdentifier(name: string): string {
  if (name.includes("\0")) throw invalidArgument(`a column name contains a NUL byte: ${JSON.stringify(name)}`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** `text` as an SQL string literal (standard quoting: DuckDB reads no backslash escapes in '...'). */
export function quoteLiteral(text: string): string {
  // A NUL would end the statement's text early.
  return text
    .split("\0")
    .map((part) => `'${part.replaceAll("'", "''")}'`)
    .join(" || chr(0) || ");
}

/** An absolute path as a pattern that matches only itself: DuckDB globs every path that it reads. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, (c) => `[${c}]`);
}

export class DuckDb {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #options: DuckDbOptions;
  readonly #onAbort: () => void;
  #closed = false;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, options: DuckDbOptions) {
    this.#instance = instance;
    this.#connection = connection;
    this.#options = options;
    this.#onAbort = () => {
      if (!this.#closed) this.#connection.interrupt();
    };
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /**
   * Opens a database and locks it: after this no statement can read another file, load an extension or change a
   * setting, whatever a hostile column name or file smuggles in.
   */
  static async open(options: DuckDbOptions): Promise<DuckDb> {
    throwIfAborted(options.signal);
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const tempDir = resolve(options.tempDir);
    let instance: DuckDBInstance | undefined;
    let connection: DuckDBConnection | undefined;
    try {
      instance = await DuckDBInstance.create(options.path, {
        threads: String(options.threads),
        memory_limit: `${options.memoryLimitMb}MiB`,
        temp_directory: `${tempDir}/spill`,
        preserve_insertion_order: String(options.preserveInsertionOrder ?? false),
        ...(options.readOnly ? { access_mode: "READ_ONLY" } : {}),
        autoinstall_known_extensions: "false",
        autoload_known_extensions: "false",
      });
      connection = await instance.connect();
      // The check sees the pattern first and the file that it matches afterwards.
      const list = (paths: readonly string[]) =>
        [...new Set(paths.flatMap((path) => [path, escapeGlob(path)]))].map(quoteLiteral).join(", ");
      const readable = options.readable ?? [];
      const settings = [
        "SET TimeZone = 'UTC'",
        "SET enable_progress_bar = true",
        "SET enable_progress_bar_print = false",
        // Closing is synchronous: it must not write. Whoever wants to keep a file calls checkpoint.
        "PRAGMA disable_checkpoint_on_shutdown",
        `SET allowed_directories = [${list([`${tempDir}/`])}]`,
        ...(readable.length > 0 ? [`SET allowed_paths = [${list(readable)}]`] : []),
        "SET enable_external_access = false",
        "SET lock_configuration = true",
      ];
      for (const setting of settings) await connection.run(setting);
      return new DuckDb(instance, connection, options);
    } catch (thrown) {
      connection?.closeSync();
      instance?.closeSync();
      throw translateDuckDbError(thrown, options);
    }
  }

  /** Runs a statement for its effect. Returns the number of rows that it inserted, deleted or changed. */
  async run(sql: string, values?: DuckDBValue[]): Promise<number> {
    throwIfAborted(this.#options.signal);
    try {
      return (await this.#connection.run(sql, values)).rowsChanged;
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  /** All rows of a small result. BIGINT and wider come as bigint. */
  async rows(sql: string, values?: DuckDBValue[]): Promise<Record<string, DuckDBValue>[]> {
    throwIfAborted(this.#options.signal);
    try {
      const reader = await this.#connection.runAndReadAll(sql, values);
      return reader.getRowObjects();
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  /** The only row of a result. */
  async row(sql: string, values?: DuckDBValue[]): Promise<Record<string, DuckDBValue>> {
    const rows = await this.rows(sql, values);
    if (rows.length !== 1) {
      throw new CouponcastError("ERR_COUPONCAST_INTERNAL", `expected one row, received ${rows.length}`);
    }
    return rows[0]!;
  }

  /** The only number of a one-row, one-column result; throws when it is no safe integer or is NULL. */
  async count(sql: string, values?: DuckDBValue[]): Promise<number> {
    const value = Object.values(await this.row(sql, values))[0];
    const number = Number(value ?? Number.NaN);
    if (!Number.isSafeInteger(number)) {
      throw new CouponcastError("ERR_COUPONCAST_INTERNAL", `expected a whole number, received ${String(value)}`);
    }
    return number;
  }

  /** Column names and SQL types of a query, without running it. */
  async describe(query: string): Promise<{ name: string; type: string }[]> {
    const rows = await this.rows(`DESCRIBE ${query}`);
    return rows.map((r) => ({ name: String(r.column_name), type: String(r.column_type) }));
  }

  /**
   * Streams the result of `sql` in batches of at most `batchRows` rows, in result order, without ever holding all of
   * it. Column i is cast to `types[i]`. Batches are fresh arrays that the caller may keep or transfer.
   *
   * Reads the chunk vectors' typed arrays, never row objects: those take about 50 times as long.
   */
  async *streamColumns<const T extends readonly ColumnType[]>(
    sql: string,
    types: T,
    batchRows = 65_536,
  ): AsyncGenerator<ColumnBatch<T>> {
    throwIfAborted(this.#options.signal);
    const casts = types.map((type, i) => `CAST(c${i} AS ${SQL_TYPE[type]})`);
    const names = types.map((_, i) => `c${i}`);
    try {
      const result = await this.#connection.stream(
        `SELECT ${casts.join(", ")} FROM (${sql}) AS streamed(${names.join(", ")})`,
      );
      let batch = new BatchBuilder(types, batchRows);
      for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
        if (chunk.rowCount === 0) break;
        throwIfAborted(this.#options.signal);
        if (batch.numRows + chunk.rowCount > batchRows && batch.numRows > 0) {
          yield batch.finish();
          batch = new BatchBuilder(types, Math.max(batchRows, chunk.rowCount));
        }
        batch.append(chunk);
      }
      if (batch.numRows > 0) yield batch.finish();
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  /** Opens a table for appending rows from outside. Close it before the table is read. */
  async openAppender(table: string, types: readonly ("TEXT" | "I64")[]): Promise<TableAppender> {
    throwIfAborted(this.#options.signal);
    const { BIGINT, DuckDBDataChunk, VARCHAR } = await import("@duckdb/node-api");
    const duckDbTypes = types.map((type) => (type === "I64" ? BIGINT : VARCHAR));
    try {
      const appender = await this.#connection.createAppender(table);
      const guarded = (work: () => void) => {
        throwIfAborted(this.#options.signal);
        try {
          work();
        } catch (thrown) {
          throw this.#translate(thrown);
        }
      };
      return {
        append: (columns) =>
          guarded(() => {
            const numRows = columns[0]?.length ?? 0;
            for (let begin = 0; begin < numRows; begin += CHUNK_ROWS) {
              const chunk = DuckDBDataChunk.create(duckDbTypes);
              chunk.setColumns(columns.map((column) => column.slice(begin, begin + CHUNK_ROWS)));
              appender.appendDataChunk(chunk);
            }
          }),
        close: () => guarded(() => appender.closeSync()),
      };
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  /** How far the running statement is, from 0 to 1; undefined when DuckDB does not know. */
  get progress(): number | undefined {
    if (this.#closed) return undefined;
    const { percentage } = this.#connection.progress;
    return percentage >= 0 ? percentage / 100 : undefined;
  }

  /** Writes everything to the database file, so that it can be closed and opened again quickly. */
  async checkpoint(): Promise<void> {
    await this.run("CHECKPOINT");
  }

  /** Closes the database without a checkpoint. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  #translate(thrown: unknown): CouponcastError {
    return translateDuckDbError(thrown, this.#options);
  }
}

/** Version of DuckDB, as 1.5.6. */
export async function duckDbVersion(): Promise<string> {
  const { version } = await import("@duckdb/node-api");
  return version().replace(/^v/, "");
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled", { cause: signal.reason });
  }
}

/** Gathers DuckDB's 2048-row chunks into larger batches. */
class BatchBuilder<T extends readonly ColumnType[]> {
  numRows = 0;
  readonly #types: T;
  readonly #columns: ColumnArrays[ColumnType][];
  readonly #nulls: (Uint8Array | undefined)[];
  readonly #capacity: number;

  constructor(types: T, capacity: number) {
    this.#types = types;
    this.#capacity = capacity;
    this.#columns = types.map((type) => newColumn(type, capacity));
    this.#nulls = types.map(() => undefined);
  }

  append(chunk: DuckDBDataChunk): void {
    const { rowCount } = chunk;
    for (let c = 0; c < this.#types.length; c++) {
      const vector = chunk.getColumnVector(c) as unknown as {
        items: Int32Array;
        validity: { itemValid(i: number): boolean };
        getItem(i: number): unknown;
      };
      const column = this.#columns[c]!;
      if (this.#types[c] === "TEXT") {
        const texts = column as string[];
        for (let i = 0; i < rowCount; i++) {
          const text = vector.getItem(i) as string | null;
          texts.push(text ?? "");
          if (text === null) this.#markNull(c, this.numRows + i);
        }
        continue;
      }
      const numbers = column as Int32Array;
      numbers.set(vector.items.subarray(0, rowCount), this.numRows);
      for (let i = 0; i < rowCount; i++) {
        if (!vector.validity.itemValid(i)) {
          // The slot of a NULL holds whatever was there before: overwrite it.
          const at = this.numRows + i;
          this.#markNull(c, at);
          clearSlot(column, at);
        }
      }
    }
    this.numRows += rowCount;
  }

  finish(): ColumnBatch<T> {
    const columns = this.#columns.map((column) =>
      Array.isArray(column) || this.numRows === this.#capacity ? column : column.slice(0, this.numRows),
    );
    return {
      numRows: this.numRows,
      columns: columns as ColumnBatch<T>["columns"],
      nulls: this.#nulls.map((n) => n?.slice(0, this.numRows)),
    };
  }

  #markNull(column: number, row: number): void {
    let nulls = this.#nulls[column];
    if (nulls === undefined) {
      nulls = new Uint8Array(this.#capacity);
      this.#nulls[column] = nulls;
    }
    nulls[row] = 1;
  }
}

function newColumn(type: ColumnType, length: number): ColumnArrays[ColumnType] {
  switch (type) {
    case "I32":
      return new Int32Array(length);
    case "I64":
      return new BigInt64Array(length);
    case "F32":
      return new Float32Array(length);
    case "F64":
      return new Float64Array(length);
    case "U8":
      return new Uint8Array(length);
    case "TEXT":
      return [];
  }
}

function clearSlot(column: ColumnArrays[ColumnType], at: number): void {
  if (column instanceof BigInt64Array) column[at] = 0n;
  else if (column instanceof Float32Array || column instanceof Float64Array) column[at] = Number.NaN;
  else (column as Int32Array)[at] = 0;
}
