/** The cleaning of events, as SQL that a person can read. Nothing here touches a database. */
import type { EventsSource } from "../campaign/schema/sources.js";
import { quoteLiteral } from "../duckdb/duckdb.js";
import type { Relation, SourceColumn } from "../source/relation.js";
import { requireColumn } from "../source/source.js";
import { blankToNull, textSql } from "../source/text-sql.js";
import { isPlausibleTimeSql, localDateSql, timeMicrosSql } from "./time-sql.js";

/** An id longer than this is a broken row, not a customer. */
export const MAX_ID_BYTES = 512;
/** No order line costs more, in minor units; beyond it sums could overflow. */
const MAX_LINE_VALUE_MINOR = 10_000_000_000_000n;

export interface CleaningRules {
  /** Behaviour names in the campaign's order; the position is the code. */
  behaviours: readonly string[];
  purchaseBehaviour: string;
  /** Zone of calendar days, and of times without an offset where the source names none. */
  timeZone: string;
  minorPerMajor: number;
  /** Microseconds since 1970. Undefined: the latest accepted event, known only after the read. */
  asOfMicros: bigint | undefined;
  windowDays: number | undefined;
  /** Only what is before each user's last new item, or only that: see IngestRequest. */
  lastOut?: LastOut | undefined;
}

export type LastOut = "history" | "later";

/**
 * The moment at which each user dealt with his last new item, of users who dealt with an item before. Rows from then on are
 * kept from the history; the later part is what was new at that moment.
 */
export function lastNewItemsSql(accepted: string): string {
  return `
CREATE TABLE last_new_items AS
SELECT user_id, item_id, held_us FROM (
  SELECT user_id, item_id, min(time_us) AS first_us,
    max(min(time_us)) OVER (PARTITION BY user_id) AS held_us, min(min(time_us)) OVER (PARTITION BY user_id) AS begin_us
  FROM staged_events WHERE ${accepted} GROUP BY user_id, item_id
)
WHERE first_us = held_us AND begin_us < held_us`;
}

/** Rows that belong to the other part: the table other_part. */
export function otherPartSql(accepted: string, part: LastOut): string {
  const join =
    part === "history"
      ? "JOIN (SELECT DISTINCT user_id, held_us FROM last_new_items) l ON s.user_id = l.user_id AND s.time_us >= l.held_us"
      : "ANTI JOIN last_new_items l ON s.user_id = l.user_id AND s.item_id = l.item_id AND s.time_us = l.held_us";
  return `
CREATE TABLE other_part AS
SELECT s.staged_row
FROM (SELECT rowid AS staged_row, user_id, item_id, time_us FROM staged_events WHERE ${accepted}) s ${join}`;
}

/**
 * Staged events. A rejected row has a reason and its raw text; an accepted one (reason NULL) has the rest:
 * - time_us: microseconds since 1970, UTC
 * - quantity: NULL where the source gives none; counts as 1
 * - value_minor: price of the whole line in minor units, NULL where the price is unknown
 * - order_id: as given; order_day stands in for it on purchases without one
 * - duplicate_key: hash of what makes two rows the same event
 */
export const CREATE_STAGED_EVENTS = `
CREATE TABLE staged_events (
  reason VARCHAR, raw VARCHAR, file VARCHAR, row_number BIGINT,
  user_id VARCHAR, item_id VARCHAR, behaviour UTINYINT, time_us BIGINT,
  quantity DECIMAL(14, 4), value_minor BIGINT, order_id VARCHAR, order_day DATE,
  event_id VARCHAR, source_number UTINYINT, duplicate_key UBIGINT
)`;

/** Names of the columns that a source maps or tests. */
export function wantedColumns(source: EventsSource): string[] {
  const { user, item, time, behaviour, id, quantity, price, order } = source.columns;
  const mapped = [user, item, time, typeof behaviour === "string" ? behaviour : undefined, id, quantity, price, order];
  return [...mapped, ...source.reject.map((rule) => rule.column)].filter((name) => name !== undefined);
}

/** INSERT of one relation's rows into staged_events, each judged by the rules. */
export function stageEventsSql(
  relation: Relation,
  source: EventsSource,
  sourceNumber: number,
  field: string,
  rules: CleaningRules,
): string {
  const column = (name: string, key: string) => requireColumn(relation, name, `${field}.columns.${key}`);
  const optional = (name: string | undefined, key: string) => (name === undefined ? undefined : column(name, key));
  const { columns } = source;
  const user = textSql(column(columns.user, "user"));
  const item = textSql(column(columns.item, "item"));
  const time = column(columns.time, "time");
  const quantity = optional(columns.quantity, "quantity");
  const price = optional(columns.price, "price");
  const order = optional(columns.order, "order");
  const id = optional(columns.id, "id");
  const zone = source.time.timeZone ?? rules.timeZone;
  const purchase = rules.behaviours.indexOf(rules.purchaseBehaviour);

  return `
INSERT INTO staged_events
SELECT
  cc_reason,
  CASE WHEN cc_reason IS NOT NULL THEN ${relation.rawJson} END,
  ${quoteLiteral(relation.label)},
  ${relation.rowNumber},
  CASE WHEN cc_reason IS NULL THEN cc_user END,
  CASE WHEN cc_reason IS NULL THEN cc_item END,
  cc_behaviour,
  cc_time,
  cc_quantity,
  cc_value,
  ${order === undefined ? "NULL" : `CASE WHEN cc_reason IS NULL AND cc_behaviour = ${purchase} THEN ${blankToNull(textSql(order))} END`},
  CASE WHEN cc_reason IS NULL AND cc_behaviour = ${purchase} ${order === undefined ? "" : `AND ${blankToNull(textSql(order))} IS NULL`}
    THEN ${localDateSql("cc_time", rules.timeZone)} END,
  ${id === undefined ? "NULL" : "CASE WHEN cc_reason IS NULL THEN cc_event_id END"},
  ${sourceNumber},
  CASE WHEN cc_reason IS NULL THEN ${duplicateKeySql(id !== undefined, sourceNumber)} END
FROM (
  SELECT *, ${reasonSql(relation, source, field, { quantity, price }, rules)} AS cc_reason
  FROM (
    SELECT *,
      ${lineValueSql(source, price, rules)} AS cc_value
    FROM (
      SELECT *,
        ${blankToNull(user)} AS cc_user,
        ${blankToNull(item)} AS cc_item,
        ${behaviourSql(relation, source, field, rules.behaviours)} AS cc_behaviour,
        ${timeMicrosSql(time, { format: source.time.format, timeZone: zone })} AS cc_time,
        ${decimalSql(quantity, "DECIMAL(14, 4)")} AS cc_quantity,
        ${decimalSql(price, "DECIMAL(18, 6)")} AS cc_price,
        ${id === undefined ? "NULL" : blankToNull(textSql(id))} AS cc_event_id
      FROM ${relation.from}
    )
  )
)`;
}

/** The first rule that a row breaks, or NULL. The user's own rules come first. */
function reasonSql(
  relation: Relation,
  source: EventsSource,
  field: string,
  { quantity, price }: { quantity: SourceColumn | undefined; price: SourceColumn | undefined },
  rules: CleaningRules,
): string {
  const time = requireColumn(relation, source.columns.time, `${field}.columns.time`);
  const cases: [condition: string, reason: string][] = [
    [relation.malformed, "malformed_row"],
    ...source.reject.map((rule, i): [string, string] => {
      const tested = requireColumn(relation, rule.column, `${field}.reject[${i}].column`);
      return [rejectRuleSql(rule, tested), rule.reason];
    }),
    ["cc_user IS NULL", "missing_user"],
    ["cc_item IS NULL", "missing_item"],
    [`${blankToNull(textSql(time))} IS NULL`, "missing_time"],
    [`NOT ${isPlausibleTimeSql("cc_time")}`, "unparsable_time"],
    ["cc_behaviour IS NULL", "unknown_behaviour"],
    [`strlen(cc_user) > ${MAX_ID_BYTES} OR strlen(cc_item) > ${MAX_ID_BYTES}`, "id_too_long"],
  ];
  if (quantity !== undefined) {
    cases.push([`cc_quantity IS NULL AND ${blankToNull(textSql(quantity))} IS NOT NULL`, "bad_quantity"]);
    cases.push(["cc_quantity <= 0", "non_positive_quantity"]);
  }
  if (price !== undefined) {
    cases.push([`cc_price IS NULL AND ${blankToNull(textSql(price))} IS NOT NULL`, "bad_price"]);
    cases.push(["cc_price < 0", "negative_price"]);
    cases.push([`cc_value > ${MAX_LINE_VALUE_MINOR}`, "bad_price"]);
  }
  if (rules.asOfMicros !== undefined) {
    cases.push([`cc_time > ${rules.asOfMicros}`, "future"]);
    const from = windowStartMicros(rules.asOfMicros, rules.windowDays);
    if (from !== undefined) cases.push([`cc_time < ${from}`, "out_of_window"]);
  }
  const whens = cases
    .filter(([condition]) => condition !== "false")
    .map(([condition, reason]) => `\n    WHEN ${condition} THEN ${quoteLiteral(reason)}`);
  return `CASE${whens.join("")}\n  END`;
}

/** The earliest accepted time, or undefined when there is no window. */
export function windowStartMicros(asOfMicros: bigint, windowDays: number | undefined): bigint | undefined {
  return windowDays === undefined ? undefined : asOfMicros - BigInt(Math.round(windowDays * 86_400_000_000));
}

function rejectRuleSql(rule: EventsSource["reject"][number], column: SourceColumn): string {
  const text = textSql(column);
  if (rule.isNull) return `${blankToNull(text)} IS NULL`;
  if (rule.startsWith !== undefined) return `starts_with(${text}, ${quoteLiteral(rule.startsWith)})`;
  const values = rule.in ?? [];
  // A number matches however the file writes it: 1, 1.0 and 01.
  const tests = [`${text} IN (${values.map((v) => quoteLiteral(String(v))).join(", ")})`];
  const numbers = values.filter((v) => typeof v === "number");
  if (numbers.length > 0) tests.push(`TRY_CAST(${text} AS DOUBLE) IN (${numbers.map(doubleSql).join(", ")})`);
  return `(${tests.join(" OR ")})`;
}

/** Code of the row's behaviour, NULL for an unknown one. */
function behaviourSql(relation: Relation, source: EventsSource, field: string, behaviours: readonly string[]): string {
  const { behaviour } = source.columns;
  if (typeof behaviour === "object") return `CAST(${behaviours.indexOf(behaviour.constant)} AS UTINYINT)`;
  const text = textSql(requireColumn(relation, behaviour, `${field}.columns.behaviour`));
  const whens = behaviours.map((name, code) => `WHEN ${quoteLiteral(name)} THEN ${code}`);
  return `CAST(CASE ${text} ${whens.join(" ")} END AS UTINYINT)`;
}

/**
 * Price of the line in minor units, in exact decimal arithmetic, rounded half away from zero once. 12 digits of price,
 * 4 of the factor and 10 of quantity before the point, 10 behind it: that fits the 38 digits of the widest DECIMAL,
 * to which the price is cast first because a product of narrower ones may stay at 18.
 */
function lineValueSql(source: EventsSource, price: SourceColumn | undefined, rules: CleaningRules): string {
  if (price === undefined) return "CAST(NULL AS BIGINT)";
  const toMinor = source.price.unit === "major" ? ` * CAST(${rules.minorPerMajor} AS DECIMAL(4, 0))` : "";
  const pieces = source.price.per === "unit" ? " * coalesce(cc_quantity, 1)" : "";
  const exact = `CAST(CAST(cc_price AS DECIMAL(38, 6))${toMinor}${pieces} AS HUGEINT)`;
  // Out-of-range values are only clamped, so that they stay recognisable: reasonSql rejects their rows.
  // least and greatest skip NULLs, so an unknown price is kept out of them.
  return `CASE WHEN cc_price IS NOT NULL THEN CAST(greatest(least(${exact}, ${MAX_LINE_VALUE_MINOR + 1n}), -1) AS BIGINT) END`;
}

function decimalSql(column: SourceColumn | undefined, type: string): string {
  return column === undefined ? `CAST(NULL AS ${type})` : `TRY_CAST(${column.sql} AS ${type})`;
}

/**
 * Two rows are one event when a source's event ids agree; without an id when user, item, behaviour and time do. Ids of
 * different sources are different systems' ids and never compared.
 */
function duplicateKeySql(hasId: boolean, sourceNumber: number): string {
  const byContent = "hash(cc_user, cc_item, cc_behaviour, cc_time)";
  return hasId
    ? `CASE WHEN cc_event_id IS NULL THEN ${byContent} ELSE hash(cc_event_id, ${sourceNumber}) END`
    : byContent;
}

/** Rows whose key hash occurs more than once, in one of `numParts` parts of the hash space: candidates only. */
export function duplicateCandidatesSql(accepted: string, part: number, numParts: number): string {
  return `
INSERT INTO duplicate_candidates
SELECT duplicate_key FROM staged_events
WHERE ${accepted} AND duplicate_key % ${numParts} = ${part}
GROUP BY duplicate_key HAVING count(*) > 1`;
}

/**
 * Of each event's rows all but the first in a total order over the content, so that it does not matter in which order
 * they came. Compares the key itself, not its hash.
 */
export function duplicatesSql(accepted: string): string {
  return `
CREATE TABLE duplicates AS
SELECT staged_row FROM (
  SELECT rowid AS staged_row, row_number() OVER (
    PARTITION BY
      event_id,
      CASE WHEN event_id IS NOT NULL THEN source_number END,
      CASE WHEN event_id IS NULL THEN user_id END,
      CASE WHEN event_id IS NULL THEN item_id END,
      CASE WHEN event_id IS NULL THEN behaviour END,
      CASE WHEN event_id IS NULL THEN time_us END
    ORDER BY
      time_us, user_id, item_id, behaviour, quantity NULLS FIRST, value_minor NULLS FIRST, order_id NULLS FIRST,
      file, row_number NULLS FIRST
  ) AS position
  FROM staged_events
  WHERE ${accepted} AND duplicate_key IN (SELECT duplicate_key FROM duplicate_candidates)
)
WHERE position > 1`;
}

/** A staged row as JSON, for the reasons that show only after the raw text is gone (duplicate, late out_of_window). */
export function cleanedJsonSql(behaviours: readonly string[]): string {
  const names = behaviours.map((name, code) => `WHEN ${code} THEN ${quoteLiteral(name)}`).join(" ");
  return `CAST(json_object(
    'user', user_id, 'item', item_id, 'behaviour', CASE behaviour ${names} END,
    'time', strftime(make_timestamp(time_us), '%Y-%m-%dT%H:%M:%S.%fZ'),
    'quantity', quantity, 'value_minor', value_minor, 'order', order_id, 'id', event_id
  ) AS VARCHAR)`;
}

/** A finite number as a DOUBLE literal that reads back as the same number. */
export function doubleSql(value: number): string {
  return `CAST('${value}' AS DOUBLE)`;
}
