/** The certificate's last word: the written table, read again and counted against every limit. */
import { checkAssignment } from "../allocate/allocate.js";
import { countDraws } from "../allocate/explore.js";
import type { Limits } from "../allocate/limits.js";
import { type CandidateTable, MILLI, Problem } from "../allocate/problem.js";
import type { Candidates } from "../allocate/table-of.js";
import { type DuckDb, escapeGlob, quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";
import { guardedTextSql } from "../table/csv-guard.js";
import type { OutputFile } from "../table/output-file.js";
import { tableFormatOf } from "../table/table-format.js";

/** The two columns that say who got what; the numbers beside them are the writer's. */
function readWritten(path: string, drawn: boolean): string {
  const file = quoteLiteral(escapeGlob(path));
  const format = tableFormatOf(path);
  if (format === "parquet") return `read_parquet(${file})`;
  const texts = (names: string[]) => `{${names.map((name) => `'${name}': 'VARCHAR'`).join(", ")}}`;
  const names = ["user_id", "coupon_id"];
  if (format === "jsonl") return `read_json(${file}, format = 'newline_delimited', columns = ${texts(names)})`;
  names.push("rank", "value_minor", "cost_minor", ...(drawn ? ["propensity"] : []));
  return `read_csv(${file}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = ${texts(names)})`;
}

function torn(output: OutputFile, what: string): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_INTERNAL", `${output.target}: what was written ${what}`);
}

export interface Written {
  table: CandidateTable;
  candidates: Candidates;
  limits: Limits;
  raw: boolean;
  /** By lot: limits hold in expectation only. */
  drawn: boolean;
  expected: { assigned: number; valueMinor: number; spendMinor: number };
}

/** `db` holds the tables users and coupons (row, id) and may read the output. Errors: ERR_COUPONCAST_INTERNAL. */
export async function recountWritten(
  executor: Executor,
  db: DuckDb,
  output: OutputFile,
  { table, candidates, limits, raw, drawn, expected }: Written,
): Promise<void> {
  const { width, counts, coupons } = candidates;
  const text = (id: string) => (tableFormatOf(output.path) === "csv" && !raw ? guardedTextSql(id) : id);
  const from = readWritten(output.path, drawn);
  const sql = `SELECT coalesce(CAST(u.row AS INTEGER), -1), coalesce(CAST(c.row AS INTEGER), -1) FROM ${from} t
    LEFT JOIN users u ON ${text("u.id")} = t.user_id LEFT JOIN coupons c ON ${text("c.id")} = t.coupon_id`;
  const chosen = shared.u8(counts.length * width);
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32", "I32"])) {
    for (let i = 0; i < numRows; i++) {
      const user = columns[0][i]!;
      const first = user * width;
      const place = user < 0 ? -1 : coupons.subarray(first, first + counts[user]!).indexOf(columns[1][i]!);
      if (place < 0 || chosen[first + place] === 1)
        throw torn(output, "holds a row that is no candidate, or one twice");
      chosen[first + place] = 1;
    }
    executor.checkCancelled();
  }
  const problem = await Problem.create(executor, table, limits);
  const recount = await (drawn ? countDraws : checkAssignment)(executor, problem, chosen);
  const { assigned, valueMinor, spendMinor } = expected;
  if (
    recount.assigned !== assigned ||
    recount.valueMilli / MILLI !== valueMinor ||
    recount.spendMilli / MILLI !== spendMinor
  )
    throw torn(output, "does not add up to what was allocated");
}
