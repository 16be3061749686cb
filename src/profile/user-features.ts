import type { SEGMENT_FEATURES } from "../campaign/campaign-schema.js";
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";

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
 * Sums run in row order in float64. Memory: 4 dims bytes a user.
 */
export async function readUserFeatures(
  db: DuckDb,
  path: string,
  features: readonly SegmentFeature[],
  numUsers: number,
): Promise<UserFeatures> {
  const relation = `read_parquet(${quoteLiteral(path)})`;
  const available = (await db.describe(`SELECT * FROM ${relation}`)).map((column) => column.name);
  const names = columnsOf(features, available);
  const dims = names.length;
  const points = shared.f32(numUsers * dims);
  const hasEvents = shared.u8(numUsers);
  const sums = new Float64Array(dims);
  const counts = new Float64Array(dims);
  let row = 0;
  const sql = `SELECT num_events, ${names.map((name) => `ln(1 + greatest(${quoteIdentifier(name)}, 0)::DOUBLE)`).join(", ")} FROM ${relation} ORDER BY row`;
  for await (const batch of db.streamColumns(sql, ["I32", ...names.map(() => "F64" as const)])) {
    const columns = batch.columns as unknown as [Int32Array, ...Float64Array[]];
    for (let i = 0; i < batch.numRows; i++, row++) {
      const active = columns[0][i]! > 0;
      hasEvents[row] = active ? 1 : 0;
      for (let d = 0; d < dims; d++) {
        const missing = !active || batch.nulls[d + 1]?.[i] === 1;
        const value = missing ? Number.NaN : (columns[d + 1] as Float64Array)[i]!;
        points[row * dims + d] = value;
        if (!missing) {
          sums[d]! += value;
          counts[d]!++;
        }
      }
    }
  }
  const means = sums.map((sum, d) => (counts[d]! > 0 ? sum / counts[d]! : 0));
  const squares = new Float64Array(dims);
  let active = 0;
  await forEachYielding(numUsers, (user) => {
    if (hasEvents[user] === 0) return;
    active++;
    for (let d = 0; d < dims; d++) {
      const value = points[user * dims + d]!;
      if (!Number.isNaN(value)) squares[d]! += (value - means[d]!) ** 2;
    }
  });
  const deviations = squares.map((square) => Math.sqrt(square / Math.max(active, 1)));
  await forEachYielding(numUsers, (user) => {
    for (let d = 0; d < dims; d++) {
      const value = points[user * dims + d]!;
      points[user * dims + d] =
        Number.isNaN(value) || !(deviations[d]! > 1e-12) ? 0 : (value - means[d]!) / deviations[d]!;
    }
  });
  return { names, numUsers, dims, points, hasEvents };
}
