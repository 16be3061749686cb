import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RFM_CUT_RULES } from "../campaign/rfm-rules.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { checkRunOptions, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import { findTable, TableReader } from "../table/read-table.js";
import { oneOf, pathOf, textOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { RFM_COLUMNS, RFM_SEGMENTS, type RfmRules, rfmSql } from "./rfm.js";

/** What the means of any number of users can be made of. */
const MOST = 1e15;

/** Names of the table's columns. */
export interface RfmTableOptions extends RfmRules {
  id: string;
  recency: string;
  frequency: string;
  monetary: string;
}

export interface RfmSummary {
  numUsers: number;
  /** Users without orders, who have no scores. */
  numUnsegmented: number;
  /** Largest first, of equal sizes in the order of RFM_SEGMENTS; the position is the number of the segment. */
  segments: { name: string; size: number; meanRecencyDays: number; meanFrequency: number; meanMonetary: number }[];
}

/**
 * Makes the table `scored` of a table of users: position (by ascending bytes of the id), id, recency_days, frequency,
 * monetary, the columns of rfmSql, and segment (NULL without orders). Errors: ERR_COUPONCAST_INVALID_ARGUMENT.
 */
export async function scoreRfm(
  reader: TableReader,
  source: ResolvedSource,
  options: RfmTableOptions,
): Promise<RfmSummary> {
  const { db } = reader;
  const table = await reader.load(source, "input");
  const id = await table.id(options.id, "--id");
  const range = { min: 0, max: MOST };
  const recency = await table.number(options.recency, "--recency", range);
  const frequency = await table.number(options.frequency, "--frequency", range);
  const monetary = await table.number(options.monetary, "--monetary", range);
  await db.run(`CREATE TABLE customers AS SELECT ${id} AS id, ${recency} AS recency_days, ${frequency} AS frequency,
    ${monetary} AS monetary FROM ${table.table}`);
  const [twice] = await db.rows("SELECT id FROM customers GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1");
  if (twice !== undefined) {
    const shown = JSON.stringify(String(twice.id).slice(0, 60));
    throw invalidArgument(`${table.loaded.label}: expected one row a user but ${shown} has several`, { field: "--id" });
  }
  const scores = rfmSql(
    { from: "customers", recencyDays: "recency_days", frequency: "frequency", monetary: "monetary" },
    options,
  );
  await db.run(`CREATE TABLE unnumbered AS ${scores}`);
  const segments = await segmentsOf(db);
  const numbers = segments.map(({ name }, s) => `WHEN '${name}' THEN ${s}`).join(" ");
  await db.run(`CREATE TABLE scored AS
    SELECT row_number() OVER (ORDER BY id) - 1 AS position, *,
      ${numbers === "" ? "CAST(NULL AS INTEGER)" : `CASE rfm_segment ${numbers} END`} AS segment
    FROM unnumbered`);
  const numUsers = table.numRows;
  return { numUsers, numUnsegmented: numUsers - segments.reduce((sum, { size }) => sum + size, 0), segments };
}

async function segmentsOf(db: DuckDb): Promise<RfmSummary["segments"]> {
  // Means of decimals: sums of doubles would depend on the order in which threads add them.
  const mean = (column: string) => `CAST(sum(CAST(${column} AS DECIMAL(38, 6))) AS DOUBLE) / count(*)`;
  const rows = await db.rows(`SELECT rfm_segment AS name, count(*) AS n, ${mean("recency_days")} AS r,
    ${mean("frequency")} AS f, ${mean("coalesce(monetary, 0)")} AS m FROM unnumbered WHERE rfm_segment IS NOT NULL GROUP BY 1`);
  const place = (name: string) => RFM_SEGMENTS.findIndex((rule) => rule.name === name);
  return rows
    .map((row) => ({
      name: String(row.name),
      size: Number(row.n),
      meanRecencyDays: Number(row.r),
      meanFrequency: Number(row.f),
      meanMonetary: Number(row.m),
    }))
    .sort((a, b) => b.size - a.size || place(a.name) - place(b.name));
}

export interface Rfm extends RfmSummary {
  /** [numUsers] by ascending bytes. */
  userIds: string[];
  /** [numUsers] number of the segment, -1 without orders. */
  labels: Int32Array;
  /** [numUsers] 1 to 5, 0 without orders. */
  recencyScores: Uint8Array;
  frequencyScores: Uint8Array;
  monetaryScores: Uint8Array;
}

const RFM_OPTIONS = {
  ...RUN_OPTIONS,
  cut: true,
  cuts: true,
  id: true,
  recency: true,
  frequency: true,
  monetary: true,
};

/**
 * Scores and segments of the users of a table (CSV, JSONL or Parquet; the columns of features.parquet unless others are
 * named): see rfmSql. The same for any order of the rows and any number of threads. Cost: three sorts in DuckDB.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no column, no number, cuts), _IO, _CORRUPT_FILE, _CANCELLED.
 */
export async function rfm(path: string, options: Partial<RfmTableOptions> & RunOptions = {}): Promise<Rfm> {
  knownOptions("rfm", options, RFM_OPTIONS);
  const threads = checkRunOptions(options);
  const column = (name: keyof typeof RFM_COLUMNS) => textOf(name, options[name] ?? RFM_COLUMNS[name]);
  const rules = {
    cut: oneOf("cut", options.cut ?? "quantile", RFM_CUT_RULES),
    cuts: options.cuts,
    id: column("id"),
    recency: column("recency"),
    frequency: column("frequency"),
    monetary: column("monetary"),
  };
  const source = await findTable(pathOf(path), "input");
  const scratch = await mkdtemp(join(tmpdir(), "couponcast-rfm-"));
  try {
    const { signal } = options;
    const reader = await TableReader.open([source], { scratch, threads, signal });
    try {
      const summary = await scoreRfm(reader, source, rules);
      const { numUsers } = summary;
      const found: Rfm = {
        ...summary,
        userIds: [],
        labels: new Int32Array(numUsers),
        recencyScores: new Uint8Array(numUsers),
        frequencyScores: new Uint8Array(numUsers),
        monetaryScores: new Uint8Array(numUsers),
      };
      const sql = `SELECT id, coalesce(segment, -1), coalesce(recency_score, 0), coalesce(frequency_score, 0),
        coalesce(monetary_score, 0) FROM scored ORDER BY position`;
      for await (const { columns } of reader.db.streamColumns(sql, ["TEXT", "I32", "U8", "U8", "U8"])) {
        const at = found.userIds.length;
        found.labels.set(columns[1], at);
        found.recencyScores.set(columns[2], at);
        found.frequencyScores.set(columns[3], at);
        found.monetaryScores.set(columns[4], at);
        for (const id of columns[0]) found.userIds.push(id);
      }
      return found;
    } finally {
      reader.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
