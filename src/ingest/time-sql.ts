/** SQL that turns a column into microseconds since 1970 (BIGINT), or NULL where it holds no time. */

import { timeZoneProblem } from "../campaign/instant.js";
import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import type { SourceColumn } from "../source/relation.js";

/** SQL: whether microseconds lie in the years 0001 to 9999; NULL counts as no. */
export function isPlausibleTimeSql(micros: string): string {
  return `coalesce(${micros} BETWEEN -62135596800000000 AND 253402300799999999, false)`;
}

export interface TimeFormat {
  /** iso, epoch-seconds, epoch-millis, or a strptime pattern. */
  format: string;
  /** IANA zone of times without an offset. A repeated hour is read as its second occurrence (standard time). */
  timeZone: string;
}

export function timeMicrosSql({ sql, type }: SourceColumn, { format, timeZone }: TimeFormat): string {
  if (type === "TIMESTAMP WITH TIME ZONE") return instantSql(sql);
  if (type.startsWith("TIMESTAMP") || type === "DATE") return localSql(`CAST(${sql} AS TIMESTAMP)`, timeZone);

  const text = type === "VARCHAR" ? sql : `CAST(${sql} AS VARCHAR)`;
  switch (format) {
    case "epoch-seconds":
      return `CAST(TRY_CAST(${text} AS DECIMAL(20, 6)) * 1000000 AS BIGINT)`;
    case "epoch-millis":
      return `CAST(TRY_CAST(${text} AS DECIMAL(20, 3)) * 1000 AS BIGINT)`;
    case "iso":
      return isoSql(text, timeZone);
    default: {
      const parsed = `try_strptime(${text}, ${quoteLiteral(format)})`;
      // With an offset in the pattern the value is an instant already.
      return /%[zZ]/.test(format) ? instantSql(parsed) : localSql(`CAST(${parsed} AS TIMESTAMP)`, timeZone);
    }
  }
}

/**
 * ISO 8601: a date, or a date and time with `T` or a space, fraction and offset optional. Casting to TIMESTAMP would
 * drop an offset silently, so texts that have one take the other cast.
 */
function isoSql(text: string, timeZone: string): string {
  // Also keeps out the words that DuckDB reads as times: infinity, epoch.
  const startsWithDigit = `${text} >= '0' AND ${text} < ':'`;
  const isZulu = `(${text} LIKE '%Z' OR ${text} LIKE '%z')`;
  const clock = `substr(${text}, 12)`;
  const hasOffset = `(contains(${clock}, '+') OR contains(${clock}, '-'))`;
  const local = `TRY_CAST(${text} AS TIMESTAMP)`;
  return (
    `CASE WHEN NOT (${startsWithDigit}) THEN NULL ` +
    `WHEN ${isZulu} THEN epoch_us(${local}) ` +
    `WHEN ${hasOffset} THEN epoch_us(TRY_CAST(${text} AS TIMESTAMP WITH TIME ZONE)) ` +
    `WHEN ${text} LIKE '%:%' OR length(${text}) = 10 THEN ${localSql(local, timeZone)} END`
  );
}

function instantSql(sql: string): string {
  return `CASE WHEN isfinite(CAST(${sql} AS TIMESTAMP WITH TIME ZONE)) THEN epoch_us(CAST(${sql} AS TIMESTAMP WITH TIME ZONE)) END`;
}

function localSql(timestamp: string, timeZone: string): string {
  const micros =
    timeZone === "UTC" ? `epoch_us(${timestamp})` : `epoch_us(timezone(${quoteLiteral(timeZone)}, ${timestamp}))`;
  return `CASE WHEN isfinite(${timestamp}) THEN ${micros} END`;
}

/** SQL: the local calendar day (DATE) of microseconds since 1970. */
export function localDateSql(micros: string, timeZone: string): string {
  const utc = `make_timestamp(${micros})`;
  if (timeZone === "UTC") return `CAST(${utc} AS DATE)`;
  return `CAST(timezone(${quoteLiteral(timeZone)}, timezone('UTC', ${utc})) AS DATE)`;
}

/** Throws when the zone or the strptime pattern is one that DuckDB would refuse in the middle of a long read. */
export async function checkTimeFormat(db: DuckDb, time: TimeFormat, field: string): Promise<void> {
  const problem = timeZoneProblem(time.timeZone);
  if (problem !== undefined) throw invalidArgument(`${field}.timeZone: ${problem}`, { field: `${field}.timeZone` });
  try {
    await db.rows(`SELECT ${timeMicrosSql({ name: "", sql: "CAST('x' AS VARCHAR)", type: "VARCHAR" }, time)}`);
  } catch (thrown) {
    if (thrown instanceof CouponcastError && thrown.code === "ERR_COUPONCAST_CANCELLED") throw thrown;
    throw invalidArgument(
      `expected iso, epoch-seconds, epoch-millis or a strptime pattern but received ${JSON.stringify(time.format)}: ` +
        (thrown instanceof Error ? thrown.message : String(thrown)),
      { field: `${field}.format`, cause: thrown, hint: "a pattern looks like %d/%m/%Y %H:%M" },
    );
  }
}
