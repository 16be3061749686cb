/** Loads a small table (users, items, redemptions) whole, and finds a type for columns that came as text. */

import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { readSource } from "./read-source.js";
import type { ReadContext, Relation, SourceColumn } from "./relation.js";
import type { ResolvedSource } from "./source.js";
import { blankToNull, textSql } from "./text-sql.js";

/** A table in the database whose columns c0, c1, ... stand for named columns of a source. */
export interface LoadedTable {
  table: string;
  columns: SourceColumn[];
  /** SQL: the row as JSON text. */
  rawJson: string;
  label: string;
  numRows: number;
  /** Rows that could not be taken apart; they are in the table `malformed`. */
  numMalformed: number;
}

/**
 * Reads all files of a source into one table; malformed rows go to `malformed`. Files must agree on their columns (in
 * any order). Types are those of the first file; columns of text stay text, see inferTextTypes.
 */
export async function loadTable(context: ReadContext, source: ResolvedSource, table: string): Promise<LoadedTable> {
  const { db } = context;
  let columns: SourceColumn[] | undefined;
  let rawJson = "";
  let label = "";
  await readSource(context, source, "all", async (relation) => {
    if (columns === undefined) {
      label = relation.label;
      columns = relation.columns.map(({ name, type }, i) => ({ name, sql: `c${i}`, type }));
      const pairs = columns.map((c) => `${quoteLiteral(c.name)}, CAST(${c.sql} AS VARCHAR)`);
      rawJson = `CAST(json_object(${pairs.join(", ")}) AS VARCHAR)`;
    }
    const definitions = ["file VARCHAR", "row_number BIGINT", ...columns.map((c) => `${c.sql} ${c.type}`)];
    // Inside the reader's transaction, so that a second attempt starts afresh.
    await db.run(`CREATE TABLE IF NOT EXISTS ${table} (${definitions.join(", ")})`);
    if (relation.malformed !== "false") {
      await db.run(
        `INSERT INTO malformed SELECT ${quoteLiteral(source.input)}, ${quoteLiteral(relation.label)}, ` +
          `${relation.rowNumber}, ${relation.rawJson} FROM ${relation.from} WHERE ${relation.malformed}`,
      );
    }
    const values = columns.map(
      ({ name, sql }, i) => matchingColumn(relation, columns!, name, i, label) ?? `NULL AS ${sql}`,
    );
    return db.run(
      `INSERT INTO ${table} SELECT ${[quoteLiteral(relation.label), relation.rowNumber, ...values].join(", ")} ` +
        `FROM ${relation.from} WHERE NOT (${relation.malformed})`,
    );
  });
  if (columns === undefined) throw invalidArgument(`${source.field} names no file`, { field: source.field });
  const numRows = await db.count(`SELECT count(*) FROM ${table}`);
  const numMalformed = await db.count(`SELECT count(*) FROM malformed WHERE input = ${quoteLiteral(source.input)}`);
  return { table, columns, rawJson, label, numRows, numMalformed };
}

/** The expression of a further file's column with the i-th name of the first file. */
function matchingColumn(
  relation: Relation,
  columns: readonly SourceColumn[],
  name: string,
  index: number,
  firstLabel: string,
): string | undefined {
  const sameOrder = relation.columns.length === columns.length && relation.columns[index]?.name === name;
  const found = sameOrder ? relation.columns[index] : relation.columns.find((c) => c.name === name);
  const extra = relation.columns.find((c) => !columns.some((known) => known.name === c.name));
  if (found === undefined || extra !== undefined) {
    const [present, absent, column] =
      found === undefined ? [firstLabel, relation.label, name] : [relation.label, firstLabel, extra!.name];
    throw invalidArgument(`${present} has a column ${JSON.stringify(column)}, ${absent} has not`, {
      file: relation.label,
      hint: "the files of one source need the same columns",
    });
  }
  return found.sql;
}

/**
 * For each text column the narrowest type that every value fits without a loss, in this order: BOOLEAN (true, false),
 * BIGINT, DOUBLE, VARCHAR. Numbers with leading zeros or a plus sign (postal codes, phones) stay text. A column
 * without values stays text. Looks at all rows, so neither a sample nor the row order decides.
 */
export async function inferTextTypes(db: DuckDb, loaded: LoadedTable): Promise<Map<string, string>> {
  const texts = loaded.columns.filter((c) => c.type === "VARCHAR");
  const types = new Map<string, string>();
  if (texts.length === 0) return types;
  const isDecimal = (sql: string) => `regexp_full_match(${sql}, '-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?')`;
  const tests = texts.flatMap(({ sql }, i) => [
    `bool_and(lower(${sql}) IN ('true', 'false')) AS boolean_${i}`,
    `bool_and(coalesce(CAST(TRY_CAST(${sql} AS BIGINT) AS VARCHAR) = ${sql}, false)) FILTER (WHERE ${sql} IS NOT NULL) AS integer_${i}`,
    `bool_and(${isDecimal(sql)} AND coalesce(isfinite(TRY_CAST(${sql} AS DOUBLE)), false)) FILTER (WHERE ${sql} IS NOT NULL) AS double_${i}`,
  ]);
  const row = await db.row(`SELECT ${tests.join(", ")} FROM ${loaded.table}`);
  texts.forEach(({ sql }, i) => {
    const type = row[`boolean_${i}`]
      ? "BOOLEAN"
      : row[`integer_${i}`]
        ? "BIGINT"
        : row[`double_${i}`]
          ? "DOUBLE"
          : "VARCHAR";
    types.set(sql, type);
  });
  return types;
}

/** SQL: the text of a column of any type, NULL when there is nothing but white space in it. */
export function presentTextSql(column: SourceColumn): string {
  return blankToNull(textSql(column));
}

/** SQL: true, false, or NULL where the text says neither. */
export function booleanSql(column: SourceColumn): string {
  if (column.type === "BOOLEAN") return column.sql;
  return (
    `CASE WHEN lower(trim(${presentTextSql(column)})) IN ('true', 't', 'yes', 'y', '1', '1.0') THEN true ` +
    `WHEN lower(trim(${presentTextSql(column)})) IN ('false', 'f', 'no', 'n', '0', '0.0') THEN false END`
  );
}
