import { CouponcastError, invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { Executor, type RunOptions, shards, shared } from "../executor/executor.js";
import type { PolishStats } from "../native/addon.js";
import { leastMissing, solveDual } from "./dual.js";
import type { Limits } from "./limits.js";
import { type CandidateTable, MILLI, Problem } from "./problem.js";
import { type CandidateFile, type Candidates, tableOf, tableOfFile } from "./table-of.js";

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
  /**
   * Shadow prices: value per minor unit of budget; per minor unit of a coupon's budget; minor units per piece of stock;
   * per minor unit of each of limits.budgets; and what one more unit (minor unit or piece) of each floor costs.
   */
  multipliers: { budget: number; couponBudget: number[]; stock: number[]; budgets: number[]; floors: number[] };
  /** Limits.budgets and limits.floors: what is used of each, in minor units or, for floors of pieces, pieces. */
  used: { budgets: number[]; floors: number[] };
  /** @internal Prices for a warm start, one a constraint. */
  prices: Float64Array;
  /** Evaluations of the dual, and how many of them looked at all users. */
  evaluations: number;
  passes: number;
}

const SHARD_USERS = 16_384;
const MAX_TOTAL_MILLI = 2 ** 62;

/** @internal Content of the candidates, once. */
export async function checkCandidates(executor: Executor, problem: Problem): Promise<void> {
  const results = await executor.map(
    shards(problem.numUsers, SHARD_USERS).map(({ begin, end }) => ({
      kernel: "checkProblem",
      args: { ...problem.args(), begin, end },
    })),
  );
  for (const name of ["value", "cost", "face"]) {
    const total = results.reduce((sum, { value }) => sum + (value as Record<string, number>)[name]!, 0);
    if (total > MAX_TOTAL_MILLI)
      throw invalidArgument(`the ${name} of all candidates adds up to more than 2^62 thousandths of a minor unit`);
  }
}

/** The prices of constraints by what they are about; what has no constraint is free. */
function multipliersOf(problem: Problem, limits: Limits, prices: Float64Array): Allocation["multipliers"] {
  const multipliers = {
    budget: 0,
    couponBudget: limits.coupons.map(() => 0),
    stock: limits.coupons.map(() => 0),
    budgets: (limits.budgets ?? []).map(() => 0),
    floors: (limits.floors ?? []).map(() => 0),
  };
  for (const [r, { kind, index, measure }] of problem.constraints.entries()) {
    const price = measure === "pieces" ? prices[r]! / MILLI : prices[r]!;
    if (kind === "budget") multipliers.budget = price;
    else if (kind === "coupon-budget") multipliers.couponBudget[index] = price;
    else multipliers[kind][index] = price;
  }
  return multipliers;
}

/** Recounts the choice against every limit, independently of how it was found. `chosen` may be in a file. */
export async function checkAssignment(executor: Executor, problem: Problem, chosen: ArgValue): Promise<Recount> {
  const { indptr: unitIndptr, members } = problem.components ?? { indptr: undefined, members: shared.i32(0) };
  const usage = shared.i64(problem.constraints.length);
  const { value } = await executor.run({
    kernel: "checkFeasible",
    args: { ...problem.args(), unitIndptr, members, chosen, outUsage: usage },
  });
  return { ...(value as PolishStats), usage };
}
type Recount = PolishStats & { usage: BigInt64Array };

/** @internal What a recount says of limits.budgets and limits.floors. */
export function usedOf(problem: Problem, limits: Limits, { usage }: Pick<Recount, "usage">): Allocation["used"] {
  const used = { budgets: (limits.budgets ?? []).map(() => 0), floors: (limits.floors ?? []).map(() => 0) };
  for (const [r, { kind, index, measure }] of problem.constraints.entries()) {
    if (kind !== "budgets" && kind !== "floors") continue;
    used[kind][index] = Number(usage[r]) / (measure === "pieces" ? 1 : MILLI);
  }
  return used;
}

async function refuseInfeasible(executor: Executor, problem: Problem, stats: PolishStats): Promise<never> {
  const { name, measure, limit } = problem.constraints[stats.broken]!;
  const amount = (units: number) => (measure === "pieces" ? `${units} pieces` : `${units / MILLI} minor units`);
  const share = await leastMissing(executor, problem);
  throw new CouponcastError(
    "ERR_COUPONCAST_INFEASIBLE",
    `${name}: expected at least ${amount(limit)}, but only ${amount(limit - stats.missing)} could be handed out within the limits, ${amount(stats.missing)} too few`,
    {
      field: name,
      hint:
        share > 1e-9
          ? `No assignment reaches all floors: together they miss at least ${(100 * share).toPrecision(3)}% of themselves. Lower the floor, or raise the limits that it meets.`
          : "Lower the floor a little, or raise the limits that it meets.",
    },
  );
}

/** @internal Allocation over candidates that are already in the kernels' form. */
export async function allocateTable(
  executor: Executor,
  table: CandidateTable,
  limits: Limits,
  { warm, chosen }: { warm?: Float64Array; chosen?: Uint8Array } = {},
): Promise<Allocation> {
  const problem = new Problem(table, limits);
  if (warm === undefined) await checkCandidates(executor, problem);
  const dual = await solveDual(executor, problem, warm, chosen ?? shared.u8(problem.numUsers * problem.width));
  const left = shared.i64(problem.constraints.length);
  for (const [r, { limit }] of problem.constraints.entries())
    left[r] = BigInt(problem.sign(r)) * (BigInt(limit) - dual.usage[r]!);
  const polished = await executor.run({
    kernel: "repairAndPolish",
    args: { ...problem.args(), ...dual.open, prices: dual.prices, left, chosen: dual.chosen },
  });
  const stats = polished.value as PolishStats;
  if (stats.broken >= 0) await refuseInfeasible(executor, problem, stats);
  const recount = await checkAssignment(executor, problem, dual.chosen);
  const value = recount.valueMilli;
  // The bound is a float64 sum: never below what was reached.
  const bound = Math.max(dual.bound, value);
  return {
    chosen: dual.chosen,
    assigned: recount.assigned,
    valueMinor: value / MILLI,
    spendMinor: recount.spendMilli / MILLI,
    upperBoundMinor: bound / MILLI,
    gap: bound > 0 ? (bound - value) / bound : 0,
    multipliers: multipliersOf(problem, limits, dual.prices),
    used: usedOf(problem, limits, recount),
    prices: dual.prices,
    evaluations: dual.evaluations,
    passes: dual.passes,
  };
}

/**
 * Hands out coupons so that the sum of the candidates' values is as large as the limits allow:
 * max sum v_ij x_ij with sums of costs within the budgets, stock per coupon, floors, and nested caps a user.
 *
 * Never breaks a limit; comes with an upper bound from the Lagrangian dual and the gap to it. Deterministic; the same
 * for any number of threads. Cost: some 5 to 12 passes over the candidates, for few users up to 400; memory: 25 bytes a
 * candidate place, or 1 where the candidates are a file.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT; ERR_COUPONCAST_INFEASIBLE naming the floor that is out of reach and by how
 * much; ERR_COUPONCAST_CANCELLED. Source: formulas.md, "Allocation".
 */
export async function allocate(
  candidates: Candidates | CandidateFile,
  limits: Limits,
  options: RunOptions = {},
): Promise<Allocation> {
  if (!Array.isArray(limits?.coupons)) throw invalidArgument("expected an array in limits.coupons: one entry a coupon");
  const executor = new Executor(options);
  const table =
    "file" in candidates ? tableOfFile(candidates) : await tableOf(executor, candidates, limits.riskAversion);
  return allocateTable(executor, table, limits);
}
