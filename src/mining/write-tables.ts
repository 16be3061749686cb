/** Itemsets and rules as tables, with the ids of the items. */
import { DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { COPY_OPTIONS } from "../table/csv-guard.js";
import type { OutputFile } from "../table/output-file.js";
import { type TableFormat, tableFormatOf } from "../table/table-format.js";
import { yieldToEventLoop } from "../util/yield.js";
import type { ItemsetList } from "./itemset-list.js";
import type { RuleList } from "./rules.js";

export interface WriteOptions {
  threads: number;
  signal?: AbortSignal | undefined;
}

const ROWS_PER_BATCH = 8192;
const MEMORY_LIMIT_MB = 2048;

interface Column<T> {
  name: string;
  /** ids: a list, in CSV as JSON, since any sign may be part of an id. */
  type: "ids" | "count" | "number";
  of: (row: T) => readonly string[] | number;
}

/** Columns: items, length, count, support; in the order of the list. Errors: ERR_COUPONCAST_IO, _CANCELLED. */
export function writeItemsetTable(
  itemsets: ItemsetList,
  ids: readonly string[],
  output: OutputFile,
  options: WriteOptions,
): Promise<void> {
  return writeTable(itemsets, output, options, [
    { name: "items", type: "ids", of: ({ items }) => items.map((item) => ids[item]!) },
    { name: "length", type: "count", of: ({ items }) => items.length },
    { name: "count", type: "count", of: ({ support }) => support },
    { name: "support", type: "number", of: ({ support }) => support / itemsets.numBaskets },
  ]);
}

/** Columns: antecedent, consequent, count and the metrics; in the order of the list. Errors: ERR_COUPONCAST_IO, _CANCELLED. */
export function writeRuleTable(
  rules: RuleList,
  ids: readonly string[],
  output: OutputFile,
  options: WriteOptions,
): Promise<void> {
  return writeTable(rules, output, options, [
    { name: "antecedent", type: "ids", of: ({ antecedent }) => antecedent.map((item) => ids[item]!) },
    { name: "consequent", type: "ids", of: ({ consequent }) => consequent.map((item) => ids[item]!) },
    { name: "count", type: "count", of: ({ count }) => count },
    { name: "antecedent_count", type: "count", of: ({ antecedentCount }) => antecedentCount },
    { name: "consequent_count", type: "count", of: ({ consequentCount }) => consequentCount },
    { name: "support", type: "number", of: ({ support }) => support },
    { name: "confidence", type: "number", of: ({ confidence }) => confidence },
    { name: "lift", type: "number", of: ({ lift }) => lift },
    { name: "leverage", type: "number", of: ({ leverage }) => leverage },
    { name: "conviction", type: "number", of: ({ conviction }) => conviction },
    { name: "zhang", type: "number", of: ({ zhang }) => zhang },
  ]);
}

/** A value as the table says it; JSON has no infinity. */
function valueSql({ name, type }: Column<never>, format: TableFormat): string {
  const column = quoteIdentifier(name);
  if (type === "count") return column;
  if (type === "ids") return format === "csv" ? column : `from_json(${column}, '["VARCHAR"]') AS ${column}`;
  const number = `CAST(${column} AS DOUBLE)`;
  return `${format === "jsonl" ? `CASE WHEN isfinite(${number}) THEN ${number} END` : number} AS ${column}`;
}

async function writeTable<T>(
  rows: Iterable<T>,
  output: OutputFile,
  { threads, signal }: WriteOptions,
  columns: readonly Column<T>[],
): Promise<void> {
  const format = tableFormatOf(output.path);
  const db = await DuckDb.open({
    path: ":memory:",
    tempDir: output.scratch,
    memoryLimitMb: MEMORY_LIMIT_MB,
    threads,
    preserveInsertionOrder: true,
    signal,
  });
  try {
    const declared = columns.map(
      ({ name, type }) => `${quoteIdentifier(name)} ${type === "count" ? "BIGINT" : "VARCHAR"}`,
    );
    await db.run(`CREATE TABLE rows (row_number BIGINT, ${declared.join(", ")})`);
    const types = columns.map(({ type }) => (type === "count" ? ("I64" as const) : ("TEXT" as const)));
    const appender = await db.openAppender("rows", ["I64", ...types]);
    let batch: (string | bigint)[][] = [[], ...columns.map(() => [])];
    let number = 0n;
    const flush = () => {
      if (batch[0]!.length > 0) appender.append(batch);
      batch = [[], ...columns.map(() => [])];
    };
    for (const row of rows) {
      batch[0]!.push(number++);
      for (const [c, { type, of }] of columns.entries()) {
        const value = of(row);
        // A number's shortest text reads back as the same number.
        batch[c + 1]!.push(
          type === "count" ? BigInt(value as number) : type === "ids" ? JSON.stringify(value) : String(value),
        );
      }
      if (batch[0]!.length < ROWS_PER_BATCH) continue;
      flush();
      await yieldToEventLoop();
    }
    flush();
    appender.close();
    const select = columns.map((column) => valueSql(column as Column<never>, format));
    await db.run(
      `COPY (SELECT ${select.join(", ")} FROM rows ORDER BY row_number) TO ${quoteLiteral(output.path)} (${COPY_OPTIONS[format]})`,
    );
  } finally {
    db.close();
  }
}
