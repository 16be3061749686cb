/** What is handed out, as the rows of a table and by coupon. */
import type { Allocation } from "../allocate/allocate.js";
import type { Limits } from "../allocate/limits.js";
import { MILLI } from "../allocate/problem.js";
import type { Candidates } from "../allocate/table-of.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { Executor, shared } from "../executor/executor.js";
import type { OutputFile } from "../table/output-file.js";
import { TableWriter } from "../table/table-writer.js";
import { forEachYielding } from "../util/yield.js";
import { userIds } from "./allocate-candidates.js";
import type { Session } from "./command.js";

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
export async function listRows(
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

export async function writeAssignments(
  session: Session,
  db: DuckDb,
  coupons: string[],
  rows: Rows,
  { raw }: { raw?: boolean | undefined },
  output: OutputFile,
): Promise<void> {
  const { threads, signal } = session;
  const writer = await TableWriter.open(output, {
    executor: new Executor({ threads, signal }),
    signal,
    raw,
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

export function couponResults(
  ids: readonly string[],
  limits: Limits["coupons"],
  rows: Rows,
  { multipliers }: Pick<Allocation, "multipliers">,
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
