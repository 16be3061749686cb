/**
 * SQL: a text that a spreadsheet would take for a formula, made harmless by a leading apostrophe. An id that a shopper
 * chose may otherwise run a command on the machine of whoever opens the CSV file.
 * Source: OWASP, "CSV Injection": cells that begin with = + - @ tab or carriage return.
 */
export function guardedTextSql(text: string): string {
  return `CASE WHEN left(${text}, 1) IN ('=', '+', '-', '@', chr(9), chr(13)) THEN '''' || ${text} ELSE ${text} END`;
}

/** Whether a text looks as `guardedTextSql` writes it. */
export function isGuarded(text: string): boolean {
  return /^'[=+\-@\t\r]/.test(text);
}

/** The ending of every COPY to a table format; quoting of CSV is RFC 4180's. */
export const COPY_OPTIONS = {
  csv: "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"'",
  parquet: "FORMAT parquet, COMPRESSION zstd",
  jsonl: "FORMAT json, ARRAY false",
} as const;
