import { invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import type { PolishStats } from "../native/addon.js";
import { numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type DualSolution, dualSolutions } from "./dual.js";
import type { Limits } from "./limits.js";
import { polish, reachFloors } from "./polish.js";
import { type CandidateTable, MILLI, Problem } from "./problem.js";
import { type CandidateFile, type Candidates, candidateTable } from "./table-of.js";
import type { Units } from "./units.js";

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
/** Nearer than this is not looked for. */
const DEFAULT_GAP = 1e-6;

/** @internal Content of the candidates, once. */
async function checkCandidates(executor: Executor, problem: Problem): Promise<void> {
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

/** @internal */
export interface AllocateOptions {
  /** Prices to start from; the candidates have been checked then. */
  warm?: Float64Array | undefined;
  /** [users * width] to be written to. */
  chosen?: Uint8Array | undefined;
  gap?: number | undefined;
}

const gapOf = (bound: number, value: number) => (bound > 0 ? (bound - value) / bound : 0);

function isBetter(a: PolishStats, b: PolishStats): boolean {
  if (a.broken >= 0 || b.broken >= 0) return b.broken >= 0 && (a.broken < 0 || a.missing < b.missing);
  return a.valueMilli > b.valueMilli;
}

async function takeRows(chosen: Uint8Array, width: number, { members }: Units): Promise<Uint8Array> {
  const rows = new Uint8Array(members.length * width);
  await forEachYielding(members.length, (i) => {
    const user = members[i]!;
    rows.set(chosen.subarray(user * width, (user + 1) * width), i * width);
  });
  return rows;
}
async function putRows(chosen: Uint8Array, width: number, { members }: Units, rows: Uint8Array): Promise<void> {
  await forEachYielding(members.length, (i) => {
    chosen.set(rows.subarray(i * width, (i + 1) * width), members[i]! * width);
  });
}

/** @internal Allocation over candidates that are already in the kernels' form. */
export async function allocateTable(
  executor: Executor,
  table: CandidateTable,
  limits: Limits,
  { warm, chosen = shared.u8(table.numUsers * table.width), gap = DEFAULT_GAP }: AllocateOptions = {},
): Promise<Allocation> {
  const problem = await Problem.create(executor, table, limits);
  if (warm === undefined) await checkCandidates(executor, problem);
  let bound = Number.POSITIVE_INFINITY;
  let dual: DualSolution | undefined;
  let stats: PolishStats | undefined;
  let before: { open: Units; stats: PolishStats; rows: Uint8Array } | undefined;
  for await (dual of dualSolutions(executor, problem, warm, chosen)) {
    const { open, settled } = dual;
    bound = Math.min(bound, dual.bound);
    // The bound of a floor that is out of reach falls without end.
    const enough = Math.max(Number.MIN_SAFE_INTEGER, Math.ceil(bound * (1 - gap)) - settled.valueMilli);
    stats = await polish(executor, problem, dual, settled.usage, chosen, enough);
    // More exact prices need not end in a better choice.
    if (before?.open === open && isBetter(before.stats, stats)) {
      stats = before.stats;
      await putRows(chosen, problem.width, open, before.rows);
    }
    if (stats.broken < 0 && gapOf(bound, settled.valueMilli + stats.valueMilli) <= gap) break;
    before = { open, stats, rows: await takeRows(chosen, problem.width, open) };
  }
  if (stats!.broken >= 0) await reachFloors(executor, problem, dual!.prices, stats!, chosen);
  const { prices, evaluations, passes } = dual!;
  const recount = await checkAssignment(executor, problem, chosen);
  const value = recount.valueMilli;
  // The bound is a float64 sum: never below what was reached.
  bound = Math.max(bound, value);
  return {
    chosen,
    assigned: recount.assigned,
    valueMinor: value / MILLI,
    spendMinor: recount.spendMilli / MILLI,
    upperBoundMinor: bound / MILLI,
    gap: gapOf(bound, value),
    multipliers: multipliersOf(problem, limits, prices),
    used: usedOf(problem, limits, recount),
    prices,
    evaluations,
    passes,
  };
}

/**
 * Hands out coupons so that the sum of the candidates' values is as large as the limits allow:
 * max sum v_ij x_ij with sums of costs within the budgets, stock per coupon, floors, and nested caps a user.
 *
 * Never breaks a limit; comes with an upper bound from the Lagrangian dual and the gap to it. The search ends at a gap of
 * `gap` (default 1e-6) or where it finds nothing nearer. Deterministic; the same for any number of threads. Cost: some 5 to 8
 * passes over the candidates, for few users up to 500; memory: 25 bytes a candidate place, or 1 where they are a file.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT; ERR_COUPONCAST_INFEASIBLE naming the floor that is out of reach and by how
 * much; ERR_COUPONCAST_CANCELLED. Source: formulas.md, "Allocation".
 */
export async function allocate(
  candidates: Candidates | CandidateFile,
  limits: Limits,
  options: RunOptions & { gap?: number | undefined } = {},
): Promise<Allocation> {
  knownOptions("allocate", options, { ...RUN_OPTIONS, gap: true });
  const gap = numberBetween("gap", options.gap ?? DEFAULT_GAP, 0, 1);
  const executor = new Executor(options);
  const table = await candidateTable(executor, candidates, limits);
  return allocateTable(executor, table, limits, { gap });
}
