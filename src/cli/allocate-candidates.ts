/** Any table of candidates in the form of an allocation. */
import type { Candidates } from "../allocate/table-of.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";
import type { InputTable } from "../table/read-table.js";
import { identityKeys, userFacts } from "./allocate-users.js";

export interface CandidateColumns {
  user: string;
  coupon: string;
  value: string;
  cost: string;
  face?: string;
  sigma?: string;
  segment?: string;
  identity?: string[];
}

/** Amounts beyond this are no coupon's; the core counts in thousandths. */
const MAX_MINOR = 1e8;
const MAX_PLACES = 2 ** 31 - 1;

/** Makes `users`, `coupons` (row, id by ascending bytes) and `candidates` of them. Returns the candidates left out. */
export async function encode(input: InputTable, options: CandidateColumns): Promise<number> {
  const { db, loaded } = input;
  if (input.numRows === 0) throw invalidArgument(`${loaded.label} has no rows`, { file: loaded.label });
  const user = await input.id(options.user, "--user");
  const coupon = await input.id(options.coupon, "--coupon");
  const value = await input.number(options.value, "--value", { required: true, min: -MAX_MINOR, max: MAX_MINOR });
  const cost = await input.number(options.cost, "--cost", { required: true, min: 0, max: MAX_MINOR });
  for (const [table, id] of [
    ["users", user],
    ["coupons", coupon],
  ]) {
    await db.run(
      `CREATE TABLE ${table} AS SELECT row_number() OVER (ORDER BY id) - 1 AS row, id FROM (SELECT DISTINCT ${id} AS id FROM ${input.table})`,
    );
  }
  const money = async (name: string | undefined, option: string) =>
    name === undefined ? "0::DOUBLE" : input.number(name, option, { required: true, min: 0, max: MAX_MINOR });
  const face = await money(options.face, "--face");
  const sigma = await money(options.sigma, "--sigma");
  if (options.segment !== undefined) await userFacts(input, options.segment, "--segment", user);
  if (options.identity !== undefined) await identityKeys(input, options.identity, user);
  await db.run(`CREATE TABLE candidates AS
    SELECT CAST(u.row AS INTEGER) AS u, CAST(c.row AS INTEGER) AS c, t.value, t.cost, t.face, t.sigma
    FROM (SELECT ${user} AS user_id, ${coupon} AS coupon_id, ${value} AS value, ${cost} AS cost, ${face} AS face, ${sigma} AS sigma
      FROM ${input.table}) t
    JOIN users u ON u.id = t.user_id JOIN coupons c ON c.id = t.coupon_id`);
  const [twice] = await db.rows(`SELECT u.id AS user_id, c.id AS coupon_id, n
    FROM (SELECT u, c, count(*) AS n FROM candidates GROUP BY u, c HAVING count(*) > 1 ORDER BY u, c LIMIT 1) t
    JOIN users u ON u.row = t.u JOIN coupons c ON c.row = t.c`);
  if (twice !== undefined) {
    const [who, what] = [twice.user_id, twice.coupon_id].map((id) => JSON.stringify(String(id).slice(0, 60)));
    throw invalidArgument(
      `${loaded.label}: expected one row a user and coupon but user ${who} and coupon ${what} have ${twice.n}`,
      {
        file: loaded.label,
      },
    );
  }
  await db.run(`DROP TABLE ${input.table}`);
  return db.run("DELETE FROM candidates WHERE value < 0");
}

/** Candidates of all users in rows of one width, coupons ascending. */
export async function readCandidates(db: DuckDb, executor: Executor, options: CandidateColumns): Promise<Candidates> {
  const numUsers = await db.count("SELECT count(*) FROM users");
  const [widest] =
    await db.rows(`SELECT u.id, n FROM (SELECT u, count(*) AS n FROM candidates GROUP BY u ORDER BY n DESC, u LIMIT 1) t
    JOIN users u ON u.row = t.u`);
  const width = Math.max(1, Number(widest?.n ?? 1));
  if (numUsers * width > MAX_PLACES) {
    throw new CouponcastError(
      "ERR_COUPONCAST_OUT_OF_MEMORY",
      `user ${JSON.stringify(String(widest?.id).slice(0, 60))} has ${width} candidates: ${numUsers} users with places for as many are too much`,
      { hint: "Leave each user the best few candidates." },
    );
  }
  const places = numUsers * width;
  const candidates = {
    width,
    counts: shared.i32(numUsers),
    coupons: shared.i32(places),
    valueMinor: shared.f64(places),
    costMinor: shared.f64(places),
    ...(options.face === undefined ? {} : { faceMinor: shared.f64(places) }),
    ...(options.sigma === undefined ? {} : { sigmaMinor: shared.f64(places) }),
  };
  const sql = "SELECT u, c, value, cost, face, sigma FROM candidates ORDER BY u, c";
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32", "I32", "F64", "F64", "F64", "F64"])) {
    const [users, coupons, value, cost, face, sigma] = columns;
    for (let i = 0; i < numRows; i++) {
      const user = users[i]!;
      const at = user * width + candidates.counts[user]!++;
      candidates.coupons[at] = coupons[i]!;
      candidates.valueMinor[at] = value[i]!;
      candidates.costMinor[at] = cost[i]!;
      if (candidates.faceMinor !== undefined) candidates.faceMinor[at] = face[i]!;
      if (candidates.sigmaMinor !== undefined) candidates.sigmaMinor[at] = sigma[i]!;
    }
    executor.checkCancelled();
  }
  return candidates;
}

export async function* userIds(db: DuckDb): AsyncGenerator<string[]> {
  for await (const { columns } of db.streamColumns("SELECT id FROM users ORDER BY row", ["TEXT"])) yield columns[0];
}
