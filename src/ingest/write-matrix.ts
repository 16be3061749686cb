/** Streams ids and cells from the database into the matrix file. */
import type { IngestOptions } from "../campaign/schema/ingest.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import { orderedCellsSql } from "./features-sql.js";
import type { CellSink, CreateCellSink } from "./ingest-types.js";
import { type CellBatch, type CellStatistics, normaliseRows, RunningMoments } from "./normalise.js";

export interface UserRange {
  begin: number;
  end: number;
}

export interface MatrixRequest {
  path: string;
  ranges: readonly UserRange[];
  normalise: IngestOptions["normalise"];
  metadata: Record<string, string>;
  createSink: CreateCellSink;
  onCells: (done: number, total: number) => void;
}

export async function writeMatrix(db: DuckDb, request: MatrixRequest): Promise<{ nnz: number }> {
  const { ranges, normalise, onCells } = request;
  const cells = await db.row("SELECT count(*) AS nnz, coalesce(max(value), 0) AS max FROM cells WHERE value <> 0");
  const nnz = Number(cells.nnz);
  const statistics: CellStatistics = { max: Number(cells.max), mean: 0, deviation: 0 };
  if (normalise === "z-score") {
    const moments = new RunningMoments();
    for await (const { values } of orderedCells(db, ranges)) moments.push(values);
    statistics.mean = moments.mean;
    statistics.deviation = moments.deviation;
  }
  const shape = {
    numUsers: await axisLength(db, "user_rows"),
    numItems: await axisLength(db, "item_rows"),
    nnz,
    userIdBytes: await db.count("SELECT coalesce(sum(strlen(user_id)), 0) FROM user_rows"),
    itemIdBytes: await db.count("SELECT coalesce(sum(strlen(item_id)), 0) FROM item_rows"),
  };
  const sink: CellSink = request.createSink(request.path, shape, request.metadata);
  try {
    for await (const { columns } of db.streamColumns("SELECT user_id FROM user_rows ORDER BY row", ["TEXT"], 16_384)) {
      await sink.appendUserIds(columns[0]);
    }
    for await (const { columns } of db.streamColumns("SELECT item_id FROM item_rows ORDER BY row", ["TEXT"], 16_384)) {
      await sink.appendItemIds(columns[0]);
    }
    let done = 0;
    for await (const { rows, cols, values } of normaliseRows(orderedCells(db, ranges), normalise, statistics)) {
      await sink.appendCells(rows, cols, values);
      done += rows.length;
      onCells(done, nnz);
    }
    await sink.commit();
  } catch (thrown) {
    await sink.abort();
    throw thrown;
  }
  return { nnz };
}

async function* orderedCells(db: DuckDb, ranges: readonly UserRange[]): AsyncGenerator<CellBatch> {
  for (const range of ranges) {
    for await (const { columns } of db.streamColumns(orderedCellsSql(range), ["I32", "I32", "F64"])) {
      yield { rows: columns[0], cols: columns[1], values: columns[2] };
    }
  }
}

async function axisLength(db: DuckDb, table: "user_rows" | "item_rows"): Promise<number> {
  const n = await db.count(`SELECT count(*) FROM ${table}`);
  if (n > 2 ** 31 - 2) {
    throw new CouponcastError("ERR_COUPONCAST_OUT_OF_RANGE", `expected at most 2147483646 users or items, found ${n}`);
  }
  return n;
}
