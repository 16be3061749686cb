import type { IngestOptions } from "../campaign/schema/ingest.js";
import type { EventsSource, ItemsSource, UsersSource } from "../campaign/schema/sources.js";
import type { BasketsBy } from "../store/baskets.js";
import type { MatrixShape } from "../store/matrix-writer.js";

export interface IngestProgress {
  stage: "read" | "clean" | "encode" | "aggregate" | "write";
  done: number;
  total: number | undefined;
}

export interface BasketsRequest {
  by: BasketsBy;
  /** Events of these behaviours count; by order only purchases can. */
  behaviours: readonly string[];
}

export interface IngestRequest {
  events: EventsSource[];
  users?: UsersSource | undefined;
  items?: ItemsSource | undefined;
  /** Weight of each behaviour, in the order of the feature columns; any other behaviour is rejected. */
  behaviours: Record<string, number>;
  purchaseBehaviour: string;
  options: IngestOptions;
  /** Also write INGEST_FILES.baskets. */
  baskets?: BasketsRequest | undefined;
  /** IANA zone of calendar days, and of times without an offset where a source names none. */
  timeZone: string;
  /** ISO 8601; without an offset it is wall clock in `timeZone`. Default: the latest accepted event. */
  asOf?: string | undefined;
  /** history: only events before each user dealt with his last new item; later: only those on such items at that moment. */
  lastOut?: "history" | "later" | undefined;
  /** Relative paths and globs start here. */
  baseDir: string;
  /** Existing folder that receives the stage's files. */
  outDir: string;
  threads: number;
  /** Minor units in one major unit of the currency (100 cents in a euro). */
  minorPerMajor?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: IngestProgress) => void) | undefined;
}

export interface IngestResult {
  /** ISO 8601 in UTC. */
  asOf: string;
  /** Rows of the events sources; rowsAccepted plus all of `rejected`. */
  rowsRead: number;
  rowsAccepted: number;
  /** Event rows left out, by reason, most frequent first. */
  rejected: Record<string, number>;
  /** Rows of the users and items sources that were left out, by reason. */
  rejectedUsers: Record<string, number>;
  rejectedItems: Record<string, number>;
  numUsers: number;
  numItems: number;
  nnz: number;
  /** First and last accepted event, ISO 8601 in UTC. */
  firstEvent: string;
  lastEvent: string;
  /** Accepted events of each behaviour, in the campaign's order. */
  eventsByBehaviour: Record<string, number>;
  inputs: { path: string; bytes: number; xxh3?: string }[];
  /** What a person should know but nothing was rejected for. */
  warnings: string[];
}

/** What ingest needs of the matrix writer; tests pass their own. */
export interface CellSink {
  appendUserIds(ids: readonly string[]): Promise<void>;
  appendItemIds(ids: readonly string[]): Promise<void>;
  appendCells(rows: Int32Array, cols: Int32Array, values: Float32Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export type CreateCellSink = (path: string, shape: MatrixShape, metadata: Record<string, string>) => CellSink;

/** Files of the stage, in `outDir`. */
export const INGEST_FILES = {
  matrix: "matrix.safetensors",
  rejected: "rejected.parquet",
  users: "users.parquet",
  features: "features.parquet",
  items: "items.parquet",
  sequences: "sequences.safetensors",
  journal: "journal.safetensors",
  /** Only when asked for. */
  baskets: "baskets.safetensors",
  summary: "ingest.json",
} as const;
