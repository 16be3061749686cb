import { quoteLiteral } from "../duckdb/duckdb.js";
import { dropRejects, keepRejectsSql, readLinesSql } from "./csv-sql.js";
import type { PlainText } from "./plain-text.js";
import { type Consume, checkColumnCount, type ReadContext } from "./relation.js";
import type { ResolvedSource, SourceFile } from "./source.js";

/** JSONL: each line by itself; a line that is no JSON object is malformed. Values become text, null and absent NULL. */
export async function readJsonl(
  context: ReadContext,
  source: ResolvedSource,
  file: SourceFile,
  text: PlainText,
  head: readonly string[],
  wanted: readonly string[] | "all",
  consume: Consume,
): Promise<void> {
  const { db } = context;
  const lines = readLinesSql(text.path, text.compression);
  let names = keysOf(head);
  if (wanted === "all" || wanted.some((name) => !names.includes(name))) {
    await dropRejects(db);
    const rows = await db.rows(
      `SELECT DISTINCT unnest(json_keys(line)) AS key FROM (SELECT ${jsonObjectSql("line")} AS line FROM ${lines}) ` +
        "WHERE line IS NOT NULL ORDER BY key",
    );
    names = rows.map((r) => String(r.key));
  }
  checkColumnCount(names.length, file.label);
  const pointers = names.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  const extract = `json_extract_string(object, [${pointers.map(quoteLiteral).join(", ")}])`;
  await dropRejects(db);
  await consume({
    from:
      `(SELECT line, object, ${names.length === 0 ? "CAST([] AS VARCHAR[])" : extract} AS parts ` +
      `FROM (SELECT line, ${jsonObjectSql("line")} AS object FROM ${lines} WHERE line IS NOT NULL))`,
    columns: names.map((name, i) => ({ name, sql: `parts[${i + 1}]`, type: "VARCHAR" })),
    rawJson: "CASE WHEN object IS NULL THEN CAST(to_json({'line': left(line, 10000)}) AS VARCHAR) ELSE line END",
    rowNumber: "CAST(NULL AS BIGINT)",
    malformed: "object IS NULL",
    label: file.label,
  });
  await db.run(keepRejectsSql(source.input, file.label));
}

function jsonObjectSql(line: string): string {
  return `CASE WHEN json_valid(${line}) THEN CASE WHEN json_type(${line}) = 'OBJECT' THEN ${line} END END`;
}

function keysOf(lines: readonly string[]): string[] {
  const keys = new Set<string>();
  for (const line of lines) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      continue;
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const key of Object.keys(value)) keys.add(key);
    }
  }
  return [...keys].sort();
}
