/** Tables of users for `segment` and `assign`: an id and numbers, by ascending id; and the table with their segments. */
import { type DuckDb, escapeGlob, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";
import type { Scale } from "../profile/feature-scaling.js";
import { inferTextTypes } from "../source/load-table.js";
import { requireColumn } from "../source/source.js";
import { COPY_OPTIONS, guardedTextSql } from "../table/csv-guard.js";
import type { OutputFile } from "../table/output-file.js";
import type { InputTable } from "../table/read-table.js";
import { tableFormatOf } from "../table/table-format.js";
import { writeRows } from "../table/write-rows.js";

export interface FeatureTableOptions {
  id: string;
  features?: string[];
  active?: string;
  /** A column: how much a user counts. */
  weights?: string;
  scale: Scale;
  raw?: boolean;
}

const DEFAULT_ACTIVE = "num_events";
/** Row numbers are no feature; days since the last order are missing for all who never bought. */
export const NO_FEATURES = new Set(["row", "segment", "order_recency_days"]);

/** Makes the table `sorted`, by ascending bytes of the id: row, id, active, features f0 ... as numbers, v0 ... as they came; weight. */
export async function sortById(
  table: InputTable,
  options: FeatureTableOptions,
): Promise<{ names: string[]; numUsers: number }> {
  const { db, loaded } = table;
  if (table.numRows === 0) throw invalidArgument(`${loaded.label} has no rows`, { file: loaded.label });
  const id = await table.id(options.id, "--id");
  const active = options.active ?? (table.has(DEFAULT_ACTIVE) ? DEFAULT_ACTIVE : undefined);
  const names =
    options.features === undefined
      ? await allFeatures(table, [options.id, active, options.weights])
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
  if (options.weights !== undefined)
    columns.push(`${await table.number(options.weights, "--weights", { min: 0, required: true })} AS weight`);
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

async function allFeatures(table: InputTable, others: readonly (string | undefined)[]): Promise<string[]> {
  const numeric = (await table.numericColumns()).map(({ name }) => name);
  const names = numeric.filter((name) => !others.includes(name) && !NO_FEATURES.has(name));
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

/** Of `sorted`: float64 [numUsers * dims] as read, NaN where missing; and who is active. */
export async function readValues(
  { db }: InputTable,
  dims: number,
  numUsers: number,
): Promise<{ values: Float64Array; active: Uint8Array }> {
  const values = new Float64Array(numUsers * dims);
  const active = shared.u8(numUsers);
  const names = Array.from({ length: dims }, (_, f) => `f${f}`);
  let row = 0;
  const sql = `SELECT active, ${names.join(", ")} FROM sorted ORDER BY row`;
  for await (const { numRows, columns } of db.streamColumns(sql, ["U8", ...names.map(() => "F64" as const)])) {
    const [flags, ...features] = columns as unknown as [Uint8Array, ...Float64Array[]];
    for (let i = 0; i < numRows; i++, row++) {
      active[row] = flags[i]!;
      for (let f = 0; f < dims; f++) values[row * dims + f] = features[f]![i]!;
    }
  }
  return { values, active };
}

/** Of `sorted`: how much each user counts. */
export async function readWeights({ db }: InputTable, numUsers: number): Promise<Float32Array> {
  const weights = new Float32Array(numUsers);
  let row = 0;
  for await (const { numRows, columns } of db.streamColumns("SELECT weight FROM sorted ORDER BY row", ["F64"])) {
    weights.set(columns[0] as Float64Array, row);
    row += numRows;
  }
  return weights;
}

/** Writes id, segment and features of `sorted`; a label below 0 is no segment. `labelsPath` must be readable to `db`. */
export async function writeSegments(
  db: DuckDb,
  executor: Executor,
  labels: Int32Array,
  names: readonly string[],
  options: { id: string; raw?: boolean; labelsPath: string; output: OutputFile },
): Promise<void> {
  const { labelsPath, output } = options;
  await writeRows(executor, labelsPath, [labels]);
  const id = quoteIdentifier(options.id);
  const isCsv = tableFormatOf(output.path) === "csv" && !options.raw;
  const columns = names.map((name, f) => `s.v${f} AS ${quoteIdentifier(name)}`);
  await db.run(`COPY (
      SELECT ${isCsv ? guardedTextSql("s.id") : "s.id"} AS ${id}, CASE WHEN l.segment >= 0 THEN l.segment END AS segment, ${columns.join(", ")}
      FROM sorted s JOIN (
        SELECT row_number() OVER () - 1 AS row, segment
        FROM read_csv(${quoteLiteral(escapeGlob(labelsPath))}, header = false, auto_detect = false, delim = ',', parallel = false, columns = {'segment': 'INTEGER'})
      ) l ON l.row = s.row
      ORDER BY s.row
    ) TO ${quoteLiteral(output.path)} (${COPY_OPTIONS[tableFormatOf(output.path)]})`);
}
