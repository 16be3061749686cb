import { join } from "node:path";
import { identityComponents } from "../allocate/identity.js";
import { quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { didYouMean } from "../util/nearest-name.js";
import { openStageDb, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";

const PREFIX = "attr_";

/**
 * [users] which accounts are one: those that share a value of one of the columns of the users table, directly or through
 * others. Errors: ERR_COUPONCAST_INVALID_ARGUMENT where there is no such column.
 */
export async function userIdentities(
  context: RunContext,
  ingested: IngestStage,
  columns: readonly string[],
  scratch: string,
): Promise<Int32Array> {
  const users = join(ingested.dir, INGEST_FILES.users);
  const db = await openStageDb(context, scratch, [users], 1);
  try {
    const relation = `read_parquet(${quoteLiteral(users)})`;
    const known = (await db.describe(`SELECT * FROM ${relation}`))
      .filter(({ name }) => name.startsWith(PREFIX))
      .map(({ name }) => name.slice(PREFIX.length));
    for (const name of columns) {
      if (known.includes(name)) continue;
      throw invalidArgument(
        `caps.identity: expected columns of inputs.users (${known.slice(0, 10).join(", ")}) but received ${JSON.stringify(name)}${didYouMean(name, known)}`,
        { field: "caps.identity" },
      );
    }
    // A device of one name is another thing than an address of that name.
    const parts = columns.map(
      (name, kind) => `SELECT row, ${kind} AS kind, ${quoteIdentifier(PREFIX + name)}::VARCHAR AS key FROM ${relation}`,
    );
    const sql = `SELECT CAST(row AS INTEGER), CAST(dense_rank() OVER (ORDER BY kind, key) - 1 AS INTEGER)
      FROM (${parts.join(" UNION ALL ")}) WHERE key IS NOT NULL ORDER BY 1, 2`;
    const rows: Int32Array[] = [];
    const keys: Int32Array[] = [];
    for await (const { columns: read } of db.streamColumns(sql, ["I32", "I32"])) {
      rows.push(read[0].slice());
      keys.push(read[1].slice());
    }
    return identityComponents(ingested.result.numUsers, joined(rows), joined(keys));
  } finally {
    db.close();
  }
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
