import { extname } from "node:path";
import { query } from "../ingest/harness.js";

const READERS: Record<string, string> = {
  ".csv": "read_csv(?, all_varchar = true, header = true)",
  ".parquet": "read_parquet(?)",
  ".jsonl": "read_json(?, format = 'newline_delimited')",
};

/** Rows of a table that the command line wrote, as text, in the order of the file; missing values are "". */
export async function readTable(path: string): Promise<Record<string, string>[]> {
  const rows = await query(`SELECT * FROM ${READERS[extname(path)]}`, path);
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? "" : String(value)])),
  );
}
