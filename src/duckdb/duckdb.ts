/**
 * DuckDB behind a small, locked-down interface: the reader, cleaner and sorter of ingest (design.md, section 4).
 * `@duckdb/node-api` is imported on the first `open`, so a service that only computes never loads it.
 */
import { resolve } from "node:path";
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { CouponcastError, invalidArgument } from "../errors.js";
import { BatchBuilder, type ColumnBatch, type ColumnType, SQL_TYPE } from "./column-batch.js";
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
