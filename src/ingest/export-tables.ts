/**
 * The Parquet files of the stage. One thread writes them in a given order, so their bytes depend on the content alone.
 */
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { doubleSql } from "./event-sql.js";
import type { UsersTable } from "./tables.js";

const DAY_MICROS = doubleSql(86_400_000_000);

async function copy(db: DuckDb, query: string, path: string): Promise<void> {
  await db.run(`COPY (${query}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`);
}

/** rejected.parquet: sorted by content, so that the order of the input shows only in file and row. */
export async function exportRejected(db: DuckDb, path: string): Promise<void> {
  await copy(
    db,
    `SELECT input, reason, file, row_number AS row, raw FROM rejected
     ORDER BY input, reason, raw, file, row_number NULLS FIRST`,
    path,
  );
}

/** users.parquet: consent and what eligibility rules look at, one row a matrix row. */
export async function exportUsers(db: DuckDb, path: string, users: UsersTable | undefined): Promise<void> {
  const query =
    users === undefined
      ? `SELECT row, user_id, true AS consent, 'both' AS channel, CAST(NULL AS VARCHAR) AS store,
           CAST(NULL AS VARCHAR) AS tier, CAST(NULL AS UTINYINT) AS birth_month, CAST(NULL AS UTINYINT) AS birth_day
         FROM user_rows ORDER BY row`
      : `SELECT r.row, r.user_id, coalesce(k.consent, ${!users.hasConsent}) AS consent,
           coalesce(k.channel, 'both') AS channel, k.store, k.tier, k.birth_month, k.birth_day
           ${users.attributes.map(({ name }, i) => `, k.attr_${i} AS ${quoteIdentifier(`attr_${name}`)}`).join("")}
         FROM user_rows AS r LEFT JOIN known_users AS k ON k.user_id = r.user_id ORDER BY r.row`;
  await copy(db, query, path);
}

/** features.parquet: behaviour counts and RFM, one row a matrix row. */
export async function exportFeatures(
  db: DuckDb,
  path: string,
  behaviours: readonly string[],
  asOfMicros: bigint,
): Promise<void> {
  const counts = behaviours.map(
    (name, code) => `CAST(coalesce(f.count_${code}, 0) AS INTEGER) AS ${quoteIdentifier(`count_${name}`)},`,
  );
  await copy(
    db,
    `SELECT r.row, r.user_id, ${counts.join(" ")}
       CAST(coalesce(f.num_events, 0) AS INTEGER) AS num_events,
       CAST(${asOfMicros} - f.last_t AS DOUBLE) / ${DAY_MICROS} AS recency_days,
       CAST(${asOfMicros} - f.last_order_t AS DOUBLE) / ${DAY_MICROS} AS order_recency_days,
       CAST(coalesce(f.frequency, 0) AS INTEGER) AS frequency,
       CAST(coalesce(f.monetary_minor, 0) AS BIGINT) AS monetary_minor,
       CASE WHEN f.frequency > 0 THEN CAST(f.monetary_minor AS DOUBLE) / CAST(f.frequency AS DOUBLE) END
         AS order_value_minor,
       CASE WHEN f.num_times > 1
         THEN CAST(f.last_t - f.first_t AS DOUBLE) / CAST(f.num_times - 1 AS DOUBLE) / ${DAY_MICROS} END AS mean_gap_days,
       CAST(${asOfMicros} - f.first_t AS DOUBLE) / ${DAY_MICROS} AS observed_days
     FROM user_rows AS r LEFT JOIN user_features AS f ON f.u = r.row ORDER BY r.row`,
    path,
  );
}

/** items.parquet: catalogue data where there is any, else what the purchases say. */
export async function exportItems(db: DuckDb, path: string, hasItems: boolean): Promise<void> {
  const known = hasItems
    ? "k.category, coalesce(k.price_minor, f.price_minor) AS price_minor, k.margin_rate"
    : "CAST(NULL AS VARCHAR) AS category, f.price_minor, CAST(NULL AS DOUBLE) AS margin_rate";
  await copy(
    db,
    `SELECT r.row, r.item_id, ${known},
       CAST(coalesce(f.purchases, 0) AS BIGINT) AS purchases, CAST(coalesce(f.num_users, 0) AS BIGINT) AS num_users
     FROM item_rows AS r LEFT JOIN item_features AS f ON f.i = r.row
     ${hasItems ? "LEFT JOIN known_items AS k ON k.item_id = r.item_id" : ""} ORDER BY r.row`,
    path,
  );
}
