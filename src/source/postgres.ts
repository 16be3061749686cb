/**
 * Rows of a Postgres query, by a cursor, in bounded memory. `pg` and `pg-cursor` are imported on first use. The
 * connection string comes from the named environment variable only and appears in no message.
 */

import { throwIfAborted } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";

export interface PostgresQuery {
  connectionEnv: string;
  query: string;
}

/** Rows of one cursor read: a few MB at common row sizes. */
const BATCH_ROWS = 10_000;
const CONNECT_TIMEOUT_MS = 15_000;

export interface PostgresBatch {
  names: string[];
  /** columns[c][r]: the value's text as Postgres prints it, null for NULL. */
  columns: (string | null)[][];
  numRows: number;
}

/**
 * Runs the query in a read-only transaction in UTC with ISO dates, and yields its rows as text. The first batch is
 * given even when it has no rows, because it carries the column names.
 */
export async function* streamPostgres(source: PostgresQuery, signal?: AbortSignal): AsyncGenerator<PostgresBatch> {
  throwIfAborted(signal);
  const connectionString = process.env[source.connectionEnv];
  if (connectionString === undefined || connectionString === "") {
    throw invalidArgument(`expected a Postgres connection string in the environment variable ${source.connectionEnv}`, {
      field: "postgres.connectionEnv",
      hint: `export ${source.connectionEnv}=postgres://user:password@host/database`,
    });
  }
  const [{ default: pg }, { default: Cursor }] = await Promise.all([import("pg"), import("pg-cursor")]);
  let client: InstanceType<typeof pg.Client>;
  try {
    client = new pg.Client({
      connectionString,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: "couponcast",
      // Every value stays the text that the server sent: no precision is lost, no date is reinterpreted.
      types: { getTypeParser: () => (value: unknown) => value } as never,
    });
  } catch {
    // The parser's message may quote the string.
    throw invalidArgument(`the connection string in ${source.connectionEnv} is malformed`, {
      field: "postgres.connectionEnv",
      hint: "expected postgres://user:password@host:port/database",
    });
  }
  // A lost connection is reported by the read in progress; without a listener it would end the process.
  client.on("error", () => {});
  const onAbort = () => void client.end().catch(() => {});
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await client.connect();
    await client.query("BEGIN READ ONLY");
    await client.query("SET LOCAL TimeZone = 'UTC'");
    await client.query("SET LOCAL DateStyle = 'ISO, YMD'");
    const cursor = client.query(new Cursor<(string | null)[]>(source.query, [], { rowMode: "array" }));
    for (let first = true; ; first = false) {
      const { rows, names } = await readCursor(cursor);
      if (rows.length > 0 || first) {
        yield { names, numRows: rows.length, columns: names.map((_, c) => rows.map((row) => row[c] ?? null)) };
      }
      if (rows.length < BATCH_ROWS) break;
      throwIfAborted(signal);
    }
    await cursor.close();
    await client.query("ROLLBACK");
  } catch (thrown) {
    throwIfAborted(signal);
    throw translatePostgresError(thrown, source);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await client.end().catch(() => {});
  }
}

interface RawCursor {
  read(
    n: number,
    done: (error: Error | undefined, rows: (string | null)[][], result: { fields: { name: string }[] }) => void,
  ): void;
}

function readCursor(cursor: unknown): Promise<{ rows: (string | null)[][]; names: string[] }> {
  return new Promise((resolve, reject) => {
    (cursor as RawCursor).read(BATCH_ROWS, (error, rows, result) => {
      if (error) reject(error);
      else resolve({ rows, names: result.fields.map((f) => f.name) });
    });
  });
}

/** Messages of the server about the query are shown; what the driver says about the connection is not. */
function translatePostgresError(thrown: unknown, source: PostgresQuery): CouponcastError {
  if (thrown instanceof CouponcastError) return thrown;
  const error = thrown as { severity?: string; code?: string; message?: string; position?: string };
  const isAboutQuery = error.severity !== undefined && !/^(08|28|3D)/.test(error.code ?? "");
  if (isAboutQuery) {
    const at = error.position === undefined ? "" : ` at character ${error.position}`;
    return invalidArgument(`Postgres refused the query${at}: ${error.message} (SQLSTATE ${error.code})`, {
      field: "postgres.query",
    });
  }
  return new CouponcastError(
    "ERR_COUPONCAST_IO",
    `cannot read from the Postgres server that ${source.connectionEnv} names (${error.code ?? "connection lost"})`,
    { field: "postgres.connectionEnv", hint: "check that the server is reachable and that the login is right" },
  );
}
