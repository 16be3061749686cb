/** The SQL that reads text files with DuckDB. Every option is given, so that nothing is guessed from a sample. */
import { type DuckDb, escapeGlob, quoteLiteral } from "../duckdb/duckdb.js";

/** The last code point of Unicode, a non-character: as a delimiter it makes a line one field. */
const NO_DELIMITER = "\u{10ffff}";

/** Rejected records of the latest read_csv, one row for each problem. Scan-local, so dropped before each read. */
const REJECTS_TABLE = "csv_rejects";
const REJECTS_SCAN_TABLE = "csv_reject_scans";

export async function dropRejects(db: DuckDb): Promise<void> {
  for (const table of [REJECTS_TABLE, REJECTS_SCAN_TABLE]) await db.run(`DROP TABLE IF EXISTS temp.${table}`);
}

const storeRejects = `store_rejects = true, rejects_limit = 0, rejects_table = '${REJECTS_TABLE}', rejects_scan = '${REJECTS_SCAN_TABLE}'`;

/** Reads a CSV file with a one-line header; all columns are VARCHAR named c0, c1, ...; an empty field is NULL. */
export function readCsvSql(path: string, delimiter: string, numColumns: number, compression: string): string {
  const columns = Array.from({ length: numColumns }, (_, i) => `'c${i}': 'VARCHAR'`).join(", ");
  return (
    `read_csv(${quoteLiteral(escapeGlob(path))}, auto_detect = false, header = true, columns = {${columns}}, ` +
    `delim = ${quoteLiteral(delimiter)}, quote = '"', escape = '"', nullstr = '', strict_mode = true, ` +
    `compression = '${compression}', ${storeRejects})`
  );
}

/** Reads physical lines as one VARCHAR column `line`; an empty line is NULL. */
export function readLinesSql(path: string, compression: string): string {
  return (
    `read_csv(${quoteLiteral(escapeGlob(path))}, auto_detect = false, header = false, columns = {'line': 'VARCHAR'}, ` +
    `delim = '${NO_DELIMITER}', quote = '', escape = '', nullstr = '', strict_mode = false, ` +
    `compression = '${compression}', ${storeRejects})`
  );
}

/** Records that the latest read refused (each may have several problems). */
export function countRejectsSql(): string {
  return `SELECT count(DISTINCT line) FROM temp.${REJECTS_TABLE}`;
}

/** Copies them into the table `malformed`. DuckDB numbers records, counting the header as 1. */
export function keepRejectsSql(input: string, file: string): string {
  return (
    `INSERT INTO malformed SELECT ${quoteLiteral(input)}, ${quoteLiteral(file)}, line, ` +
    `CAST(to_json({'line': min(csv_line)}) AS VARCHAR) FROM temp.${REJECTS_TABLE} GROUP BY line`
  );
}
