/** What the candidates say of users: segment, identity, and the key of a draw. */
import { identityComponents } from "../allocate/identity.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import type { InputTable } from "../table/read-table.js";

/** What a table says of users: `facts` (u, value) from a column of the candidates that is the same in all rows of a user. */
export async function userFacts(input: InputTable, name: string, option: string, user: string): Promise<void> {
  const { db, loaded } = input;
  await db.run(`CREATE TABLE segments AS SELECT CAST(u.row AS INTEGER) AS u, min(t.fact) AS name, count(DISTINCT t.fact) AS n
    FROM (SELECT ${user} AS user_id, ${input.text(name, option)} AS fact FROM ${input.table}) t
    JOIN users u ON u.id = t.user_id GROUP BY u.row`);
  const [torn] = await db.rows(
    "SELECT u.id FROM segments s JOIN users u ON u.row = s.u WHERE s.n > 1 ORDER BY s.u LIMIT 1",
  );
  if (torn !== undefined)
    throw invalidArgument(
      `${loaded.label}: the user ${JSON.stringify(String(torn.id).slice(0, 60))} has several values in the column ${JSON.stringify(name)}`,
      { file: loaded.label, field: option },
    );
}

/** Pairs of users and numbers of what they share: a device of one name is another thing than an address of that name. */
export async function identityKeys(input: InputTable, names: readonly string[], user: string): Promise<void> {
  const parts = names.map(
    (name, kind) =>
      `SELECT ${user} AS user_id, ${kind} AS kind, ${input.text(name, "--identity")} AS key FROM ${input.table}`,
  );
  await input.db.run(`CREATE TABLE identity_keys AS SELECT DISTINCT CAST(u.row AS INTEGER) AS u,
      CAST(dense_rank() OVER (ORDER BY t.kind, t.key) - 1 AS INTEGER) AS key
    FROM (${parts.join(" UNION ALL ")}) t JOIN users u ON u.id = t.user_id WHERE t.key IS NOT NULL`);
}

export async function segmentNames(db: DuckDb): Promise<string[]> {
  const rows = await db.rows("SELECT DISTINCT name FROM segments WHERE name IS NOT NULL ORDER BY name");
  return rows.map(({ name }) => String(name));
}

/** [users] segment of each, -1 for none. */
export async function userSegments(db: DuckDb, numUsers: number): Promise<Int32Array> {
  const labels = new Int32Array(numUsers).fill(-1);
  const sql = `SELECT s.u, CAST(n.row AS INTEGER) FROM segments s JOIN
    (SELECT name, row_number() OVER (ORDER BY name) - 1 AS row FROM (SELECT DISTINCT name FROM segments WHERE name IS NOT NULL)) n
    ON s.name = n.name`;
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32", "I32"])) {
    for (let i = 0; i < numRows; i++) labels[columns[0][i]!] = columns[1][i]!;
  }
  return labels;
}

export async function userIdentities(db: DuckDb, numUsers: number): Promise<Int32Array> {
  const count = await db.count("SELECT count(*) FROM identity_keys");
  const users = new Int32Array(count);
  const keys = new Int32Array(count);
  let at = 0;
  for await (const { numRows, columns } of db.streamColumns("SELECT u, key FROM identity_keys ORDER BY u, key", [
    "I32",
    "I32",
  ])) {
    users.set(columns[0].subarray(0, numRows), at);
    keys.set(columns[1].subarray(0, numRows), at);
    at += numRows;
  }
  return identityComponents(numUsers, users, keys);
}

/** [users] a user's draw depends on its id, not on who else is in the table. */
export async function drawKeys(db: DuckDb, numUsers: number): Promise<BigInt64Array> {
  const keys = new BigInt64Array(numUsers);
  let at = 0;
  for await (const { numRows, columns } of db.streamColumns(
    "SELECT (md5_number_lower(id) >> 1)::BIGINT FROM users ORDER BY row",
    ["I64"],
  )) {
    keys.set(columns[0].subarray(0, numRows), at);
    at += numRows;
  }
  return keys;
}
