import type { SEGMENT_FEATURES } from "../campaign/schema/segments.js";
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { shared } from "../executor/executor.js";
import { applyScaling, type FeatureScaling, fitScaling, transformed } from "./feature-scaling.js";

export type SegmentFeature = (typeof SEGMENT_FEATURES)[number];

/** Features of all users, standardised: what K-means and the response model see. */
export interface UserFeatures {
  /** Column of features.parquet behind each dimension. */
  names: string[];
  numUsers: number;
  dims: number;
  /** float32 [numUsers * dims] z-scores of ln(1 + feature); 0 for users without events. */
  points: Float32Array;
  /** [numUsers] 1 for users with at least one event. */
  hasEvents: Uint8Array;
}

export interface ScaledUserFeatures extends UserFeatures {
  scaling: FeatureScaling;
}

/** Columns of features.parquet behind the features that have one each. */
const COLUMN_OF: Record<Exclude<SegmentFeature, "behaviour_counts">, string> = {
  recency: "recency_days",
  frequency: "frequency",
  monetary: "monetary_minor",
  mean_gap: "mean_gap_days",
};

function columnsOf(features: readonly SegmentFeature[], available: readonly string[]): string[] {
  return features.flatMap((feature) =>
    feature === "behaviour_counts" ? available.filter((name) => name.startsWith("count_")) : COLUMN_OF[feature],
  );
}

/**
 * Reads features.parquet and standardises: ln(1 + x), a missing value (a user with one event has no gap) replaced by
 * the mean of the others, then zero mean and unit variance over the users with events. A constant feature is 0.
 * `model`, told the columns, may say another scaling, and which features. Memory: 4 dims bytes a user.
 */
export async function readUserFeatures(
  db: DuckDb,
  path: string,
  features: readonly SegmentFeature[],
  numUsers: number,
  model?: (available: readonly string[]) => FeatureScaling,
): Promise<ScaledUserFeatures> {
  const relation = `read_parquet(${quoteLiteral(path)})`;
  const available = (await db.describe(`SELECT * FROM ${relation}`)).map((column) => column.name);
  const given = model?.(available);
  const names = given?.names ?? columnsOf(features, available);
  const scale = given?.scale ?? "log";
  const dims = names.length;
  const points = shared.f32(numUsers * dims);
  const hasEvents = shared.u8(numUsers);
  let row = 0;
  const sql = `SELECT num_events, ${names.map((name) => `${quoteIdentifier(name)}::DOUBLE`).join(", ")} FROM ${relation} ORDER BY row`;
  for await (const batch of db.streamColumns(sql, ["I32", ...names.map(() => "F64" as const)])) {
    const columns = batch.columns as unknown as [Int32Array, ...Float64Array[]];
    for (let i = 0; i < batch.numRows; i++, row++) {
      const active = columns[0][i]! > 0;
      hasEvents[row] = active ? 1 : 0;
      for (let d = 0; d < dims; d++) {
        const missing = !active || batch.nulls[d + 1]?.[i] === 1;
        points[row * dims + d] = missing ? Number.NaN : transformed(scale, (columns[d + 1] as Float64Array)[i]!);
      }
    }
  }
  const scaling = given ?? (await fitScaling(scale, names, points, hasEvents));
  await applyScaling(scaling, points);
  return { names, numUsers, dims, points, scaling, hasEvents };
}
