import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { meansOf, type SegmentsBySize, segmentsBySize } from "./active-points.js";
import { RFM_COLUMNS, RFM_SEGMENTS, type RfmRules, rfmSql } from "./rfm.js";
import type { UserFeatures } from "./user-features.js";

export interface RfmUserSegments extends SegmentsBySize {
  /** [k] the usual names, and one for users who have behaved but never bought. */
  segmentNames: string[];
  /** [k][dims] means of the segments' points. */
  centroids: number[][];
}

const WITHOUT_ORDERS = "no orders yet";

/**
 * Segments the users with events by recency, frequency and monetary value; `path` is features.parquet. Segments are
 * numbered by size, largest first (ties: in the order of RFM_SEGMENTS). Errors: as rfmSql, and DuckDB's.
 */
export async function rfmSegments(
  db: DuckDb,
  path: string,
  features: UserFeatures,
  rules: RfmRules,
): Promise<RfmUserSegments> {
  const { numUsers, dims, points, hasEvents } = features;
  const names = [...RFM_SEGMENTS.map(({ name }) => name), WITHOUT_ORDERS];
  const { recency, frequency, monetary } = RFM_COLUMNS;
  const scored = rfmSql(
    { from: `read_parquet(${quoteLiteral(path)})`, recencyDays: recency, frequency, monetary },
    rules,
  );
  const cases = RFM_SEGMENTS.map(({ name }, code) => `WHEN '${name}' THEN ${code}`);
  const sql = `SELECT CASE rfm_segment ${cases.join(" ")} ELSE ${RFM_SEGMENTS.length} END FROM (${scored}) ORDER BY row`;
  const rows: number[] = [];
  const codes = new Int32Array(numUsers);
  const sizes = names.map(() => 0);
  let user = 0;
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32"])) {
    for (let i = 0; i < numRows; i++, user++) {
      if (hasEvents[user] === 0) continue;
      codes[rows.length] = columns[0][i]!;
      sizes[columns[0][i]!]!++;
      rows.push(user);
    }
  }
  const { segments, clusters } = await segmentsBySize(numUsers, rows, codes.subarray(0, rows.length), sizes);
  const centroids = await meansOf(points, dims, segments.labels, segments.sizes);
  return { ...segments, segmentNames: clusters.map((c) => names[c]!), centroids };
}
