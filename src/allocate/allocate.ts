import { invalidArgument } from "../errors.js";
import { Executor, type RunOptions, shared } from "../executor/executor.js";
import type { PolishStats } from "../native/addon.js";
import { copyYielding, forEachYielding } from "../util/yield.js";
import { bestResponses, Multipliers, solveDual } from "./dual.js";
import { type CandidateTable, type Limits, MILLI, Problem } from "./problem.js";

/** Candidates of all users in rows of one width; money in minor units (fractions allowed: expected values). */
export interface Candidates {
  /** Places a user. */
  width: number;
  /** [users] used places. */
  counts: Int32Array;
  /** [users * width] coupon of each candidate, ascending within a user. */
  coupons: Int32Array;
  /** [users * width] expected incremental margin in minor units, >= 0, kept to 1/1000 of a unit. */
  valueMinor: Float64Array;
  /** [users * width] expected cost in minor units, >= 0, rounded up to 1/1000 of a unit. */
  costMinor: Float64Array;
}

/** A certified assignment. */
export interface Allocation {
  /** [users * width] 1 for each candidate that is handed out. */
  chosen: Uint8Array;
  /** Candidates handed out. */
  assigned: number;
  /** Expected incremental margin, minor units. */
  valueMinor: number;
  /** Expected cost, minor units. */
  spendMinor: number;
  /** No feasible assignment of these candidates is worth more than this. */
  upperBoundMinor: number;
  /** (upperBound - value) / upperBound; 0 when both are 0. */
  gap: number;
  /** Shadow prices: value per minor unit of budget; per minor unit of a coupon's budget; minor units per piece of stock. */
  multipliers: { budget: number; couponBudget: number[]; stock: number[] };
  /** @internal Prices for a warm start. */
  prices: Float64Array;
  evaluations: number;
}

/** @internal Allocation over candidates that are already in the kernels' form. */
export async function allocateTable(
  executor: Executor,
  table: CandidateTable,
  limits: Limits,
  warm?: Float64Array,
): Promise<Allocation> {
  const problem = new Problem(table, limits);
  if (warm === undefined) await executor.run({ kernel: "checkProblem", args: problem.args() });
  const multipliers = new Multipliers(problem.numCoupons);
  const dual = await solveDual(executor, problem, multipliers, warm);
  const chosen = await bestResponses(executor, problem, multipliers);
  const polished = await executor.run({
    kernel: "repairAndPolish",
    args: { ...problem.args(), ...multipliers.args(), chosen },
  });
  const stats = polished.value as PolishStats;
  // The bound is a float64 sum: never below what was reached.
  const bound = Math.max(dual.bound, stats.valueMilli);
  return {
    chosen,
    assigned: stats.assigned,
    valueMinor: stats.valueMilli / MILLI,
    spendMinor: stats.spendMilli / MILLI,
    upperBoundMinor: bound / MILLI,
    gap: bound > 0 ? (bound - stats.valueMilli) / bound : 0,
    multipliers: {
      budget: multipliers.budget[0]!,
      couponBudget: [...multipliers.couponBudget],
      stock: [...multipliers.stock].map((price) => price / MILLI),
    },
    prices: dual.prices,
    evaluations: dual.evaluations,
  };
}

/**
 * Hands out coupons so that the sum of the candidates' values is as large as the limits allow:
 * max sum v_ij x_ij with sum c_ij x_ij within the budgets, stock per coupon, a cap per user and exclusive groups.
 *
 * Always feasible; comes with an upper bound from the Lagrangian dual and the gap to it. Deterministic; the same for
 * any number of threads. Cost: some 20 to 400 passes over the candidates; memory: 25 bytes a candidate place.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: formulas.md, "Allocation".
 */
export async function allocate(candidates: Candidates, limits: Limits, options: RunOptions = {}): Promise<Allocation> {
  const { width, counts, coupons, valueMinor, costMinor } = candidates;
  const isTyped =
    counts instanceof Int32Array &&
    coupons instanceof Int32Array &&
    valueMinor instanceof Float64Array &&
    costMinor instanceof Float64Array;
  if (!isTyped)
    throw invalidArgument("expected counts and coupons as Int32Array, valueMinor and costMinor as Float64Array");
  if (!Array.isArray(limits?.coupons)) throw invalidArgument("expected an array in limits.coupons: one entry a coupon");
  const numUsers = counts.length;
  const places = numUsers * width;
  if (
    !Number.isInteger(width) ||
    width < 1 ||
    coupons.length !== places ||
    valueMinor.length !== places ||
    costMinor.length !== places
  ) {
    throw invalidArgument(
      `expected coupons, valueMinor and costMinor of ${numUsers} users x width ${width} elements each`,
    );
  }
  const executor = new Executor(options);
  const table = {
    numUsers,
    width,
    counts: shared.i32(numUsers),
    coupons: shared.i32(places),
    value: shared.i64(places),
    cost: shared.i64(places),
  };
  await copyYielding(table.counts, counts);
  await copyYielding(table.coupons, coupons);
  const toMilli = (name: string, at: number, amount: number, round: (x: number) => number): bigint => {
    const inMilli = round(amount * MILLI);
    if (!(inMilli >= 0 && inMilli <= 1e11))
      throw invalidArgument(`expected ${name}[${at}] between 0 and 1e8 minor units but received ${amount}`);
    return BigInt(inMilli);
  };
  // Unused places keep their 0.
  await forEachYielding(
    places,
    (at) => {
      if (at % width >= counts[Math.floor(at / width)]!) return;
      table.value[at] = toMilli("valueMinor", at, valueMinor[at]!, Math.round);
      // 1e-6: an amount that is whole in thousandths, but for the rounding of its binary form, stays so.
      table.cost[at] = toMilli("costMinor", at, costMinor[at]!, (x) => Math.ceil(x - 1e-6));
    },
    () => executor.checkCancelled(),
  );
  return allocateTable(executor, table, limits);
}

/** A point of the frontier: what a budget buys. */
export interface FrontierPoint {
  budgetMinor: number;
  valueMinor: number;
  spendMinor: number;
  upperBoundMinor: number;
  /** Value of one more minor unit of budget. */
  marginalValue: number;
}

/** @internal Value against budget: re-solves, each started from its neighbour's prices. */
export async function frontierOf(
  executor: Executor,
  table: CandidateTable,
  limits: Limits,
  budgetsMinor: readonly number[],
  warm: Float64Array,
): Promise<FrontierPoint[]> {
  const points: FrontierPoint[] = [];
  let prices = warm;
  for (const [index, budgetMinor] of budgetsMinor.entries()) {
    const solved = await allocateTable(executor, table, { ...limits, budgetMinor }, prices);
    prices = solved.prices;
    points.push({
      budgetMinor,
      valueMinor: solved.valueMinor,
      spendMinor: solved.spendMinor,
      upperBoundMinor: solved.upperBoundMinor,
      marginalValue: solved.multipliers.budget,
    });
    executor.progress("frontier", index + 1, budgetsMinor.length);
  }
  return points;
}
