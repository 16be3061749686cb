import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";

/** Far more than tables for people have: what DuckDB takes for a table grows with the square of its columns. */
const MAX_COLUMNS = 10_000;

/** One column of a relation: its name as people know it, and how SQL calls it. */
export interface SourceColumn {
  name: string;
  sql: string;
  type: string;
}

/** Rows that a query can read, of one file or one Postgres query. */
export interface Relation {
  /** Goes after FROM. */
  from: string;
  columns: SourceColumn[];
  /** SQL: the row as JSON text, for rejected.parquet. */
  rawJson: string;
  /** SQL: BIGINT number of the row in its file, or NULL where the reader does not know it. */
  rowNumber: string;
  /** SQL: whether the row could not be taken apart. */
  malformed: string;
  label: string;
}

export interface ReadContext {
  db: DuckDb;
  /** Scratch folder that the database may read; emptied by the caller. */
  tempDir: string;
  memoryLimitMb: number;
  signal?: AbortSignal | undefined;
}

/** Inserts the rows of a relation somewhere and returns how many. May be called again after a rollback. */
export type Consume = (relation: Relation) => Promise<number>;

/** The whole row as a JSON object of texts, in column order. */
export function rawJsonSql(columns: readonly SourceColumn[]): string {
  const pairs = columns.map((c) => `${quoteLiteral(c.name)}, CAST(${c.sql} AS VARCHAR)`);
  return `CAST(json_object(${pairs.join(", ")}) AS VARCHAR)`;
}

/** Errors: INVALID_ARGUMENT for a table so wide that reading it would take minutes. */
export function checkColumnCount(count: number, label: string): void {
  if (count <= MAX_COLUMNS) return;
  throw invalidArgument(`${label}: expected at most ${MAX_COLUMNS} columns but received ${count}`, {
    file: label,
    hint: "export only the columns that are needed",
  });
}
