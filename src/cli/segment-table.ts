/** The work behind `segment`: any table with an id and numbers, as points for K-means, and the table of the result. */
import { join } from "node:path";
import { escapeGlob, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { Executor, shared } from "../executor/executor.js";
import { applyScaling, type FeatureScaling, fitScaling, type Scale, transformed } from "../profile/feature-scaling.js";
import { findSegments, type SegmentFacts, type SegmentSettings } from "../profile/find-segments.js";
import { segmentModelOf, writeSegmentModel } from "../profile/segment-model.js";
import { inferTextTypes } from "../source/load-table.js";
import { type ResolvedSource, requireColumn } from "../source/source.js";
import { COPY_OPTIONS, guardedTextSql } from "../table/csv-guard.js";
import type { OutputFile } from "../table/output-file.js";
import { type InputTable, TableReader } from "../table/read-table.js";
import { tableFormatOf } from "../table/table-format.js";
import { writeRows } from "../table/write-rows.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";

export interface SegmentTableOptions extends SegmentSettings {
  id: string;
  features?: string[];
  active?: string;
  scale: Scale;
  raw?: boolean;
}

interface SegmentMeans {
  names: string[];
  /** [k][features] plain means; null where nobody of the segment has the feature. */
  means: (number | null)[][];
}

export type SegmentTableResult = SegmentFacts & SegmentMeans;

const DEFAULT_ACTIVE = "num_events";
/** Row numbers are no feature; days since the last order are missing for all who never bought. */
const NO_FEATURES = new Set(["row", "segment", "order_recency_days"]);

export async function segmentTable(
  session: Session,
  source: ResolvedSource,
  options: SegmentTableOptions,
  output: OutputFile,
  model: OutputFile | undefined,
): Promise<SegmentTableResult> {
  const executor = new Executor(session.run());
  const labelsPath = join(output.scratch, "labels.csv");
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const { scratch } = output;
  const { signal } = session;
  const reader = await TableReader.open([source], {
    scratch,
    threads: executor.threads,
    signal,
    readable: [labelsPath],
  });
  try {
    const table = await reader.load(source, "input");
    const { names, numUsers } = await sortById(table, options);
    const { points, values, hasEvents, scaling } = await readPoints(table, names, numUsers, options.scale);
    const features = { names, numUsers, dims: names.length, points, hasEvents, scaling };
    const segments = await findSegments(features, options, session.run());
    if (model !== undefined && segments.method === "kmeans")
      await writeSegmentModel(model.path, segmentModelOf(scaling, segments));
    const { labels, ...found } = segments;
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    await writeRows(executor, labelsPath, [labels]);
    const id = quoteIdentifier(options.id);
    const isCsv = tableFormatOf(output.path) === "csv" && !options.raw;
    const columns = names.map((name, f) => `s.v${f} AS ${quoteIdentifier(name)}`);
    await table.db.run(`COPY (
      SELECT ${isCsv ? guardedTextSql("s.id") : "s.id"} AS ${id}, CASE WHEN l.segment >= 0 THEN l.segment END AS segment, ${columns.join(", ")}
      FROM sorted s JOIN (
        SELECT row_number() OVER () - 1 AS row, segment
        FROM read_csv(${quoteLiteral(escapeGlob(labelsPath))}, header = false, auto_detect = false, delim = ',', parallel = false, columns = {'segment': 'INTEGER'})
      ) l ON l.row = s.row
      ORDER BY s.row
    ) TO ${quoteLiteral(output.path)} (${COPY_OPTIONS[tableFormatOf(output.path)]})`);
    return { ...found, names, means: await meansOf(values, labels, names.length, found.k) };
  } finally {
    reader.close();
  }
}

/** Makes the table `sorted`, by ascending bytes of the id: row, id, active, features f0 ... as numbers, v0 ... as they came. */
async function sortById(
  table: InputTable,
  options: SegmentTableOptions,
): Promise<{ names: string[]; numUsers: number }> {
  const { db, loaded } = table;
  if (table.numRows === 0) throw invalidArgument(`${loaded.label} has no rows`, { file: loaded.label });
  const id = await table.id(options.id, "--id");
  const active = options.active ?? (table.has(DEFAULT_ACTIVE) ? DEFAULT_ACTIVE : undefined);
  const names =
    options.features === undefined
      ? await allFeatures(table, options.id, active)
      : chosenFeatures(table, options.features);
  // ln(1 + x) of a negative number says nothing.
  const min = options.scale === "log" ? 0 : undefined;
  const columns: string[] = [];
  const inferred = await inferTextTypes(db, loaded);
  for (const [f, name] of names.entries()) {
    columns.push(`${await table.number(name, "--features", { min })} AS f${f}`);
    // Written back in its own type: 3 stays 3.
    const { sql, type } = requireColumn(loaded, name, "--features");
    columns.push(
      `${type === "VARCHAR" ? `TRY_CAST(trim(${sql}) AS ${inferred.get(sql) === "BIGINT" ? "BIGINT" : "DOUBLE"})` : sql} AS v${f}`,
    );
  }
  const isActive = active === undefined ? "true" : `coalesce(${await table.number(active, "--active")}, 0) <> 0`;
  await db.run(`CREATE TABLE sorted AS
    SELECT row_number() OVER (ORDER BY ${id}) - 1 AS row, ${id} AS id, CAST(${isActive} AS UTINYINT) AS active, ${columns.join(", ")}
    FROM ${table.table}`);
  const [twice] = await db.rows(
    "SELECT id, count(*) AS n FROM sorted GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1",
  );
  if (twice !== undefined) {
    throw invalidArgument(
      `${loaded.label}: expected one row a user but ${JSON.stringify(String(twice.id).slice(0, 60))} has ${twice.n}`,
      {
        file: loaded.label,
        field: "--id",
      },
    );
  }
  return { names, numUsers: table.numRows };
}

async function allFeatures(table: InputTable, id: string, active: string | undefined): Promise<string[]> {
  const numeric = (await table.numericColumns()).map(({ name }) => name);
  const names = numeric.filter((name) => name !== id && name !== active && !NO_FEATURES.has(name));
  if (names.length > 0) return names;
  throw invalidArgument(`${table.loaded.label} has no column of numbers besides the id`, {
    file: table.loaded.label,
    field: "--features",
    hint: "Name the columns with --features to see which of their values is no number.",
  });
}

/** The columns in the order that the user gave, each once. */
function chosenFeatures(table: InputTable, wanted: readonly string[]): string[] {
  const all = table.loaded.columns.map(({ name }) => name);
  const names = wanted.flatMap((name) => {
    if (!name.endsWith("*") || all.includes(name)) return [requireColumn(table.loaded, name, "--features").name];
    const found = all.filter((column) => column.startsWith(name.slice(0, -1)));
    if (found.length === 0) requireColumn(table.loaded, name, "--features");
    return found;
  });
  return [...new Set(names)];
}

interface Points {
  /** float32 [numUsers * dims] scaled. */
  points: Float32Array;
  /** float64 [numUsers * dims] as read, NaN where missing. */
  values: Float64Array;
  hasEvents: Uint8Array;
  scaling: FeatureScaling;
}

async function readPoints(
  table: InputTable,
  names: readonly string[],
  numUsers: number,
  scale: Scale,
): Promise<Points> {
  const dims = names.length;
  const values = new Float64Array(numUsers * dims);
  const points = shared.f32(numUsers * dims);
  const hasEvents = shared.u8(numUsers);
  const sql = `SELECT active, ${names.map((_, f) => `f${f}`).join(", ")} FROM sorted ORDER BY row`;
  let row = 0;
  for await (const { numRows, columns } of table.db.streamColumns(sql, ["U8", ...names.map(() => "F64" as const)])) {
    const [active, ...features] = columns as unknown as [Uint8Array, ...Float64Array[]];
    for (let i = 0; i < numRows; i++, row++) {
      hasEvents[row] = active[i]!;
      for (let f = 0; f < dims; f++) {
        const value = features[f]![i]!;
        values[row * dims + f] = value;
        points[row * dims + f] = transformed(scale, value);
      }
    }
  }
  const scaling = await fitScaling(scale, [...names], points, hasEvents);
  await applyScaling(scaling, points);
  return { points, values, hasEvents, scaling };
}

async function meansOf(
  values: Float64Array,
  labels: Int32Array,
  dims: number,
  k: number,
): Promise<(number | null)[][]> {
  const sums = new Float64Array(k * dims);
  const counts = new Float64Array(k * dims);
  await forEachYielding(labels.length, (user) => {
    const label = labels[user]!;
    if (label < 0) return;
    for (let f = 0; f < dims; f++) {
      const value = values[user * dims + f]!;
      if (Number.isNaN(value)) continue;
      sums[label * dims + f]! += value;
      counts[label * dims + f]!++;
    }
  });
  const mean = (at: number) => (counts[at]! > 0 ? sums[at]! / counts[at]! : null);
  return Array.from({ length: k }, (_, s) => Array.from({ length: dims }, (_, f) => mean(s * dims + f)));
}
