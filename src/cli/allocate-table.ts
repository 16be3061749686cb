/** The work behind `allocate`: any table of candidates as an allocation problem, and the table of the assignment. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Allocation, allocate } from "../allocate/allocate.js";
import type { Limits } from "../allocate/limits.js";
import type { Candidates } from "../allocate/table-of.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, shared } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import { type InputTable, TableReader } from "../table/read-table.js";
import { TableWriter } from "../table/table-writer.js";
import { didYouMean } from "../util/nearest-name.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";

export interface AllocateTableOptions {
  user: string;
  coupon: string;
  value: string;
  cost: string;
  /** Infinity: no limit. */
  budget: number;
  perUser: number;
  stock?: ReadonlyMap<string, number>;
  couponBudget?: ReadonlyMap<string, number>;
  exclusive?: string[][];
  raw?: boolean;
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
}

type CouponLimit = Limits["coupons"][number];

/** Amounts beyond this are no coupon's; the core counts in thousandths. */
const MAX_MINOR = 1e8;
const MAX_PLACES = 2 ** 31 - 1;
const MILLI = 1000;

export async function allocateTable(
  session: Session,
  sources: { candidates: ResolvedSource; coupons: ResolvedSource | undefined },
  options: AllocateTableOptions,
  output: OutputFile,
): Promise<AllocateTableResult> {
  const executor = new Executor(session.run());
  const scratch = join(output.scratch, "input");
  await mkdir(scratch);
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const files = sources.coupons === undefined ? [sources.candidates] : [sources.candidates, sources.coupons];
  const reader = await TableReader.open(files, { scratch, threads: executor.threads, signal: session.signal });
  try {
    const { db } = reader;
    // The small table first: its mistakes should show before a long read.
    const catalogue = sources.coupons && (await readCatalogue(await reader.load(sources.coupons, "catalogue", true)));
    const input = await reader.load(sources.candidates, "input");
    const numNegative = await encode(input, options);
    const ids = (await db.rows("SELECT id FROM coupons ORDER BY row")).map(({ id }) => String(id));
    const limits: Limits = {
      budgetMinor: Number.isFinite(options.budget) ? options.budget : undefined,
      perUser: options.perUser,
      coupons: limitsOf(ids, catalogue, options),
    };
    const candidates = await readCandidates(db, executor);
    const { chosen, prices: _prices, ...allocation } = await allocate(candidates, limits, session.run());
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    const rows = await listRows(candidates, chosen, allocation.assigned);
    await writeAssignments(session, db, ids, rows, options, output);
    return {
      numUsers: candidates.counts.length,
      numAssignedUsers: rows.numAssignedUsers,
      numCandidates: input.numRows,
      numNegative,
      allocation,
      coupons: couponResults(ids, limits.coupons, rows, allocation),
    };
  } finally {
    reader.close();
  }
}

/** Limits of each coupon from a table: coupon_id, and stock, budget_minor, exclusive_group where it has them. */
async function readCatalogue(table: InputTable): Promise<Map<string, CouponLimit>> {
  const option = "--coupons";
  const id = await table.id("coupon_id", option);
  const whole = (name: string) => (table.has(name) ? table.number(name, option, { min: 0, whole: true }) : "NULL");
  const stock = await whole("stock");
  const budget = await whole("budget_minor");
  const group = table.has("exclusive_group") ? table.text("exclusive_group", option) : "NULL";
  const rows = await table.db.rows(
    `SELECT ${id} AS id, ${stock} AS stock, ${budget} AS budget, ${group} AS grp FROM ${table.table}`,
  );
  const catalogue = new Map<string, CouponLimit>();
  for (const row of rows) {
    const key = String(row.id);
    if (catalogue.has(key)) {
      throw invalidArgument(`${table.loaded.label}: the coupon ${JSON.stringify(key)} stands there twice`, {
        file: table.loaded.label,
        field: option,
      });
    }
    const number = (value: unknown) => (value === null ? undefined : Number(value));
    catalogue.set(key, {
      stock: number(row.stock),
      budgetMinor: number(row.budget),
      exclusiveGroup: row.grp === null ? undefined : String(row.grp),
    });
  }
  return catalogue;
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
  await db.run(`CREATE TABLE candidates AS
    SELECT CAST(u.row AS INTEGER) AS u, CAST(c.row AS INTEGER) AS c, t.value, t.cost
    FROM (SELECT ${user} AS user_id, ${coupon} AS coupon_id, ${value} AS value, ${cost} AS cost FROM ${input.table}) t
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

/** Limits by coupon: from the catalogue and the options; of two the smaller counts. */
function limitsOf(
  ids: readonly string[],
  catalogue: Map<string, CouponLimit> | undefined,
  options: AllocateTableOptions,
): CouponLimit[] {
  const groups = options.exclusive ?? [];
  const known = new Set(ids);
  for (const [option, names] of [
    ["--stock", options.stock?.keys() ?? []],
    ["--coupon-budget", options.couponBudget?.keys() ?? []],
    ["--exclusive", groups.flat()],
  ] as const) {
    for (const name of names) {
      // A limit that misses its coupon by a letter would give the coupon away without one.
      if (known.has(name) || catalogue?.has(name)) continue;
      throw invalidArgument(
        `${option} names the coupon ${JSON.stringify(name)}, which no candidate has${didYouMean(name, ids)}`,
      );
    }
  }
  return ids.map((id) => {
    const own = catalogue?.get(id);
    if (catalogue !== undefined && own === undefined) {
      throw invalidArgument(
        `the coupon ${JSON.stringify(id)} of the candidates is not in the table of coupons${didYouMean(id, catalogue.keys())}`,
        {
          field: "--coupons",
          hint: "Give it a row; empty cells mean no limit.",
        },
      );
    }
    const mine = groups.flatMap((names, g) =>
      names.includes(id) ? [`--exclusive ${names.join(",")} (${g + 1})`] : [],
    );
    if (own?.exclusiveGroup !== undefined) mine.push(own.exclusiveGroup);
    if (mine.length > 1) {
      throw invalidArgument(
        `the coupon ${JSON.stringify(id)} is in ${mine.length} exclusive groups: a coupon can be in one`,
        { field: "--exclusive" },
      );
    }
    return {
      stock: smaller(own?.stock, options.stock?.get(id)),
      budgetMinor: smaller(own?.budgetMinor, options.couponBudget?.get(id)),
      exclusiveGroup: mine[0],
    };
  });
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Candidates of all users in rows of one width, coupons ascending. */
async function readCandidates(db: DuckDb, executor: Executor): Promise<Candidates> {
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
  };
  for await (const { numRows, columns } of db.streamColumns("SELECT u, c, value, cost FROM candidates ORDER BY u, c", [
    "I32",
    "I32",
    "F64",
    "F64",
  ])) {
    const [users, coupons, value, cost] = columns;
    for (let i = 0; i < numRows; i++) {
      const user = users[i]!;
      const at = user * width + candidates.counts[user]!++;
      candidates.coupons[at] = coupons[i]!;
      candidates.valueMinor[at] = value[i]!;
      candidates.costMinor[at] = cost[i]!;
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
}

/** What is handed out, by user, within a user by value (ties: the smaller coupon). */
async function listRows(
  { width, counts, coupons, valueMinor, costMinor }: Candidates,
  chosen: Uint8Array,
  assigned: number,
): Promise<Rows> {
  const rows = {
    numAssignedUsers: 0,
    users: shared.i32(assigned),
    coupons: shared.i32(assigned),
    ranks: shared.i32(assigned),
    valueMinor: shared.f64(assigned),
    costMinor: shared.f64(assigned),
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
    await writer.append([rows.users, rows.coupons, rows.ranks, rows.valueMinor, rows.costMinor]);
    await writer.finish(
      [
        { name: "user_id", from: 0, ids: "users" },
        { name: "coupon_id", from: 1, ids: "coupons" },
        { name: "rank", from: 2 },
        { name: "value_minor", from: 3 },
        { name: "cost_minor", from: 4 },
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
