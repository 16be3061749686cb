/** The work behind `allocate`: any table of candidates as an allocation problem, and the table of the assignment. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Allocation, allocateTable as allocateCandidates } from "../allocate/allocate.js";
import { type ConstraintUse, constraintUse } from "../allocate/constraint-use.js";
import { type Exploration, exploreTable, withCouponIds } from "../allocate/explore.js";
import { allocationFrontier, type Frontier } from "../allocate/frontier.js";
import { identityComponents } from "../allocate/identity.js";
import type { Limits } from "../allocate/limits.js";
import { type Candidates, tableOf } from "../allocate/table-of.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, shared } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import { type InputTable, TableReader } from "../table/read-table.js";
import { TableWriter } from "../table/table-writer.js";
import { forEachYielding } from "../util/yield.js";
import { type Catalogue, type CatalogueEntry, type LimitOptions, limitsOf } from "./allocate-limits.js";
import type { Session } from "./command.js";
import { writeDecisions, writeFrontier } from "./explored-tables.js";
import { recountWritten } from "./recount-written.js";

export interface AllocateTableOptions extends LimitOptions {
  user: string;
  coupon: string;
  value: string;
  cost: string;
  face?: string;
  sigma?: string;
  segment?: string;
  identity?: string[];
  exploreEpsilon?: number;
  exploreTemperature?: number;
  exploreReserve?: number;
  seed?: number;
  frontier?: number;
  targetRoi?: number;
  raw?: boolean;
}

/** Files of one command, each built under a temporary name. */
export interface AllocateOutputs {
  assignments: OutputFile;
  decisions: OutputFile | undefined;
  frontier: OutputFile | undefined;
}

export interface CouponResult {
  id: string;
  stock: number | null;
  budgetMinor: number | null;
  exclusiveGroup: string | null;
  assigned: number;
  valueMinor: number;
  spendMinor: number;
  /** Worth of one more minor unit of its budget, and in minor units of one more piece. */
  budgetMultiplier: number;
  stockMultiplierMinor: number;
}

export interface AllocateTableResult {
  numUsers: number;
  numAssignedUsers: number;
  numCandidates: number;
  /** Candidates of negative value, which no assignment gains by. */
  numNegative: number;
  allocation: Omit<Allocation, "chosen" | "prices">;
  coupons: CouponResult[];
  constraints: ConstraintUse[];
  /** Where coupons were drawn by lot: what was drawn; `allocation` is the best one around it. */
  exploration: Omit<Exploration, "chosen" | "propensities" | "decisionPropensities" | "isBest" | "best"> | null;
  frontier: Frontier | null;
}

type CouponLimit = Limits["coupons"][number];

/** Amounts beyond this are no coupon's; the core counts in thousandths. */
const MAX_MINOR = 1e8;
const MAX_PLACES = 2 ** 31 - 1;
const MILLI = 1000;
const FRONTIER_POINTS = 16;

export async function allocateTable(
  session: Session,
  sources: { candidates: ResolvedSource; coupons: ResolvedSource | undefined },
  options: AllocateTableOptions,
  { assignments: output, decisions, frontier: frontierOutput }: AllocateOutputs,
): Promise<AllocateTableResult> {
  const executor = new Executor(session.run());
  const scratch = join(output.scratch, "input");
  await mkdir(scratch);
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const files = sources.coupons === undefined ? [sources.candidates] : [sources.candidates, sources.coupons];
  const { signal } = session;
  const reader = await TableReader.open(files, { scratch, threads: executor.threads, signal, readable: [output.path] });
  try {
    const { db } = reader;
    // The small table first: its mistakes should show before a long read.
    const catalogue = sources.coupons && (await readCatalogue(await reader.load(sources.coupons, "catalogue", true)));
    const input = await reader.load(sources.candidates, "input");
    const numNegative = await encode(input, options);
    const ids = (await db.rows("SELECT id FROM coupons ORDER BY row")).map(({ id }) => String(id));
    const segments = await segmentNames(db);
    const candidates = await readCandidates(db, executor, options);
    const numUsers = candidates.counts.length;
    const limits: Limits = {
      ...limitsOf({ coupons: ids, segments }, catalogue, options),
      ...(options.segment === undefined ? {} : { segments: await userSegments(db, numUsers) }),
      ...(options.identity === undefined ? {} : { identity: await userIdentities(db, numUsers) }),
    };
    const table = await tableOf(executor, candidates, limits.riskAversion);
    const explore = await exploreOptions(db, numUsers, options);
    const explored = explore && (await exploreTable(executor, table, limits, explore));
    const best = explored?.best ?? (await allocateCandidates(executor, table, limits));
    const { chosen: _choice, prices: _prices, ...allocation } = best;
    const { chosen, assigned, valueMinor, spendMinor } = explored ?? best;
    const frontier = await frontierOf(session, candidates, limits, options, allocation);
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    const rows = await listRows(candidates, chosen, assigned, explored?.propensities);
    await writeAssignments(session, db, ids, rows, options, output);
    await recountWritten(executor, db, output, {
      table,
      candidates,
      limits,
      raw: options.raw === true,
      drawn: explored !== undefined,
      expected: { assigned, valueMinor, spendMinor },
    });
    if (decisions !== undefined && explored !== undefined)
      await writeDecisions(session, userIds(db), candidates, explored, options, decisions);
    if (frontierOutput !== undefined && frontier !== null) await writeFrontier(session, frontier, frontierOutput);
    return {
      numUsers,
      numAssignedUsers: rows.numAssignedUsers,
      numCandidates: input.numRows,
      numNegative,
      allocation,
      coupons: couponResults(ids, limits.coupons, rows, allocation),
      constraints: constraintUse(limits, allocation),
      exploration: explored === undefined ? null : summaryOf(explored, ids),
      frontier,
    };
  } finally {
    reader.close();
  }
}

/** A user's draw depends on its id, not on who else is in the table. */
async function exploreOptions(db: DuckDb, numUsers: number, options: AllocateTableOptions) {
  const { exploreEpsilon: epsilon, exploreTemperature: temperatureMinor, exploreReserve: reserve, seed } = options;
  if (epsilon === undefined && temperatureMinor === undefined) return undefined;
  const keys = new BigInt64Array(numUsers);
  let at = 0;
  for await (const { numRows, columns } of db.streamColumns(
    "SELECT (md5_number_lower(id) >> 1)::BIGINT FROM users ORDER BY row",
    ["I64"],
  )) {
    keys.set(columns[0].subarray(0, numRows), at);
    at += numRows;
  }
  return { epsilon, temperatureMinor, reserve, seed, keys };
}

function summaryOf(explored: Exploration, ids: readonly string[]): NonNullable<AllocateTableResult["exploration"]> {
  const { assigned, valueMinor, spendMinor, expected, givenUpMinor, seed } = explored;
  const limits = withCouponIds(explored.limits, ids);
  return { assigned, valueMinor, spendMinor, expected, givenUpMinor, limits, seed };
}

/** Budgets at even distances up to twice that of the command; without one up to what is spent then. */
async function frontierOf(
  session: Session,
  candidates: Candidates,
  limits: Limits,
  { frontier, targetRoi: target, budget }: AllocateTableOptions,
  { spendMinor }: Pick<Allocation, "spendMinor">,
): Promise<Frontier | null> {
  if (frontier === undefined && target === undefined) return null;
  const points = frontier ?? FRONTIER_POINTS;
  const most = Number.isFinite(budget) ? 2 * budget : Math.ceil(spendMinor);
  const budgets = Array.from({ length: points }, (_, i) => Math.round((most * (i + 1)) / points));
  return allocationFrontier(candidates, limits, budgets, { ...session.run(), target });
}

/** Limits of each coupon from a table: coupon_id, and stock, budget_minor, exclusive_group, campaign, channel where it has them. */
async function readCatalogue(table: InputTable): Promise<Catalogue> {
  const option = "--coupons";
  const id = await table.id("coupon_id", option);
  const whole = (name: string) => (table.has(name) ? table.number(name, option, { min: 0, whole: true }) : "NULL");
  const stock = await whole("stock");
  const budget = await whole("budget_minor");
  const text = (name: string) => (table.has(name) ? table.text(name, option) : "NULL");
  const rows = await table.db.rows(
    `SELECT ${id} AS id, ${stock} AS stock, ${budget} AS budget, ${text("exclusive_group")} AS grp,
       ${text("campaign")} AS campaign, ${text("channel")} AS channel FROM ${table.table}`,
  );
  const catalogue = new Map<string, CatalogueEntry>();
  for (const row of rows) {
    const key = String(row.id);
    if (catalogue.has(key)) {
      throw invalidArgument(`${table.loaded.label}: the coupon ${JSON.stringify(key)} stands there twice`, {
        file: table.loaded.label,
        field: option,
      });
    }
    const number = (value: unknown) => (value === null ? undefined : Number(value));
    const name = (value: unknown) => (value === null ? undefined : String(value));
    catalogue.set(key, {
      stock: number(row.stock),
      budgetMinor: number(row.budget),
      exclusiveGroup: name(row.grp),
      campaign: name(row.campaign),
      channel: name(row.channel),
    });
  }
  return catalogue;
}

/** What a table says of users: `facts` (u, value) from a column of the candidates that is the same in all rows of a user. */
async function userFacts(input: InputTable, name: string, option: string, user: string): Promise<void> {
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
async function identityKeys(input: InputTable, names: readonly string[], user: string): Promise<void> {
  const parts = names.map(
    (name, kind) =>
      `SELECT ${user} AS user_id, ${kind} AS kind, ${input.text(name, "--identity")} AS key FROM ${input.table}`,
  );
  await input.db.run(`CREATE TABLE identity_keys AS SELECT DISTINCT CAST(u.row AS INTEGER) AS u,
      CAST(dense_rank() OVER (ORDER BY t.kind, t.key) - 1 AS INTEGER) AS key
    FROM (${parts.join(" UNION ALL ")}) t JOIN users u ON u.id = t.user_id WHERE t.key IS NOT NULL`);
}

async function segmentNames(db: DuckDb): Promise<string[]> {
  const [{ n } = { n: 0 }] = await db.rows("SELECT count(*) AS n FROM duckdb_tables() WHERE table_name = 'segments'");
  if (Number(n) === 0) return [];
  const rows = await db.rows("SELECT DISTINCT name FROM segments WHERE name IS NOT NULL ORDER BY name");
  return rows.map(({ name }) => String(name));
}

/** [users] segment of each, -1 for none. */
async function userSegments(db: DuckDb, numUsers: number): Promise<Int32Array> {
  const labels = new Int32Array(numUsers).fill(-1);
  const sql = `SELECT s.u, CAST(n.row AS INTEGER) FROM segments s JOIN
    (SELECT name, row_number() OVER (ORDER BY name) - 1 AS row FROM (SELECT DISTINCT name FROM segments WHERE name IS NOT NULL)) n
    ON s.name = n.name`;
  for await (const { numRows, columns } of db.streamColumns(sql, ["I32", "I32"])) {
    for (let i = 0; i < numRows; i++) labels[columns[0][i]!] = columns[1][i]!;
  }
  return labels;
}

async function userIdentities(db: DuckDb, numUsers: number): Promise<Int32Array> {
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

/** Makes `users`, `coupons` (row, id by ascending bytes) and `candidates` of them. Returns the candidates left out. */
async function encode(input: InputTable, options: AllocateTableOptions): Promise<number> {
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
async function readCandidates(db: DuckDb, executor: Executor, options: AllocateTableOptions): Promise<Candidates> {
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

interface Rows {
  numAssignedUsers: number;
  users: Int32Array;
  coupons: Int32Array;
  ranks: Int32Array;
  /** As the allocation counts them: in thousandths of a minor unit. */
  valueMinor: Float64Array;
  costMinor: Float64Array;
  /** Of draws. */
  propensities: Float64Array | undefined;
}

/** What is handed out, by user, within a user by value (ties: the smaller coupon). */
async function listRows(
  { width, counts, coupons, valueMinor, costMinor }: Candidates,
  chosen: Uint8Array,
  assigned: number,
  propensities: Float64Array | undefined,
): Promise<Rows> {
  const rows = {
    numAssignedUsers: 0,
    users: shared.i32(assigned),
    coupons: shared.i32(assigned),
    ranks: shared.i32(assigned),
    valueMinor: shared.f64(assigned),
    costMinor: shared.f64(assigned),
    propensities: propensities && shared.f64(assigned),
  };
  let next = 0;
  await forEachYielding(counts.length, (user) => {
    const places: number[] = [];
    for (let at = user * width; at < user * width + counts[user]!; at++) if (chosen[at] === 1) places.push(at);
    places.sort((a, b) => valueMinor[b]! - valueMinor[a]! || a - b);
    if (places.length > 0) rows.numAssignedUsers++;
    for (const [i, at] of places.entries()) {
      rows.users[next] = user;
      rows.coupons[next] = coupons[at]!;
      rows.ranks[next] = i + 1;
      rows.valueMinor[next] = Math.round(valueMinor[at]! * MILLI) / MILLI;
      rows.costMinor[next] = Math.ceil(costMinor[at]! * MILLI - 1e-6) / MILLI;
      if (rows.propensities !== undefined) rows.propensities[next] = propensities![at]!;
      next++;
    }
  });
  return rows;
}

async function writeAssignments(
  session: Session,
  db: DuckDb,
  coupons: string[],
  rows: Rows,
  options: AllocateTableOptions,
  output: OutputFile,
): Promise<void> {
  const { threads, signal } = session;
  const writer = await TableWriter.open(output, {
    executor: new Executor({ threads, signal }),
    signal,
    raw: options.raw,
  });
  try {
    await writer.addIds("users", userIds(db));
    await writer.addIds("coupons", [coupons]);
    const drawn = rows.propensities === undefined ? [] : [rows.propensities];
    await writer.append([rows.users, rows.coupons, rows.ranks, rows.valueMinor, rows.costMinor, ...drawn]);
    await writer.finish(
      [
        { name: "user_id", from: 0, ids: "users" },
        { name: "coupon_id", from: 1, ids: "coupons" },
        { name: "rank", from: 2 },
        { name: "value_minor", from: 3 },
        { name: "cost_minor", from: 4 },
        ...drawn.map(() => ({ name: "propensity", from: 5 })),
      ],
      [0, 2],
    );
  } finally {
    writer.close();
  }
}

async function* userIds(db: DuckDb): AsyncGenerator<string[]> {
  for await (const { columns } of db.streamColumns("SELECT id FROM users ORDER BY row", ["TEXT"])) yield columns[0];
}

function couponResults(
  ids: readonly string[],
  limits: readonly CouponLimit[],
  rows: Rows,
  { multipliers }: AllocateTableResult["allocation"],
): CouponResult[] {
  const results = ids.map((id, j) => ({
    id,
    stock: limits[j]!.stock ?? null,
    budgetMinor: limits[j]!.budgetMinor ?? null,
    exclusiveGroup: limits[j]!.exclusiveGroup ?? null,
    assigned: 0,
    valueMinor: 0,
    spendMinor: 0,
    budgetMultiplier: multipliers.couponBudget[j]!,
    stockMultiplierMinor: multipliers.stock[j]!,
  }));
  for (const [i, coupon] of rows.coupons.entries()) {
    const result = results[coupon]!;
    result.assigned++;
    // In thousandths, where sums are exact.
    result.valueMinor += Math.round(rows.valueMinor[i]! * MILLI);
    result.spendMinor += Math.round(rows.costMinor[i]! * MILLI);
  }
  return results.map((result) => ({
    ...result,
    valueMinor: result.valueMinor / MILLI,
    spendMinor: result.spendMinor / MILLI,
  }));
}
