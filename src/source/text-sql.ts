import type { SourceColumn } from "./relation.js";

const WHITE_SPACE = "' ' || chr(9) || chr(10) || chr(13)";

/** SQL: a column of any type as text. */
export function textSql({ sql, type }: Pick<SourceColumn, "sql" | "type">): string {
  return type === "VARCHAR" ? sql : `CAST(${sql} AS VARCHAR)`;
}

/**
 * SQL: the text, or NULL where there is nothing but white space in it. The comparison settles nearly every row: `!` is
 * the first printable character after the space, and trim is slow.
 */
export function blankToNull(text: string): string {
  return `CASE WHEN ${text} >= '!' THEN ${text} WHEN trim(${text}, ${WHITE_SPACE}) <> '' THEN ${text} END`;
}
