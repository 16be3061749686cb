/** Accepted events become dense rows, and these cells and features. */
import type { DuckDb } from "../duckdb/duckdb.js";
import type { CleanedEvents } from "./clean-events.js";
import type { CleaningRules } from "./event-sql.js";
import {
  CREATE_CELLS,
  CREATE_ITEM_FEATURES,
  cellsSql,
  createUserFeaturesSql,
  encodeEventsSql,
  userFeaturesSql,
} from "./features-sql.js";
import type { IngestRequest } from "./ingest-types.js";
import type { UserRange } from "./write-matrix.js";

/** Events aggregated at once: their hash tables stay below about a gigabyte. */
const EVENTS_PER_RANGE = 5_000_000;

/** Ids to dense rows in ascending UTF-8 byte order (DuckDB compares VARCHAR bytewise), then the narrow event table. */
export async function encode(
  db: DuckDb,
  rules: CleaningRules,
  cleaned: CleanedEvents,
  hasUsers: boolean,
  hasItems: boolean,
): Promise<void> {
  const dense = (table: string, id: string, known: string | undefined) => `
CREATE TABLE ${table} AS
SELECT CAST(row_number() OVER (ORDER BY ${id}) - 1 AS INTEGER) AS row, ${id}
FROM (
  SELECT ${id} FROM staged_events WHERE ${cleaned.accepted} GROUP BY ${id}
  ${known === undefined ? "" : `UNION SELECT ${id} FROM ${known}`}
)`;
  await db.run(dense("user_rows", "user_id", hasUsers ? "known_users" : undefined));
  await db.run(dense("item_rows", "item_id", hasItems ? "known_items" : undefined));
  await db.run(encodeEventsSql(cleaned.accepted, rules.behaviours.indexOf(rules.purchaseBehaviour)));
  await db.run("DROP TABLE staged_events");
}

/** Fills cells, user_features and item_features; returns the ranges of users, in order. */
export async function aggregate(
  request: IngestRequest,
  rules: CleaningRules,
  db: DuckDb,
  cleaned: CleanedEvents,
  onRange: (done: number, total: number) => void,
): Promise<UserRange[]> {
  const numUsers = await db.count("SELECT count(*) FROM user_rows");
  const numRanges = Math.min(numUsers, Math.max(1, Math.ceil(cleaned.rowsAccepted / EVENTS_PER_RANGE)));
  const ranges = Array.from({ length: numRanges }, (_, k) => ({
    begin: Math.floor((k * numUsers) / numRanges),
    end: Math.floor(((k + 1) * numUsers) / numRanges),
  }));
  const weights = rules.behaviours.map((name) => request.behaviours[name]!);
  const purchase = rules.behaviours.indexOf(rules.purchaseBehaviour);
  const { halfLifeDays } = request.options;
  const decay = halfLifeDays === undefined ? undefined : { halfLifeDays, asOfMicros: cleaned.asOfMicros };
  await db.run(CREATE_CELLS);
  await db.run(createUserFeaturesSql(rules.behaviours.length));
  for (const [k, range] of ranges.entries()) {
    await db.run(cellsSql(range, weights, purchase, decay));
    await db.run(userFeaturesSql(range, rules.behaviours.length, purchase));
    onRange(k + 1, numRanges);
  }
  await db.run(CREATE_ITEM_FEATURES);
  return ranges;
}
