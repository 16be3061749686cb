/** The work behind `profile`: tables of users joined by id, and what sets the users of each segment apart. */
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { Executor } from "../executor/executor.js";
import { type FeatureColumn, type FeatureDifference, segmentProfiles } from "../profile/segment-profiles.js";
import type { ResolvedSource } from "../source/source.js";
import { COPY_OPTIONS, guardedTextSql } from "../table/csv-guard.js";
import type { OutputFile } from "../table/output-file.js";
import { TableReader } from "../table/read-table.js";
import { tableFormatOf } from "../table/table-format.js";
import { TableWriter } from "../table/table-writer.js";
import { didYouMean } from "../util/nearest-name.js";
import type { Session } from "./command.js";

export interface ProfileOptions {
  id: string;
  by: string;
  raw?: boolean;
}

export interface ProfileTables {
  numUsers: number;
  numUnsegmented: number;
  /** By ascending value of the column. */
  segments: { segment: string; size: number; features: FeatureDifference[] }[];
}

/** Numbers that say who or where a user is, not how. */
const NO_FEATURES = new Set(["row", "segment"]);

interface JoinedColumn {
  name: string;
  isText: boolean;
  isNumber: boolean;
}

/** `users` gets the joined table, `output` the profiles of the segments. */
export async function profileTables(
  session: Session,
  sources: readonly ResolvedSource[],
  options: ProfileOptions,
  output: OutputFile,
  users: OutputFile | undefined,
): Promise<ProfileTables> {
  const executor = new Executor(session.run());
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const { scratch } = output;
  const reader = await TableReader.open(sources, {
    scratch,
    threads: executor.threads,
    signal: session.signal,
    readable: users === undefined ? [] : [users.path],
  });
  try {
    const { db } = reader;
    const columns = await joinTables(reader, sources, options);
    const by = columns.findIndex(({ name }) => name === options.by);
    if (by < 0) {
      const names = columns.map(({ name }) => name);
      throw invalidArgument(
        `expected a column of the tables for --by but received ${JSON.stringify(options.by)}${didYouMean(options.by, names)}`,
        { field: "--by", hint: "`couponcast segment` and `couponcast rfm` write tables with a column segment." },
      );
    }
    const labels = await labelsOf(db, by, columns[by]!);
    const features = columns.flatMap(({ name, isNumber }, c): FeatureColumn[] =>
      isNumber && c !== by && !NO_FEATURES.has(name) ? [[name, () => numbersOf(db, c, labels.labels.length)]] : [],
    );
    session.progress.update({ stage: "comparing", done: 0, total: undefined });
    const profiles = await segmentProfiles(features, labels.labels, labels.names.length);
    await writeProfiles(session, executor, labels.names, profiles, options, output);
    if (users !== undefined) await writeUsers(db, columns, options, users);
    return {
      numUsers: labels.labels.length,
      numUnsegmented: labels.labels.length - labels.sizes.reduce((sum, size) => sum + size, 0),
      segments: labels.names.map((segment, s) => ({ segment, size: labels.sizes[s]!, features: profiles[s]! })),
    };
  } finally {
    reader.close();
  }
}

/**
 * Makes the table `joined`, by ascending bytes of the id: row, id, for column c of the result v<c> as it came and, of
 * numbers, n<c> as DOUBLE. The users are those of the first table; a name that an earlier table has is not taken again.
 */
async function joinTables(
  reader: TableReader,
  sources: readonly ResolvedSource[],
  options: ProfileOptions,
): Promise<JoinedColumn[]> {
  const { db } = reader;
  const columns: JoinedColumn[] = [];
  const joins: string[] = [];
  for (const [t, source] of sources.entries()) {
    const table = await reader.load(source, `input${t}`);
    const id = await table.id(options.id, "--id");
    const numeric = new Set((await table.numericColumns()).map(({ name }) => name));
    const select = [`${id} AS id`];
    for (const { name, sql, type } of table.loaded.columns) {
      if (name === options.id || columns.some((column) => column.name === name)) continue;
      const c = columns.length;
      const isNumber = numeric.has(name);
      columns.push({ name, isText: type === "VARCHAR" && !isNumber, isNumber });
      const number = isNumber ? await table.number(name, "the table") : undefined;
      // CSV has numbers as text: they are written back as numbers.
      select.push(`${type === "VARCHAR" && number !== undefined ? number : sql} AS v${c}`);
      if (number !== undefined) select.push(`${number} AS n${c}`);
    }
    await db.run(`CREATE TABLE users${t} AS SELECT ${select.join(", ")} FROM ${table.table}`);
    const [twice] = await db.rows(`SELECT id FROM users${t} GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1`);
    if (twice !== undefined) {
      const shown = JSON.stringify(String(twice.id).slice(0, 60));
      throw invalidArgument(`${table.loaded.label}: expected one row a user but ${shown} has several`, {
        field: "--id",
      });
    }
    if (t > 0) joins.push(`LEFT JOIN users${t} ON users${t}.id = users0.id`);
  }
  const all = sources.map((_, t) => (t === 0 ? "users0.*" : `users${t}.* EXCLUDE (id)`));
  await db.run(
    `CREATE TABLE joined AS SELECT row_number() OVER (ORDER BY users0.id) - 1 AS row, ${all.join(", ")} FROM users0 ${joins.join(" ")}`,
  );
  return columns;
}

async function labelsOf(db: DuckDb, by: number, { isNumber }: JoinedColumn) {
  const value = isNumber ? `n${by}` : `v${by}`;
  await db.run(`CREATE TABLE groups AS SELECT row_number() OVER (ORDER BY value) - 1 AS label, value, size
    FROM (SELECT ${value} AS value, count(*) AS size FROM joined WHERE ${value} IS NOT NULL GROUP BY 1)`);
  const groups = await db.rows("SELECT value, size FROM groups ORDER BY label");
  if (groups.length === 0) throw invalidArgument("no user has a segment", { field: "--by" });
  const labels = new Int32Array(await db.count("SELECT count(*) FROM joined"));
  let row = 0;
  const sql = `SELECT coalesce(g.label, -1) FROM joined j LEFT JOIN groups g ON g.value = j.${value} ORDER BY j.row`;
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32"])) {
    labels.set(columns[0], row);
    row += numRows;
  }
  return {
    labels,
    names: groups.map((group) => String(group.value)),
    sizes: groups.map((group) => Number(group.size)),
  };
}

async function numbersOf(db: DuckDb, c: number, numUsers: number): Promise<Float64Array> {
  const values = new Float64Array(numUsers);
  let row = 0;
  for await (const { numRows, columns } of db.streamColumns(`SELECT n${c} FROM joined ORDER BY row`, ["F64"])) {
    values.set(columns[0], row);
    row += numRows;
  }
  return values;
}

async function writeProfiles(
  session: Session,
  executor: Executor,
  names: readonly string[],
  profiles: readonly FeatureDifference[][],
  { by, raw }: ProfileOptions,
  output: OutputFile,
): Promise<void> {
  const features = [...new Set(profiles.flat().map(({ feature }) => feature))];
  const writer = await TableWriter.open(output, { executor, signal: session.signal, raw });
  try {
    await writer.addIds("segments", [names]);
    await writer.addIds("features", [features]);
    for (const [s, profile] of [...profiles.entries(), [0, []] as const]) {
      const number = (pick: (row: FeatureDifference) => number | null) =>
        Float64Array.from(profile, (row) => pick(row) ?? Number.NaN);
      await writer.append([
        new Int32Array(profile.length).fill(s),
        Int32Array.from(profile, (_, i) => i + 1),
        Int32Array.from(profile, ({ feature }) => features.indexOf(feature)),
        Int32Array.from(profile, ({ numKnown }) => numKnown),
        number(({ mean }) => mean),
        number(({ restMean }) => restMean),
        number(({ difference }) => difference),
      ]);
    }
    await writer.finish(
      [
        { name: by, from: 0, ids: "segments" },
        { name: "rank", from: 1 },
        { name: "feature", from: 2, ids: "features" },
        { name: "num_known", from: 3 },
        { name: "mean", from: 4 },
        { name: "rest_mean", from: 5 },
        { name: "standardised_difference", from: 6 },
      ],
      [0, 1],
    );
  } finally {
    writer.close();
  }
}

async function writeUsers(
  db: DuckDb,
  columns: readonly JoinedColumn[],
  { id, raw }: ProfileOptions,
  output: OutputFile,
): Promise<void> {
  const format = tableFormatOf(output.path);
  const text = (sql: string) => (format === "csv" && !raw ? guardedTextSql(sql) : sql);
  const select = columns.map(
    ({ name, isText }, c) => `${isText ? text(`v${c}`) : `v${c}`} AS ${quoteIdentifier(name)}`,
  );
  await db.run(`COPY (SELECT ${[`${text("id")} AS ${quoteIdentifier(id)}`, ...select].join(", ")} FROM joined ORDER BY row)
    TO ${quoteLiteral(output.path)} (${COPY_OPTIONS[format]})`);
}
