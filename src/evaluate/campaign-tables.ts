/** The tables of a finished run and of what happened since, as one row a user and one row a handed-out coupon. */
import type { DuckDb } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { shared } from "../executor/executor.js";
import type { InputTable, TableReader } from "../table/read-table.js";
import type { CampaignOutcomes } from "./campaign-effect.js";

/** Tables by the names under which they are loaded. */
export interface CampaignTables {
  assignments: InputTable;
  withheld: InputTable;
  segments: InputTable;
  orders: InputTable;
  redemptions: InputTable | undefined;
}

/** A column, and how the person who named it calls that setting. */
export interface NamedColumn {
  column: string;
  setting: string;
}

export interface CampaignColumns {
  /** Of the orders, of the redemptions and of the survey. */
  users: { orders: NamedColumn; redemptions: NamedColumn; survey: NamedColumn };
  sales: NamedColumn;
  /** undefined: sales * marginRate. */
  margin: NamedColumn | undefined;
  marginRate: number;
  /** Of the redemptions; undefined: the discount that the run expected of a redeemed coupon. */
  discount: NamedColumn | undefined;
}

export interface CampaignUsers {
  outcomes: CampaignOutcomes;
  numGroups: number;
  /** Orders and redemptions of users whom the run does not know. */
  numForeignOrders: number;
  /** Redemptions that no assignment belongs to. */
  numForeignRedemptions: number;
}

/** Money is added as whole thousandths of a minor unit, so that no order of adding shows. */
const milli = (sql: string) => `CAST(round((${sql}) * 1000) AS HUGEINT)`;

/**
 * Makes `people` (id, segment, treated), `bought` (id, orders, sales, margin), `handed` (id, coupon, p, kind, segment, face,
 * redeemed, discount); money in milli. Errors: ERR_COUPONCAST_INVALID_ARGUMENT naming file, row and column.
 */
export async function joinCampaignTables(
  reader: TableReader,
  tables: CampaignTables,
  columns: CampaignColumns,
): Promise<CampaignUsers> {
  const { db } = reader;
  await createPeople(db, tables);
  await createBought(db, tables.orders, columns);
  await createHanded(db, tables, columns);
  const numGroups = Number((await db.row("SELECT coalesce(max(segment), -1) + 1 AS n FROM people")).n);
  const foreign = await db.row(`SELECT
    (SELECT coalesce(sum(orders), 0) FROM bought WHERE id NOT IN (SELECT id FROM people)) AS orders,
    (SELECT count(*) FROM redeemed r WHERE NOT EXISTS (SELECT 1 FROM given a WHERE a.id = r.id AND a.coupon = r.coupon)) AS redemptions`);
  return {
    outcomes: await readUsers(db, await db.count("SELECT count(*) FROM people")),
    numGroups,
    numForeignOrders: Number(foreign.orders),
    numForeignRedemptions: Number(foreign.redemptions),
  };
}

async function createPeople(db: DuckDb, { segments, withheld }: CampaignTables): Promise<void> {
  const id = await segments.id("user_id", "segments.parquet");
  const segment = await segments.number("segment", "segments.parquet", { min: 0, max: 9999, whole: true });
  const user = await withheld.id("user_id", "withheld.parquet");
  const reason = withheld.text("reason", "withheld.parquet");
  await db.run(`CREATE TABLE people AS
    SELECT s.id, s.segment, w.id IS NULL AS treated
    FROM (SELECT ${id} AS id, CAST(coalesce(${segment}, -1) AS INTEGER) AS segment FROM ${segments.table}) s
    LEFT JOIN (SELECT DISTINCT ${user} AS id FROM ${withheld.table} WHERE ${reason} = 'holdout') w ON s.id = w.id`);
  await refuseTwice(db, segments, "people", "id");
}

async function createBought(db: DuckDb, orders: InputTable, columns: CampaignColumns): Promise<void> {
  const id = await orders.id(columns.users.orders.column, columns.users.orders.setting);
  const sales = await orders.number(columns.sales.column, columns.sales.setting, {
    required: true,
    min: -9e12,
    max: 9e12,
  });
  const margin =
    columns.margin === undefined
      ? `${sales} * ${columns.marginRate}`
      : await orders.number(columns.margin.column, columns.margin.setting, { required: true, min: -9e12, max: 9e12 });
  await db.run(`CREATE TABLE bought AS
    SELECT ${id} AS id, count(*) AS orders, sum(${milli(sales)}) AS sales, sum(${milli(margin)}) AS margin
    FROM ${orders.table} GROUP BY ALL`);
}

async function createHanded(db: DuckDb, tables: CampaignTables, columns: CampaignColumns): Promise<void> {
  const { assignments, redemptions } = tables;
  const of = "assignments.parquet";
  const id = await assignments.id("user_id", of);
  const coupon = await assignments.id("coupon_id", of);
  const p = await assignments.number("p_redeem", of, { required: true, min: 0, max: 1 });
  const cost = await assignments.number("expected_cost_minor", of, { required: true, min: 0, max: 9e12 });
  await db.run(`CREATE TABLE given AS
    SELECT ${id} AS id, ${coupon} AS coupon, ${p} AS p, ${assignments.has("kind") ? assignments.text("kind", of) : "'coupon'"} AS kind,
      CASE WHEN ${p} > 0 THEN ${milli(`${cost} / ${p}`)} ELSE 0 END AS face
    FROM ${assignments.table}`);
  await refuseTwice(db, assignments, "given", "id, coupon");
  if (redemptions === undefined) {
    await db.run("CREATE TABLE redeemed (id VARCHAR, coupon VARCHAR, discount HUGEINT)");
  } else {
    const user = await redemptions.id(columns.users.redemptions.column, columns.users.redemptions.setting);
    const which = await redemptions.id("coupon_id", "redemptions");
    const discount =
      columns.discount === undefined
        ? "NULL"
        : milli(
            await redemptions.number(columns.discount.column, columns.discount.setting, {
              required: true,
              min: 0,
              max: 9e12,
            }),
          );
    const happened = redemptions.has("redeemed")
      ? `${await redemptions.number("redeemed", "redemptions", { required: true, min: 0, max: 1, whole: true })} = 1`
      : "true";
    await db.run(`CREATE TABLE redeemed AS
      SELECT ${user} AS id, ${which} AS coupon, sum(${discount})::HUGEINT AS discount
      FROM ${redemptions.table} WHERE ${happened} GROUP BY ALL`);
  }
  await db.run(`CREATE TABLE handed AS
    SELECT a.*, p.segment, r.id IS NOT NULL AS redeemed,
      CASE WHEN r.id IS NULL THEN 0 ELSE coalesce(r.discount, a.face) END AS discount
    FROM given a JOIN people p ON a.id = p.id LEFT JOIN redeemed r ON a.id = r.id AND a.coupon = r.coupon`);
}

async function refuseTwice(db: DuckDb, input: InputTable, table: string, key: string): Promise<void> {
  const [twice] = await db.rows(
    `SELECT ${key}, count(*) AS n FROM ${table} GROUP BY ALL HAVING n > 1 ORDER BY ALL LIMIT 1`,
  );
  if (twice === undefined) return;
  const { label } = input.loaded;
  throw invalidArgument(
    `${label}: expected one row for ${JSON.stringify(String(twice.id).slice(0, 60))} but there are ${twice.n}`,
    {
      file: label,
    },
  );
}

async function readUsers(db: DuckDb, numUsers: number): Promise<CampaignOutcomes> {
  const outcomes = {
    treated: new Uint8Array(numUsers),
    groups: shared.i32(numUsers),
    orders: new Float64Array(numUsers),
    salesMinor: new Float64Array(numUsers),
    marginMinor: new Float64Array(numUsers),
    discountMinor: new Float64Array(numUsers),
  };
  const sql = `SELECT CAST(p.treated AS UTINYINT), p.segment, coalesce(b.orders, 0)::DOUBLE, coalesce(b.sales, 0)::DOUBLE / 1000,
      coalesce(b.margin, 0)::DOUBLE / 1000, coalesce(h.discount, 0)::DOUBLE / 1000
    FROM people p LEFT JOIN bought b ON p.id = b.id LEFT JOIN (SELECT id, sum(discount) AS discount FROM handed GROUP BY id) h ON p.id = h.id
    ORDER BY p.id`;
  let row = 0;
  for await (const { numRows, columns } of db.streamColumns(sql, ["U8", "I32", "F64", "F64", "F64", "F64"])) {
    const [treated, groups, orders, sales, margin, discount] = columns;
    outcomes.treated.set(treated, row);
    outcomes.groups.set(groups, row);
    outcomes.orders.set(orders, row);
    outcomes.salesMinor.set(sales, row);
    outcomes.marginMinor.set(margin, row);
    outcomes.discountMinor.set(discount, row);
    row += numRows;
  }
  return outcomes;
}
