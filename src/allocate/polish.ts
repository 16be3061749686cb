/** From best responses to a choice that keeps all limits, and what to do when floors are out of its reach. */
import { CouponcastError } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";
import type { PolishStats } from "../native/addon.js";
import { leastMissing } from "./dual.js";
import { MILLI, type Problem } from "./problem.js";
import { everybody, type Units } from "./units.js";

const MAX_NODES = 2 ** 22;
/** Below this share of the floors the bound's own rounding may be what is missing. */
const PROVEN_MISSING = 1e-6;

/**
 * Makes the choice of the open users feasible and better, in place, until they are worth `enough`; `usage` is that of all
 * others.
 */
export async function polish(
  executor: Executor,
  problem: Problem,
  { open, prices }: { open: Units; prices: Float64Array },
  usage: BigInt64Array,
  chosen: Uint8Array,
  enough = Number.MAX_SAFE_INTEGER,
): Promise<PolishStats> {
  const left = shared.i64(problem.constraints.length);
  for (const [r, { limit }] of problem.constraints.entries())
    left[r] = BigInt(problem.sign(r)) * (BigInt(limit) - usage[r]!);
  const { value } = await executor.run({
    kernel: "repairAndPolish",
    args: { ...problem.args(), ...open, prices, left, chosen, enough },
  });
  return value as PolishStats;
}

function infeasible(problem: Problem, { broken, missing }: PolishStats, hint: string): CouponcastError {
  const { name, measure, limit } = problem.constraints[broken]!;
  const amount = (units: number) => (measure === "pieces" ? `${units} pieces` : `${units / MILLI} minor units`);
  return new CouponcastError(
    "ERR_COUPONCAST_INFEASIBLE",
    `${name}: expected at least ${amount(limit)}, but only ${amount(limit - missing)} could be handed out within the limits, ${amount(missing)} too few`,
    { field: name, hint },
  );
}

/**
 * Where the repair ended below a floor: proves that nothing reaches all floors, by the dual of what they miss, or finds what
 * does: from nobody having anything, then by a search. `stats` is where the repair ended.
 */
export async function reachFloors(
  executor: Executor,
  problem: Problem,
  prices: Float64Array,
  stats: PolishStats,
  chosen: Uint8Array,
): Promise<void> {
  const share = await leastMissing(executor, problem);
  if (share > PROVEN_MISSING)
    throw infeasible(
      problem,
      stats,
      `No assignment reaches all floors: together they miss at least ${(100 * share).toPrecision(3)}% of themselves. Lower the floor, or raise the limits that it meets.`,
    );
  const open = everybody(problem);
  const none = shared.i64(problem.constraints.length);
  const isReached = async () => (await polish(executor, problem, { open, prices }, none, chosen)).broken < 0;
  chosen.fill(0);
  if (await isReached()) return;
  const { value } = await executor.run({
    kernel: "findFeasible",
    args: { ...problem.args(), ...open, maxNodes: MAX_NODES, chosen },
  });
  const { found, exhausted } = value as { found: boolean; exhausted: boolean };
  if (found && (await isReached())) return;
  throw infeasible(
    problem,
    stats,
    exhausted
      ? "No assignment reaches all floors: whole coupons do not add up to them within the limits. Lower the floor a little, or raise the limits that it meets."
      : "Whether any assignment reaches all floors is not known: a search over many found none. Lower the floor a little, or raise the limits that it meets.",
  );
}
