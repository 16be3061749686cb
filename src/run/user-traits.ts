/** What the response model learns of users besides what they do: membership, channel and attributes. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { ATTRIBUTE, type UserAttribute, type UserTraits } from "../response/model.js";
import { openStageDb, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";

const MAX_TRAIT_VALUES = 16;

/**
 * Membership, channel and the attributes of few values; of each the commonest values by name.
 *
 * @param read the columns that membership and channel were read from, which would say the same once more
 */
async function userAttributes(db: DuckDb, relation: string, read: readonly string[]): Promise<UserAttribute[]> {
  const others = (await db.describe(`SELECT * FROM ${relation}`)).filter(
    ({ name, type }) =>
      ATTRIBUTE.test(name) &&
      (type === "VARCHAR" || type === "BOOLEAN") &&
      !read.includes(name.replace(ATTRIBUTE, "").toLowerCase()),
  );
  const names = ["tier", "channel"];
  for (const { name } of others) {
    const values = await db.count(`SELECT count(DISTINCT ${quoteIdentifier(name)}) FROM ${relation}`);
    if (values > 1 && values <= MAX_TRAIT_VALUES) names.push(name);
  }
  const attributes: UserAttribute[] = [];
  for (const column of names) {
    const name = quoteIdentifier(column);
    const common = await db.rows(
      `SELECT ${name}::VARCHAR AS value, count(*) AS n FROM ${relation} WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY n DESC, value LIMIT ${MAX_TRAIT_VALUES}`,
    );
    attributes.push({ column, values: common.map(({ value }) => String(value)) });
  }
  return attributes;
}

/** Attributes of each user: those that a model knows, or those that one may be made of; `absent`: columns that the users lack. */
export async function userTraits(
  context: RunContext,
  ingested: IngestStage,
  scratch: string,
  known?: UserAttribute[],
): Promise<UserTraits & { absent: string[] }> {
  const path = join(ingested.dir, INGEST_FILES.users);
  const db = await openStageDb(context, scratch, [path]);
  const relation = `read_parquet(${quoteLiteral(path)})`;
  const columns = context.loaded.campaign.inputs.users?.columns;
  const read = [columns?.tier, columns?.channel].flatMap((name) => name?.toLowerCase() ?? []);
  try {
    const attributes = known ?? (await userAttributes(db, relation, read));
    const there = (await db.describe(`SELECT * FROM ${relation}`)).map(({ name }) => name);
    const width = attributes.length;
    const values = new Int32Array(ingested.result.numUsers * width);
    let other = 0;
    const codes = attributes.map(({ column, values: named }) => {
      const cases = named.map((value, i) => `WHEN ${quoteLiteral(value)} THEN ${other + 1 + i}`);
      const known = there.includes(column) && cases.length > 0;
      const sql = known ? `CASE ${quoteIdentifier(column)}::VARCHAR ${cases.join(" ")} ELSE ${other} END` : `${other}`;
      other += 1 + named.length;
      return sql;
    });
    let begin = 0;
    if (width > 0) {
      const types = codes.map(() => "I32" as const);
      const sql = `SELECT ${codes.join(", ")} FROM ${relation} ORDER BY row`;
      for await (const batch of db.streamColumns(sql, types)) {
        for (const [t, column] of batch.columns.entries()) {
          for (let i = 0; i < batch.numRows; i++) values[(begin + i) * width + t] = column[i]!;
        }
        begin += batch.numRows;
      }
    }
    const absent = attributes.map(({ column }) => column).filter((column) => !there.includes(column));
    return { attributes, values, absent };
  } finally {
    db.close();
    await rm(join(scratch, "spill"), { recursive: true, force: true });
  }
}
