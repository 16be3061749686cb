import type { RedemptionsSource } from "../campaign/schema/sources.js";
import { DuckDb } from "../duckdb/duckdb.js";
import { booleanSql, loadTable, presentTextSql } from "../source/load-table.js";
import { createMalformedTable } from "../source/read-source.js";
import { requireColumn, resolveSource } from "../source/source.js";
import { MAX_ID_BYTES } from "./event-sql.js";
import { optionalColumn, type RejectedCounts } from "./tables.js";
import { checkTimeFormat, isPlausibleTimeSql, timeMicrosSql } from "./time-sql.js";

export interface RedemptionsRequest {
  source: RedemptionsSource;
  timeZone: string;
  baseDir: string;
  /** Existing scratch folder; the caller removes it. */
  tempDir: string;
  threads: number;
  memoryLimitMb: number;
  /** Further files that the caller wants to query in the same database. */
  alsoReadable?: readonly string[];
  signal?: AbortSignal | undefined;
}

export interface RedemptionsTable {
  /** Holds the table `redemptions` (user_id, coupon_id, offered_at TIMESTAMP in UTC, redeemed BOOLEAN, treated
   * BOOLEAN, converted BOOLEAN: NULL where it is not known). Close it. */
  db: DuckDb;
  numRows: number;
  /** By reason: malformed_row, missing_user, missing_coupon, unparsable_time, bad_redeemed, bad_treated, redeemed_untreated, id_too_long, duplicate. */
  rejected: RejectedCounts;
  inputs: { path: string; bytes: number }[];
}

/**
 * Opens a locked-down in-memory database (it spills to `tempDir`) with the past redemptions, one row for each user,
 * coupon and offer time; of rows that disagree the redeemed one counts.
 */
export async function readRedemptions(request: RedemptionsRequest): Promise<RedemptionsTable> {
  const { source, baseDir, tempDir, threads, memoryLimitMb, signal } = request;
  const resolved = await resolveSource(source, { baseDir, input: "redemptions", field: "inputs.redemptions" });
  const db = await DuckDb.open({
    path: ":memory:",
    tempDir,
    threads,
    memoryLimitMb,
    signal,
    readable: [...resolved.files.map((f) => f.path), ...(request.alsoReadable ?? [])],
  });
  try {
    const time = { format: source.time.format, timeZone: source.time.timeZone ?? request.timeZone };
    await checkTimeFormat(db, time, "inputs.redemptions.time");
    await createMalformedTable(db);
    const loaded = await loadTable({ db, tempDir, memoryLimitMb, signal }, resolved, "loaded_redemptions");
    const column = (key: keyof RedemptionsSource["columns"]) =>
      requireColumn(loaded, source.columns[key], `inputs.redemptions.columns.${key}`);
    const optional = (key: "treated" | "converted") =>
      optionalColumn(loaded, source.columns[key], key, `inputs.redemptions.columns.${key}`);
    const [treated, converted] = [optional("treated"), optional("converted")];
    const ids = [presentTextSql(column("user")), presentTextSql(column("coupon"))] as const;
    await db.run(`
CREATE TABLE judged_redemptions AS
SELECT CASE
    WHEN user_id IS NULL THEN 'missing_user'
    WHEN coupon_id IS NULL THEN 'missing_coupon'
    WHEN strlen(user_id) > ${MAX_ID_BYTES} OR strlen(coupon_id) > ${MAX_ID_BYTES} THEN 'id_too_long'
    WHEN NOT ${isPlausibleTimeSql("offered_us")} THEN 'unparsable_time'
    WHEN redeemed IS NULL THEN 'bad_redeemed'
    WHEN treated IS NULL THEN 'bad_treated'
    WHEN redeemed AND NOT treated THEN 'redeemed_untreated'
    WHEN row_number() OVER (PARTITION BY user_id, coupon_id, offered_us ORDER BY redeemed DESC NULLS LAST, treated DESC, converted DESC NULLS LAST) > 1
    THEN 'duplicate'
  END AS reason, *
FROM (
  SELECT ${ids[0]} AS user_id, ${ids[1]} AS coupon_id,
    ${timeMicrosSql(column("offeredAt"), time)} AS offered_us, ${booleanSql(column("redeemed"))} AS redeemed,
    ${treated === undefined ? "true" : booleanSql(treated)} AS treated,
    ${converted === undefined ? "CAST(NULL AS BOOLEAN)" : booleanSql(converted)} AS converted
  FROM ${loaded.table}
)`);
    await db.run(`
CREATE TABLE redemptions AS
SELECT user_id, coupon_id, make_timestamp(offered_us) AS offered_at, redeemed, treated, redeemed OR converted AS converted
FROM judged_redemptions WHERE reason IS NULL`);
    const rejected: RejectedCounts = loaded.numMalformed > 0 ? { malformed_row: loaded.numMalformed } : {};
    const counts = await db.rows(
      "SELECT reason, count(*) AS n FROM judged_redemptions WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason",
    );
    for (const { reason, n } of counts) rejected[String(reason)] = Number(n);
    await db.run("DROP TABLE judged_redemptions");
    await db.run(`DROP TABLE ${loaded.table}`);
    return {
      db,
      numRows: await db.count("SELECT count(*) FROM redemptions"),
      rejected,
      inputs: resolved.files.map(({ label, bytes }) => ({ path: label, bytes })),
    };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}
