/** The tables beside the events: users and items. */
import type { ItemsSource, UsersSource } from "../campaign/schema/sources.js";
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { booleanSql, inferTextTypes, type LoadedTable, loadTable, presentTextSql } from "../source/load-table.js";
import type { ReadContext, SourceColumn } from "../source/relation.js";
import { findColumn, type ResolvedSource, requireColumn } from "../source/source.js";
import { MAX_ID_BYTES } from "./event-sql.js";

/** Rows of a table that were left out, by reason: malformed_row, missing_id, id_too_long, duplicate, ... */
export type RejectedCounts = Record<string, number>;

/** Created by the caller before users and items are read; rows go on to rejected.parquet. */
export const CREATE_REJECTED_TABLE_ROWS =
  "CREATE TABLE rejected_table_rows (input VARCHAR, reason VARCHAR, file VARCHAR, row_number BIGINT, raw VARCHAR)";

export interface UsersTable {
  /** Column of the users source for each attribute column `attr_<name>` of users.parquet, as SQL name and type. */
  attributes: { name: string; sql: string; type: string }[];
  hasConsent: boolean;
  rejected: RejectedCounts;
  warnings: string[];
}

/** A column under its default name may be absent; one that the user named must exist. */
export function optionalColumn(
  loaded: LoadedTable,
  name: string,
  defaultName: string,
  field: string,
): SourceColumn | undefined {
  return name === defaultName ? findColumn(loaded, name, field) : requireColumn(loaded, name, field);
}

/**
 * Reads the users source into the table `known_users`: user_id, consent, channel, store, tier, birth_month, birth_day
 * and attr_0, attr_1, ... in source order. One row a user: of several the one that withholds consent wins, then the
 * first in a total order over the content. A consent that is missing or says neither yes nor no is no consent.
 */
export async function readUsers(
  context: ReadContext,
  source: UsersSource,
  resolved: ResolvedSource,
): Promise<UsersTable> {
  const { db } = context;
  const loaded = await loadTable(context, resolved, "loaded_users");
  const { columns } = source;
  const field = `${resolved.field}.columns`;
  const id = requireColumn(loaded, columns.id, `${field}.id`);
  const consent = optionalColumn(loaded, columns.consent, "consent", `${field}.consent`);
  const channel = optionalColumn(loaded, columns.channel, "channel", `${field}.channel`);
  const store = optionalColumn(loaded, columns.store, "store", `${field}.store`);
  const tier = optionalColumn(loaded, columns.tier, "tier", `${field}.tier`);
  const birthday = optionalColumn(loaded, columns.birthday, "birthday", `${field}.birthday`);
  const attributes = await attributeColumns(db, loaded);

  const channelText = channel === undefined ? undefined : `lower(trim(${presentTextSql(channel)}))`;
  const tierText = tier === undefined ? undefined : presentTextSql(tier);
  const consentSql = consent === undefined ? "true" : `coalesce(${booleanSql(consent)}, false)`;
  const rejected = await keepUniqueRows(db, loaded, id, {
    target: "known_users",
    idName: "user_id",
    input: "users",
    firstBy: consentSql,
    values: [
      `${consentSql} AS consent`,
      channelText === undefined
        ? "'both' AS channel"
        : `CASE WHEN ${channelText} IN ('online', 'offline', 'both') THEN ${channelText} ELSE 'both' END AS channel`,
      `${store === undefined ? "CAST(NULL AS VARCHAR)" : presentTextSql(store)} AS store`,
      tierText === undefined
        ? "CAST(NULL AS VARCHAR) AS tier"
        : `CASE WHEN lower(trim(${tierText})) <> 'none' THEN ${tierText} END AS tier`,
      `${birthdaySql(birthday).month} AS birth_month`,
      `${birthdaySql(birthday).day} AS birth_day`,
      ...attributes.map(({ sql, type }, i) => `CAST(${sql} AS ${type}) AS attr_${i}`),
    ],
  });

  const warnings: string[] = [];
  await warnAbout(db, warnings, loaded, consent, "consent", (c) => `${booleanSql(c)} IS NULL`, "read as no consent");
  await warnAbout(
    db,
    warnings,
    loaded,
    channel,
    "channel",
    (c) => `lower(trim(${presentTextSql(c)})) NOT IN ('online', 'offline', 'both')`,
    "read as both",
  );
  await warnAbout(db, warnings, loaded, birthday, "birthday", (c) => `${birthdaySql(c).month} IS NULL`, "ignored");
  await db.run(`DROP TABLE ${loaded.table}`);
  return { attributes, hasConsent: consent !== undefined, rejected, warnings };
}

/** Attribute columns with their types; names that differ only in case cannot be told apart in SQL or Parquet readers. */
async function attributeColumns(db: DuckDb, loaded: LoadedTable): Promise<UsersTable["attributes"]> {
  const seen = new Map<string, string>();
  for (const { name } of loaded.columns) {
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) {
      throw invalidArgument(
        `${loaded.label}: the columns ${JSON.stringify(other)} and ${JSON.stringify(name)} differ at most in case`,
        { file: loaded.label, hint: "rename one of them" },
      );
    }
    seen.set(folded, name);
    // Checks the name too: it becomes a column name of users.parquet.
    quoteIdentifier(name);
  }
  const inferred = await inferTextTypes(db, loaded);
  return loaded.columns.map(({ name, sql, type }) => ({ name, sql, type: inferred.get(sql) ?? type }));
}

/** Month and day of a date, a timestamp, YYYY-MM-DD... or MM-DD; NULL where there is no such day (29 February is one). */
function birthdaySql(column: SourceColumn | undefined): { month: string; day: string } {
  if (column === undefined) return { month: "CAST(NULL AS UTINYINT)", day: "CAST(NULL AS UTINYINT)" };
  const text = `trim(${presentTextSql(column)})`;
  const monthDay = `CASE WHEN regexp_full_match(${text}, '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?') THEN substr(${text}, 6, 5) WHEN regexp_full_match(${text}, '[0-9]{2}-[0-9]{2}') THEN ${text} END`;
  const date = `TRY_CAST('2000-' || ${monthDay} AS DATE)`;
  return { month: `CAST(month(${date}) AS UTINYINT)`, day: `CAST(day(${date}) AS UTINYINT)` };
}

/**
 * Reads the items source into the table `known_items`: item_id, category, price_minor (DOUBLE), margin_rate (DOUBLE).
 * One row an item: the first in a total order over the content.
 */
export async function readItems(
  context: ReadContext,
  source: ItemsSource,
  resolved: ResolvedSource,
  minorPerMajor: number,
): Promise<{ rejected: RejectedCounts; warnings: string[] }> {
  const { db } = context;
  const loaded = await loadTable(context, resolved, "loaded_items");
  const { columns } = source;
  const field = `${resolved.field}.columns`;
  const id = requireColumn(loaded, columns.id, `${field}.id`);
  const category = optionalColumn(loaded, columns.category, "category", `${field}.category`);
  const price = optionalColumn(loaded, columns.price, "price_minor", `${field}.price`);
  const margin = optionalColumn(loaded, columns.marginRate, "margin_rate", `${field}.marginRate`);
  const numberSql = (c: SourceColumn) => {
    const value = `TRY_CAST(${c.sql} AS DOUBLE)`;
    return `CASE WHEN isfinite(${value}) THEN ${value} END`;
  };
  const priceSql = (c: SourceColumn) => `CASE WHEN ${numberSql(c)} >= 0 THEN ${numberSql(c)} END`;
  const toMinor = source.priceUnit === "major" ? ` * ${minorPerMajor}` : "";
  const rejected = await keepUniqueRows(db, loaded, id, {
    target: "known_items",
    idName: "item_id",
    input: "items",
    firstBy: "true",
    values: [
      `${category === undefined ? "CAST(NULL AS VARCHAR)" : presentTextSql(category)} AS category`,
      `${price === undefined ? "CAST(NULL AS DOUBLE)" : `(${priceSql(price)})${toMinor}`} AS price_minor`,
      `${margin === undefined ? "CAST(NULL AS DOUBLE)" : numberSql(margin)} AS margin_rate`,
    ],
  });
  const warnings: string[] = [];
  await warnAbout(db, warnings, loaded, price, "price", (c) => `(${priceSql(c)}) IS NULL`, "ignored");
  await warnAbout(db, warnings, loaded, margin, "margin rate", (c) => `(${numberSql(c)}) IS NULL`, "ignored");
  await db.run(`DROP TABLE ${loaded.table}`);
  return { rejected, warnings };
}

/** Copies the rows with a usable id, one for each id, to `target`; the others to rejected_table_rows. */
export async function keepUniqueRows(
  db: DuckDb,
  loaded: LoadedTable,
  id: SourceColumn,
  options: { target: string; idName: string; input: string; firstBy: string; values: string[] },
): Promise<RejectedCounts> {
  const idText = presentTextSql(id);
  await db.run(`
CREATE TABLE judged_rows AS
SELECT
  CASE WHEN ${idText} IS NULL THEN 'missing_id' WHEN strlen(${idText}) > ${MAX_ID_BYTES} THEN 'id_too_long'
    WHEN row_number() OVER (PARTITION BY ${idText} ORDER BY ${options.firstBy}, ${loaded.rawJson}, file, row_number) > 1
    THEN 'duplicate' END AS reason,
  *
FROM ${loaded.table}`);
  await db.run(`
INSERT INTO rejected_table_rows
SELECT ${quoteLiteral(options.input)}, reason, file, row_number, ${loaded.rawJson} FROM judged_rows WHERE reason IS NOT NULL`);
  await db.run(`
CREATE TABLE ${options.target} AS
SELECT ${idText} AS ${options.idName}, ${options.values.join(", ")} FROM judged_rows WHERE reason IS NULL`);
  const counts = await db.rows(
    "SELECT reason, count(*) AS n FROM judged_rows WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason",
  );
  await db.run("DROP TABLE judged_rows");
  const rejected: RejectedCounts = {};
  if (loaded.numMalformed > 0) rejected.malformed_row = loaded.numMalformed;
  for (const { reason, n } of counts) rejected[String(reason)] = Number(n);
  return rejected;
}

async function warnAbout(
  db: DuckDb,
  warnings: string[],
  loaded: LoadedTable,
  column: SourceColumn | undefined,
  what: string,
  isBad: (column: SourceColumn) => string,
  consequence: string,
): Promise<void> {
  if (column === undefined) return;
  const n = await db.count(
    `SELECT count(*) FROM ${loaded.table} WHERE ${presentTextSql(column)} IS NOT NULL AND ${isBad(column)}`,
  );
  if (n > 0) warnings.push(`${loaded.label}: ${n} rows with a ${what} that cannot be read: ${consequence}`);
}
