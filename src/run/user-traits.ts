/** What the response model learns of users besides what they do: membership, channel and attributes. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { ATTRIBUTE, type UserAttribute, type UserTraits } from "../response/model.js";
import { openStageDb, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";

const MAX_TRAIT_VALUES = 16;

/** Membership, channel and the attributes of few values; of each the commonest values by name. */
async function userAttributes(db: DuckDb, relation: string): Promise<UserAttribute[]> {
  const others = (await db.describe(`SELECT * FROM ${relation}`)).filter(
    ({ name, type }) => ATTRIBUTE.test(name) && (type === "VARCHAR" || type === "BOOLEAN"),
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
  try {
    const attributes = known ?? (await userAttributes(db, relation));
    const columns = (await db.describe(`SELECT * FROM ${relation}`)).map(({ name }) => name);
    const width = attributes.length;
    const values = new Int32Array(ingested.result.numUsers * width);
    let other = 0;
    for (const [t, { column, values: named }] of attributes.entries()) {
      const codes = new Map(named.map((value, i) => [value, other + 1 + i]));
      const value = columns.includes(column) ? quoteIdentifier(column) : "NULL";
      let row = 0;
      const sql = `SELECT ${value}::VARCHAR FROM ${relation} ORDER BY row`;
      for await (const {
        numRows,
        columns: [text],
      } of db.streamColumns(sql, ["TEXT"])) {
        for (let i = 0; i < numRows; i++, row++) values[row * width + t] = codes.get(text[i]!) ?? other;
      }
      other += 1 + named.length;
    }
    const absent = attributes.map(({ column }) => column).filter((column) => !columns.includes(column));
    return { attributes, values, absent };
  } finally {
    db.close();
    await rm(join(scratch, "spill"), { recursive: true, force: true });
  }
}
