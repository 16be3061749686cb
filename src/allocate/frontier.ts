/** What other budgets would buy. */
import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { type Allocation, allocateTable } from "./allocate.js";
import type { Limits } from "./limits.js";
import type { CandidateTable } from "./problem.js";
import { type CandidateFile, type Candidates, candidateTable } from "./table-of.js";

/** A curve is not read more exactly than that. */
const GAP = 1e-4;

/** A point of the frontier: what a budget buys. */
export interface FrontierPoint {
  budgetMinor: number;
  valueMinor: number;
  spendMinor: number;
  upperBoundMinor: number;
  /** Value of one more minor unit of budget. */
  marginalValue: number;
}

export interface Frontier {
  /** By ascending budget; `roi` is value / spend, null where nothing is spent. */
  points: (FrontierPoint & { roi: number | null })[];
  /** The largest budget, to a thousandth of the largest asked for, whose last unit still brings `target`; with `target` only. */
  recommendedBudgetMinor?: number;
}

function pointOf(budgetMinor: number, solved: Allocation): FrontierPoint {
  const { valueMinor, spendMinor, upperBoundMinor, multipliers } = solved;
  return { budgetMinor, valueMinor, spendMinor, upperBoundMinor, marginalValue: multipliers.budget };
}

/** Solves one budget after the other, each from the prices of the one before. */
function solverOf(executor: Executor, table: CandidateTable, limits: Limits, warm: Float64Array | undefined) {
  let prices = warm;
  const chosen = shared.u8(table.numUsers * table.width);
  return async (budgetMinor: number): Promise<FrontierPoint> => {
    const solved = await allocateTable(executor, table, { ...limits, budgetMinor }, { warm: prices, chosen, gap: GAP });
    prices = solved.prices;
    return pointOf(budgetMinor, solved);
  };
}

async function pointsOf(executor: Executor, budgetsMinor: readonly number[], solve: ReturnType<typeof solverOf>) {
  const points: FrontierPoint[] = [];
  for (const budgetMinor of budgetsMinor) {
    points.push(await solve(budgetMinor));
    executor.progress("frontier", points.length, budgetsMinor.length);
  }
  return points;
}

/** @internal Value against budget, from prices that are known. */
export function frontierOf(
  executor: Executor,
  table: CandidateTable,
  limits: Limits,
  budgetsMinor: readonly number[],
  warm: Float64Array,
): Promise<FrontierPoint[]> {
  return pointsOf(executor, budgetsMinor, solverOf(executor, table, limits, warm));
}

/**
 * Value and return of several budgets, in one call; `limits.budgetMinor` is not read.
 *
 * budgetsMinor: any order. With `target`, also the budget at which one more minor unit brings just `target` of value: what
 * a campaign should spend when it must earn that on its last coin. Each budget is solved from its neighbour's prices.
 * Cost: that of `allocate` for each budget, and some 10 more for the target. Errors: those of allocate.
 */
export async function allocationFrontier(
  candidates: Candidates | CandidateFile,
  limits: Limits,
  budgetsMinor: readonly number[],
  options: RunOptions & { target?: number | undefined } = {},
): Promise<Frontier> {
  const { target } = knownOptions("allocationFrontier", options, { ...RUN_OPTIONS, target: true });
  if (!Array.isArray(budgetsMinor) || budgetsMinor.length === 0)
    throw invalidArgument("expected an array of at least one budget in budgetsMinor");
  if (target !== undefined) numberBetween("target", target, 0, 1e9);
  const executor = new Executor(options);
  const table = await candidateTable(executor, candidates, limits);
  const budgets = [...new Set(budgetsMinor)].sort((a, b) => a - b);
  const solve = solverOf(executor, table, limits, undefined);
  const points = (await pointsOf(executor, budgets, solve)).map((point) => ({
    ...point,
    roi: point.spendMinor > 0 ? point.valueMinor / point.spendMinor : null,
  }));
  if (target === undefined) return { points };
  // The value of one more unit falls with the budget.
  let low = points.findLast(({ marginalValue }) => marginalValue >= target)?.budgetMinor ?? 0;
  let high = points.find(({ marginalValue }) => marginalValue < target)?.budgetMinor ?? low;
  while (high - low > Math.max(1, budgets.at(-1)! / 1000)) {
    const middle = Math.floor((low + high) / 2);
    const { marginalValue } = await solve(middle);
    if (marginalValue >= target) low = middle;
    else high = middle;
  }
  return { points, recommendedBudgetMinor: low };
}
