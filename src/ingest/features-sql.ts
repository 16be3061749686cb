/** Cells and features of encoded events, as SQL. Every sum is over integers: its order and the threads do not matter. */
import { doubleSql } from "./event-sql.js";

/** Cell values are summed in units of 2^-32: 1e6 (the largest weight) times 2^32 is still exact in a double. */
const CELL_SCALE = 2 ** 32;
const DAY_MICROS = 86_400_000_000;

/**
 * Encoded events: one narrow row for each accepted event, in no particular order.
 * u, i: matrix row and column; b: behaviour code; t: microseconds; the rest is set on purchases only.
 */
export function encodeEventsSql(accepted: string, purchase: number): string {
  return `
CREATE TABLE events AS
SELECT
  users.row AS u, items.row AS i, e.behaviour AS b, e.time_us AS t,
  CASE WHEN e.behaviour = ${purchase} THEN e.quantity END AS quantity,
  CASE WHEN e.behaviour = ${purchase} THEN e.value_minor END AS value_minor,
  e.order_id, e.order_day
FROM (SELECT * FROM staged_events WHERE ${accepted}) AS e
JOIN user_rows AS users ON users.user_id = e.user_id
JOIN item_rows AS items ON items.item_id = e.item_id`;
}

export const CREATE_CELLS = "CREATE TABLE cells (u INTEGER, i INTEGER, value DOUBLE, purchases INTEGER)";

/**
 * r_ui = sum over the events of u and i of weight(behaviour) * 0.5^(age in days / halfLifeDays), in units of 2^-32,
 * each event rounded half away from zero before it is added. Quantity is no factor: ten pieces are one decision.
 */
export function cellsSql(
  users: { begin: number; end: number },
  weights: readonly number[],
  purchase: number,
  decay: { halfLifeDays: number; asOfMicros: bigint } | undefined,
): string {
  const whens = (scale: (weight: number) => string) =>
    `CASE b ${weights.map((weight, code) => `WHEN ${code} THEN ${scale(weight)}`).join(" ")} END`;
  const units =
    decay === undefined
      ? `CAST(${whens((weight) => String(Math.round(weight * CELL_SCALE)))} AS BIGINT)`
      : `CAST(round(${whens((weight) => doubleSql(weight * CELL_SCALE))} * ` +
        `pow(0.5, CAST(${decay.asOfMicros} - t AS DOUBLE) / ${doubleSql(decay.halfLifeDays * DAY_MICROS)})) AS BIGINT)`;
  return `
INSERT INTO cells
SELECT u, i, CAST(sum(${units}) AS DOUBLE) / ${doubleSql(CELL_SCALE)}, count(*) FILTER (WHERE b = ${purchase})
FROM events WHERE u >= ${users.begin} AND u < ${users.end}
GROUP BY u, i`;
}

/** Cells of some users in matrix order; a cell whose value is 0 (weight 0, or decayed to nothing) is not stored. */
export function orderedCellsSql(users: { begin: number; end: number }): string {
  return `
SELECT u, i, value FROM cells
WHERE u >= ${users.begin} AND u < ${users.end} AND value <> 0
ORDER BY u, i`;
}

/**
 * Events of some users as their sequences: by time, of equal times by behaviour, then by item and value. Of purchases
 * also the value, and whether the line is the first of its order.
 */
export function orderedEventsSql(users: { begin: number; end: number }, purchase: number): string {
  return `
SELECT u, b, t, i, coalesce(value_minor, 0)::DOUBLE AS value, (b = ${purchase} AND line = 1)::UTINYINT AS is_order FROM (
  SELECT u, b, t, i, value_minor,
    row_number() OVER (PARTITION BY u, b, order_id, order_day ORDER BY t, i, value_minor) AS line
  FROM events WHERE u >= ${users.begin} AND u < ${users.end} AND b = ${purchase}
  UNION ALL
  SELECT u, b, t, i, NULL, 0 FROM events WHERE u >= ${users.begin} AND u < ${users.end} AND b <> ${purchase}
) ORDER BY u, t, b, i, value, is_order DESC`;
}

export function createUserFeaturesSql(numBehaviours: number): string {
  const counts = Array.from({ length: numBehaviours }, (_, code) => `count_${code} INTEGER`);
  return `CREATE TABLE user_features (u INTEGER, ${counts.join(", ")}, num_events INTEGER, first_t BIGINT, last_t BIGINT,
  num_times BIGINT, monetary_minor BIGINT, frequency INTEGER, last_order_t BIGINT)`;
}

/** Features of the users in a range that have events. */
export function userFeaturesSql(
  users: { begin: number; end: number },
  numBehaviours: number,
  purchase: number,
): string {
  const codes = Array.from({ length: numBehaviours }, (_, code) => code);
  // Written out three times instead of a WITH, which DuckDB would copy to memory first.
  const e = `(SELECT * FROM events WHERE u >= ${users.begin} AND u < ${users.end})`;
  return `
INSERT INTO user_features
SELECT totals.u, ${codes.map((code) => `n_${code},`).join(" ")} n, first_t, last_t, num_times, monetary_minor,
  coalesce(orders.frequency, 0), last_order_t
FROM (
  SELECT u, ${codes.map((code) => `count(*) FILTER (WHERE b = ${code}) AS n_${code},`).join(" ")}
    count(*) AS n, min(t) AS first_t, max(t) AS last_t, coalesce(sum(value_minor), 0) AS monetary_minor,
    max(t) FILTER (WHERE b = ${purchase}) AS last_order_t
  FROM ${e} GROUP BY u
) AS totals
JOIN (
  SELECT u, count(*) AS num_times FROM (SELECT DISTINCT u, t FROM ${e}) GROUP BY u
) AS times ON times.u = totals.u
LEFT JOIN (
  SELECT u, count(*) AS frequency
  FROM (SELECT DISTINCT u, order_id, order_day FROM ${e} WHERE b = ${purchase})
  GROUP BY u
) AS orders ON orders.u = totals.u`;
}

/** Per item: purchases, distinct users, and the mean price of a piece over the purchases whose price is known. */
export const CREATE_ITEM_FEATURES = `
CREATE TABLE item_features AS
SELECT interest.i, interest.purchases, interest.num_users, prices.price_minor
FROM (SELECT i, sum(purchases) AS purchases, count(*) AS num_users FROM cells GROUP BY i) AS interest
LEFT JOIN (
  SELECT i, CAST(sum(value_minor) AS DOUBLE) / CAST(sum(coalesce(quantity, 1)) AS DOUBLE) AS price_minor
  FROM events WHERE value_minor IS NOT NULL GROUP BY i
) AS prices ON prices.i = interest.i`;
