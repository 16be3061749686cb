/** Stage profiles: all that is known of each user in one table, and for each segment what sets it apart. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { shared } from "../executor/executor.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { RFM_COLUMNS, rfmSql } from "../profile/rfm.js";
import { type SegmentMap, segmentMap } from "../profile/segment-map.js";
import { type FeatureColumn, type FeatureDifference, segmentProfiles } from "../profile/segment-profiles.js";
import { topCategories } from "../profile/top-categories.js";
import { writeRows } from "../table/write-rows.js";
import { forEachYielding } from "../util/yield.js";
import { openStageDb, type RunContext } from "./context.js";
import { type IngestStage, loadSegments, type SegmentStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";
import { loadNext, type StatesStage } from "./states-stage.js";

export type ProfileTableStage = FinishedStage<{
  rows: number;
  /** Of each segment the features that set it apart, most first. */
  profiles: FeatureDifference[][];
  map?: SegmentMap | undefined;
}>;

export const PROFILE_FILES = { users: "profiles.parquet", segments: "segment_profiles.parquet" } as const;

const TOP_CATEGORIES = 3;

export function profileTableStage(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  states: StatesStage,
): Promise<ProfileTableStage> {
  const { rfm } = context.loaded.campaign.segments;
  const reads = { ingest: ingested.key, segment: segmented.key, states: states.key };
  return context.stages.run("profiles", reads, { rfm }, async (dir) => {
    const features = join(ingested.dir, INGEST_FILES.features);
    const items = join(ingested.dir, INGEST_FILES.items);
    // One thread: the order of rows, and so the bytes, are the same each time.
    const db = await openStageDb(context, dir, [features, items], 1);
    try {
      const { labels, features: scaled } = await loadSegments(context, segmented);
      await createAdded(context, db, dir, ingested, states, items, labels);
      const { recency, frequency, monetary } = RFM_COLUMNS;
      const scored = rfmSql(
        { from: `read_parquet(${quoteLiteral(features)})`, recencyDays: recency, frequency, monetary },
        rfm,
      );
      const users = join(dir, PROFILE_FILES.users);
      await db.run(`COPY (
        SELECT f.user_id, a.segment, f.* EXCLUDE (row, user_id), a.* EXCLUDE (row, segment)
        FROM (${scored}) f JOIN added a ON f.row = a.row ORDER BY f.row
      ) TO ${quoteLiteral(users)} (FORMAT parquet, COMPRESSION zstd)`);
      const profiles = await segmentProfiles(await numericColumns(db, users), labels, segmented.result.k);
      await writeSegmentProfiles(context, db, dir, profiles);
      const map = await segmentMap(scaled.names, scaled.points, labels, scaled.hasEvents);
      return { rows: labels.length, profiles, map };
    } finally {
      db.close();
      await rm(join(dir, "spill"), { recursive: true, force: true });
    }
  });
}

/** The table `added`: row, segment, next_<behaviour> and, where items have categories, top_category_<n>. */
async function createAdded(
  context: RunContext,
  db: DuckDb,
  dir: string,
  ingested: IngestStage,
  states: StatesStage,
  items: string,
  labels: Int32Array,
): Promise<void> {
  const behaviours = Object.keys(context.loaded.campaign.behaviours);
  const n = behaviours.length;
  const next = await loadNext(context, states);
  const chances = behaviours.map(() => shared.f32(labels.length));
  await forEachYielding(labels.length, (user) => {
    for (let b = 0; b < n; b++) chances[b]![user] = next[user * n + b]!;
  });
  const from = `read_parquet(${quoteLiteral(items)})`;
  await db.run(`CREATE TABLE categories AS SELECT row_number() OVER (ORDER BY category) - 1 AS code, category
    FROM (SELECT DISTINCT category FROM ${from} WHERE category IS NOT NULL)`);
  const hasCategories = (await db.count("SELECT count(*) FROM categories")) > 0;
  const tops = hasCategories ? await topColumns(context, db, ingested, from) : [];
  const csv = join(dir, "added.csv");
  await writeRows(context.executor, csv, [labels, ...chances, ...tops]);
  const columns = [
    "'segment': 'INTEGER'",
    ...behaviours.map((_, b) => `'n${b}': 'FLOAT'`),
    ...tops.map((_, t) => `'t${t}': 'INTEGER'`),
  ];
  const select = [
    "row_number() OVER () - 1 AS row",
    "CASE WHEN segment >= 0 THEN segment END AS segment",
    ...behaviours.map((name, b) => `n${b} AS ${quoteIdentifier(`next_${name}`)}`),
    ...tops.map((_, t) => `(SELECT category FROM categories WHERE code = t${t}) AS top_category_${t + 1}`),
  ];
  await db.run(`CREATE TABLE added AS SELECT ${select.join(", ")}
    FROM read_csv(${quoteLiteral(csv)}, header = false, parallel = false, columns = {${columns.join(", ")}})`);
  await rm(csv);
}

async function topColumns(context: RunContext, db: DuckDb, ingested: IngestStage, from: string): Promise<Int32Array[]> {
  const { numItems, numUsers } = ingested.result;
  const codes = new Int32Array(numItems).fill(-1);
  let row = 0;
  const sql = `SELECT coalesce(c.code, -1) FROM ${from} i LEFT JOIN categories c ON c.category = i.category ORDER BY i.row`;
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32"])) {
    codes.set(columns[0], row);
    row += numRows;
  }
  const matrix = join(ingested.dir, INGEST_FILES.matrix);
  const top = await topCategories(context.executor, matrix, codes, TOP_CATEGORIES);
  const columns = Array.from({ length: TOP_CATEGORIES }, () => shared.i32(numUsers));
  await forEachYielding(numUsers, (user) => {
    for (const [t, column] of columns.entries()) column[user] = top[user * TOP_CATEGORIES + t]!;
  });
  return columns;
}

/** Every column of numbers but the segment, read when it is asked for. */
async function numericColumns(db: DuckDb, path: string): Promise<FeatureColumn[]> {
  const from = `read_parquet(${quoteLiteral(path)})`;
  const numRows = await db.count(`SELECT count(*) FROM ${from}`);
  const columns = await db.describe(`SELECT * FROM ${from}`);
  return columns
    .filter(({ name, type }) => type !== "VARCHAR" && name !== "segment")
    .map(
      ({ name }): FeatureColumn => [
        name,
        async () => {
          const values = new Float64Array(numRows);
          let at = 0;
          // Without ORDER BY: one thread reads the file in its own order.
          for await (const batch of db.streamColumns(`SELECT ${quoteIdentifier(name)} FROM ${from}`, ["F64"])) {
            values.set(batch.columns[0], at);
            at += batch.numRows;
          }
          return values;
        },
      ],
    );
}

async function writeSegmentProfiles(
  context: RunContext,
  db: DuckDb,
  dir: string,
  profiles: readonly FeatureDifference[][],
): Promise<void> {
  const rows = profiles.flatMap((profile, segment) => profile.map((row, i) => ({ ...row, segment, rank: i + 1 })));
  const features = [...new Set(rows.map(({ feature }) => feature))].sort();
  const number = (pick: (row: (typeof rows)[number]) => number | null) =>
    Float64Array.from(rows, (row) => pick(row) ?? Number.NaN);
  const csv = join(dir, "segment_profiles.csv");
  await writeRows(context.executor, csv, [
    Int32Array.from(rows, ({ segment }) => segment),
    Int32Array.from(rows, ({ rank }) => rank),
    Int32Array.from(rows, ({ feature }) => features.indexOf(feature)),
    number(({ numKnown }) => numKnown),
    number(({ mean }) => mean),
    number(({ restMean }) => restMean),
    number(({ difference }) => difference),
  ]);
  const names = features.map((name, i) => `WHEN ${i} THEN ${quoteLiteral(name)}`);
  const columns = "'segment': 'INTEGER', 'rank': 'INTEGER', 'feature': 'INTEGER', 'known': 'DOUBLE'";
  await db.run(`COPY (
    SELECT segment, rank, ${names.length > 0 ? `CASE feature ${names.join(" ")} END` : "CAST(NULL AS VARCHAR)"} AS feature,
      CAST(known AS BIGINT) AS num_known, nullif(mean, 'nan'::DOUBLE) AS mean,
      nullif(rest_mean, 'nan'::DOUBLE) AS rest_mean, nullif(difference, 'nan'::DOUBLE) AS standardised_difference
    FROM read_csv(${quoteLiteral(csv)}, header = false, parallel = false, auto_detect = false, delim = ',',
      columns = {${columns}, 'mean': 'DOUBLE', 'rest_mean': 'DOUBLE', 'difference': 'DOUBLE'})
    ORDER BY segment, rank
  ) TO ${quoteLiteral(join(dir, PROFILE_FILES.segments))} (FORMAT parquet, COMPRESSION zstd)`);
  await rm(csv);
}
