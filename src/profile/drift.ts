/** How two populations of users differ: the shares of their segments, and each feature by quantile bins of the old one. */
import type { DuckDb } from "../duckdb/duckdb.js";
import { type RunOptions, shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import { applyScaling, fitScaling, type Scale, transformed } from "./feature-scaling.js";
import { kmeansPredict } from "./kmeans-predict.js";
import { populationStability, type Stability } from "./stability.js";

const BINS = 10;

export interface FeatureDrift extends Stability {
  name: string;
  oldMedian: number | null;
  newMedian: number | null;
  /** Users up to `upTo` and above the bin before; null: of the highest bin, no limit. */
  bins: { upTo: number | null; old: number; new: number }[];
  missing: { old: number; new: number };
}

interface SegmentDrift extends Stability {
  /** Users of each segment; null: in none. */
  shares: { segment: string | null; old: number; new: number }[];
}

export interface Drift {
  numOld: number;
  numNew: number;
  /** null when the old users have no segments. */
  segments: SegmentDrift | null;
  features: FeatureDrift[];
}

export interface DriftOptions extends RunOptions {
  /** Columns of both tables, as the result names them. */
  names: readonly string[];
  scale: Scale;
  /** Both tables' segments are those of one model: compared as they are. Otherwise users belong to the nearest old one. */
  sameSegments: boolean;
}

/**
 * Compares the tables `old_users` and `new_users` of `db`, each with at least one row and: row BIGINT, 0 to rows - 1;
 * segment TEXT, NULL for users in none; f0, f1, ... DOUBLE, NULL where missing, one for each of `names`.
 *
 * Segments that were found anew have other numbers and borders, so that their shares say nothing by themselves. Unless
 * `sameSegments`, a user of either table who is in a segment is counted in the old segment whose mean is nearest, features
 * scaled as the old users' are (ties: the segment that sorts first). A feature's bins are the tenths of its old values, equal limits
 * merged; missing values are a bin of their own. Memory: 12 bytes a user and feature.
 */
export async function driftOf(db: DuckDb, options: DriftOptions): Promise<Drift> {
  const numOld = await db.count("SELECT count(*) AS n FROM old_users");
  const numNew = await db.count("SELECT count(*) AS n FROM new_users");
  const features: FeatureDrift[] = [];
  for (const [f, name] of options.names.entries()) features.push(await featureDrift(db, name, `f${f}`));
  return { numOld, numNew, segments: await segmentDrift(db, options), features };
}

async function featureDrift(db: DuckDb, name: string, column: string): Promise<FeatureDrift> {
  const tenths = Array.from({ length: BINS - 1 }, (_, i) => (i + 1) / BINS);
  const limits = await quantiles(db, "old_users", column, tenths);
  const edges = limits.filter((limit, i) => limit !== limits[i - 1]);
  const bin = `CASE WHEN ${column} IS NULL THEN -1 ELSE ${["0", ...edges.map((edge) => `(${column} > ${edge}::DOUBLE)::INTEGER`)].join(" + ")} END`;
  const counts = { old: new Array<number>(edges.length + 1).fill(0), new: new Array<number>(edges.length + 1).fill(0) };
  const missing = { old: 0, new: 0 };
  for (const side of ["old", "new"] as const) {
    for (const row of await db.rows(`SELECT ${bin} AS bin, count(*) AS n FROM ${side}_users GROUP BY bin`)) {
      if (Number(row.bin) < 0) missing[side] = Number(row.n);
      else counts[side][Number(row.bin)] = Number(row.n);
    }
  }
  const [oldMedian = null] = await quantiles(db, "old_users", column, [0.5]);
  const [newMedian = null] = await quantiles(db, "new_users", column, [0.5]);
  const bins = counts.old.map((old, b) => ({ upTo: edges[b] ?? null, old, new: counts.new[b]! }));
  const stability = populationStability([...counts.old, missing.old], [...counts.new, missing.new]);
  return { name, ...stability, oldMedian, newMedian, bins, missing };
}

/** Values of the column at those ranks; none when it has no values. Exact, whatever the order of the rows. */
async function quantiles(db: DuckDb, table: string, column: string, ranks: readonly number[]): Promise<number[]> {
  const rows = await db.rows(
    `SELECT unnest(list) AS q FROM (SELECT quantile_disc(${column}, [${ranks.join(", ")}]) AS list FROM ${table} WHERE ${column} IS NOT NULL)`,
  );
  return rows.map(({ q }) => Number(q));
}

async function segmentDrift(db: DuckDb, options: DriftOptions): Promise<SegmentDrift | null> {
  const names = await db.rows(
    "SELECT DISTINCT segment FROM old_users WHERE segment IS NOT NULL ORDER BY TRY_CAST(segment AS BIGINT), segment",
  );
  if (names.length === 0) return null;
  const segments = names.map(({ segment }) => String(segment));
  const counts =
    options.sameSegments || options.names.length === 0
      ? await countsAsGiven(db, segments)
      : await countsByNearest(db, segments, options);
  const stability = populationStability(
    counts.map((count) => count.old),
    counts.map((count) => count.new),
  );
  return { ...stability, shares: counts };
}

type Counts = SegmentDrift["shares"];

async function countsAsGiven(db: DuckDb, segments: readonly string[]): Promise<Counts> {
  const counts = new Map<string | null, { old: number; new: number }>(
    [...segments, null].map((segment) => [segment, { old: 0, new: 0 }]),
  );
  for (const side of ["old", "new"] as const) {
    const rows = await db.rows(
      `SELECT segment, count(*) AS n FROM ${side}_users GROUP BY segment ORDER BY TRY_CAST(segment AS BIGINT), segment`,
    );
    for (const { segment, n } of rows) {
      const key = segment === null ? null : String(segment);
      const count = counts.get(key) ?? { old: 0, new: 0 };
      count[side] = Number(n);
      counts.set(key, count);
    }
  }
  return [...counts].map(([segment, count]) => ({ segment, ...count }));
}

async function countsByNearest(
  db: DuckDb,
  segments: readonly string[],
  { names, scale, threads, signal, onProgress }: DriftOptions,
): Promise<Counts> {
  const dims = names.length;
  const position = new Map(segments.map((segment, s) => [segment, s]));
  const before = await readSide(db, "old_users", dims, scale, position);
  const after = await readSide(db, "new_users", dims, scale, position);
  const scaling = await fitScaling(scale, [...names], before.points, before.segmented);
  await applyScaling(scaling, before.points);
  await applyScaling(scaling, after.points);
  const centroids = await meansOf(before.points, dims, before.labels, segments.length);
  const counts: Counts = [...segments, null].map((segment) => ({ segment, old: 0, new: 0 }));
  for (const [side, { points, segmented }] of [
    ["old", before],
    ["new", after],
  ] as const) {
    const { labels } = await kmeansPredict(points, dims, centroids, { threads, signal, onProgress });
    await forEachYielding(labels.length, (user) => {
      counts[segmented[user] === 1 ? labels[user]! : segments.length]![side]++;
    });
  }
  return counts;
}

interface Side {
  /** [rows * dims] transformed, NaN where missing. */
  points: Float32Array;
  /** [rows] position of the user's own segment; -1 in none, or in one that the old users do not have. */
  labels: Int32Array;
  /** [rows] 1: in a segment, whichever. */
  segmented: Uint8Array;
}

async function readSide(
  db: DuckDb,
  table: string,
  dims: number,
  scale: Scale,
  position: ReadonlyMap<string, number>,
): Promise<Side> {
  const rows = await db.count(`SELECT count(*) AS n FROM ${table}`);
  const side: Side = { points: shared.f32(rows * dims), labels: new Int32Array(rows), segmented: new Uint8Array(rows) };
  const names = Array.from({ length: dims }, (_, f) => `f${f}`);
  const sql = `SELECT segment IS NOT NULL, segment, ${names.map((name) => `coalesce(${name}, 'nan'::DOUBLE)`).join(", ")} FROM ${table} ORDER BY row`;
  let row = 0;
  for await (const { numRows, columns } of db.streamColumns(sql, ["U8", "TEXT", ...names.map(() => "F64" as const)])) {
    const [segmented, segment, ...features] = columns as unknown as [Uint8Array, string[], ...Float64Array[]];
    for (let i = 0; i < numRows; i++, row++) {
      side.segmented[row] = segmented[i]!;
      side.labels[row] = segmented[i] === 1 ? (position.get(segment[i]!) ?? -1) : -1;
      for (let f = 0; f < dims; f++) side.points[row * dims + f] = transformed(scale, features[f]![i]!);
    }
  }
  return side;
}

/** Sums run in the order of the rows, in float64. */
async function meansOf(points: Float32Array, dims: number, labels: Int32Array, k: number): Promise<Float32Array> {
  const sums = new Float64Array(k * dims);
  const counts = new Float64Array(k);
  await forEachYielding(labels.length, (row) => {
    const label = labels[row]!;
    if (label < 0) return;
    counts[label]!++;
    for (let d = 0; d < dims; d++) sums[label * dims + d]! += points[row * dims + d]!;
  });
  return Float32Array.from(sums, (sum, at) => sum / counts[Math.floor(at / dims)]!);
}
