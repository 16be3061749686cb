/** Prices of the constraints, and who is left to decide once they are nearly right. */
import { type Executor, shards, shared } from "../executor/executor.js";
import type { DualPartial } from "../native/addon.js";
import type { Problem } from "./problem.js";
import { everybody, listOpen, sampleUsers, type Units } from "./units.js";

const SHARD_USERS = 16_384;
/** Up to so many users all are open to the end. */
const EXACT_USERS = 4096;
/** Up to so many users everybody is looked at in each step. */
const DIRECT_USERS = 16_384;
const MAX_PASSES = 3;
/** The neighbourhood of prices in which users are settled: this share of themselves, or this over the users. */
const RADIUS = 1 / 512;
const RADIUS_USERS = 64;
const MAX_SCANS = 6;
/** Prices are right where a step promises less than this share of the bound. */
const RELATIVE = 1e-8;
const START_RELATIVE = 1e-7;

/** The dual's minimum, and what of the primal it settles. */
export interface DualSolution {
  /** Best upper bound on the value of any assignment, milli. */
  bound: number;
  /** One price a constraint. */
  prices: Float64Array;
  /** Whom other prices nearby would give something else. Everybody else keeps what `chosen` says. */
  open: Units;
  /** What users outside `open` add up to. */
  settled: Omit<Pass, "surplus">;
  /** Evaluations of the dual: of everybody, and in all. */
  passes: number;
  evaluations: number;
}

interface Pass extends DualPartial {
  usage: BigInt64Array;
}

/** Best responses of everybody, shard by shard, added in order; or of those that are not open. */
async function pass(
  executor: Executor,
  problem: Problem,
  prices: Float64Array,
  extra: { radius: Float64Array; chosen: Uint8Array; open: Uint8Array } | undefined,
  done: number,
): Promise<Pass> {
  const count = problem.constraints.length;
  const { numUsers, width } = problem;
  const results = await executor.map(
    shards(numUsers, SHARD_USERS).map(({ begin, end }) => ({
      kernel: "evaluateDual",
      args: {
        ...problem.args(),
        prices,
        radius: extra?.radius,
        joined: extra === undefined ? undefined : problem.components?.joined,
        begin,
        end,
        outUsage: { $return: "I64", length: count },
        outChosen: extra?.chosen.subarray(begin * width, end * width),
        outOpen: extra?.open.subarray(begin, end),
      },
    })),
  );
  executor.progress("dual bound", done + 1, undefined);
  const sum: Pass = { surplus: 0, valueMilli: 0, spendMilli: 0, assigned: 0, usage: shared.i64(count) };
  for (const { value, outputs } of results) {
    const partial = value as DualPartial;
    sum.surplus += partial.surplus;
    sum.valueMilli += partial.valueMilli;
    sum.spendMilli += partial.spendMilli;
    sum.assigned += partial.assigned;
    const usage = outputs.outUsage as BigInt64Array;
    for (let r = 0; r < count; r++) sum.usage[r]! += usage[r]!;
  }
  return sum;
}

interface Task {
  limits: Float64Array;
  start: Float64Array;
  lower?: Float64Array;
  upper?: Float64Array;
  constant?: number;
  relative: number;
  ignoreValue?: boolean;
  exact?: boolean;
  chosen?: Uint8Array | undefined;
}

async function solveUnits(executor: Executor, problem: Problem, units: Units, task: Task) {
  const count = problem.constraints.length;
  const outPrices = shared.f64(count);
  const outUsage = shared.i64(count);
  const { value } = await executor.run({
    kernel: "solveDual",
    args: {
      ...problem.args(),
      ...units,
      lower: shared.f64(count),
      upper: shared.f64(count).fill(Number.POSITIVE_INFINITY),
      constant: 0,
      ignoreValue: false,
      exact: true,
      ...task,
      outPrices,
      outUsage,
    },
  });
  const { bound, evaluations } = value as { bound: number; evaluations: number };
  return { bound, evaluations, prices: outPrices, usage: outUsage };
}

function sharedCopy(values: ArrayLike<number>): Float64Array {
  const copy = shared.f64(values.length);
  copy.set(values);
  return copy;
}

/** Prices that are nearly right, how far the last correction moved them, and what that took. */
interface Start {
  prices: Float64Array;
  moved: Float64Array;
  bound: number;
  passes: number;
  evaluations: number;
}

/** From everybody. */
async function startFromAll(executor: Executor, problem: Problem, task: Task): Promise<Start> {
  const { prices, bound, evaluations } = await solveUnits(executor, problem, everybody(problem), task);
  return { prices, moved: new Float64Array(prices.length), bound, passes: evaluations, evaluations: 0 };
}

/** What a price is measured in: itself, or where it is 0 what moves the bound by its own size. */
function sizesOf(prices: Float64Array, limits: Float64Array, bound: number): Float64Array {
  return prices.map((price, r) => Math.max(price, (1e-3 * Math.abs(bound)) / Math.max(limits[r]!, 1)));
}

/** From a sample, whose limits are corrected until its best prices are those of everybody: a pass each. */
async function startFromSample(executor: Executor, problem: Problem, task: Task): Promise<Start> {
  const { limits } = task;
  const sample = { members: sampleUsers(problem.numUsers) };
  const share = sample.members.length / problem.numUsers;
  const onSample = (start: Float64Array, corrected: ArrayLike<number>) =>
    solveUnits(executor, problem, sample, { ...task, start, limits: sharedCopy(corrected) });
  let sampled = await onSample(
    task.start,
    limits.map((limit) => limit * share),
  );
  const start: Start = {
    prices: sampled.prices,
    moved: new Float64Array(limits.length),
    bound: sampled.bound / share,
    passes: 0,
    evaluations: sampled.evaluations,
  };
  while (start.passes < MAX_PASSES) {
    const { prices } = start;
    const all = await pass(executor, problem, prices, undefined, start.passes++);
    start.bound = all.surplus + prices.reduce((sum, price, r) => sum + problem.sign(r) * limits[r]! * price, 0);
    sampled = await onSample(
      prices,
      limits.map((limit, r) => Number(sampled.usage[r]) + share * (limit - Number(all.usage[r]))),
    );
    start.evaluations += sampled.evaluations;
    start.prices = sampled.prices;
    start.moved = prices.map((price, r) => Math.abs(price - sampled.prices[r]!));
    const sizes = sizesOf(start.prices, limits, start.bound);
    if (start.moved.every((by, r) => by <= RADIUS * sizes[r]!)) break;
  }
  return start;
}

/**
 * Minimises the Lagrangian dual D(prices) = sum_r +-limit_r price_r + sum_units max w; each solution is nearer to the minimum
 * than the one before, and the last is there but for rounding. `chosen` [users * width] holds the best responses, which the
 * caller may change at open users.
 *
 * Few users: by Newton steps, then a bundle method, on all. Many: on a fixed sample first, whose limits are then corrected
 * until its best prices are those of everybody (a pass each); users whose choice no price nearby changes are settled by one
 * more pass, and the rest solved within that neighbourhood. If the best prices lie at its edge, once more from there.
 * Any prices give a valid bound. Deterministic: shards are fixed and added in order.
 * Cost: some 4 to 6 passes over the candidates; memory: 36 bytes a candidate of open users.
 * Source: formulas.md, "Allocation"; Kiwiel 1990; Zhang et al. (arXiv 2002.00352) for sampled starts.
 */
export async function* dualSolutions(
  executor: Executor,
  problem: Problem,
  start: Float64Array | undefined,
  chosen: Uint8Array,
): AsyncGenerator<DualSolution> {
  const { numUsers, constraints } = problem;
  const limits = sharedCopy(constraints.map(({ limit }) => limit));
  const task = { limits, start: sharedCopy(start ?? new Float64Array(constraints.length)), chosen, relative: RELATIVE };
  if (numUsers <= EXACT_USERS || constraints.length === 0) {
    const open = everybody(problem);
    const solved = await solveUnits(executor, problem, open, { ...task, exact: true });
    const settled = { valueMilli: 0, spendMilli: 0, assigned: 0, usage: shared.i64(limits.length) };
    yield { ...solved, open, settled, passes: solved.evaluations };
    return;
  }

  const startFrom = numUsers <= DIRECT_USERS ? startFromAll : startFromSample;
  const begun = await startFrom(executor, problem, {
    ...task,
    chosen: undefined,
    relative: START_RELATIVE,
    exact: false,
  });
  let { prices, passes, evaluations } = begun;
  const marks = shared.u8(numUsers);
  const least = Math.max(RADIUS, RADIUS_USERS / numUsers);
  let widen = 1;
  for (let scan = 1; scan <= MAX_SCANS; scan++) {
    const sizes = sizesOf(prices, limits, begun.bound);
    const radius = sharedCopy(sizes.map((size, r) => widen * Math.max(begun.moved[r]!, least * size)));
    const settled = await pass(executor, problem, prices, { radius, chosen, open: marks }, passes++);
    const open = listOpen(problem, (user) => marks[user] === 1);
    const box = {
      limits: limits.map((limit, r) => limit - Number(settled.usage[r])),
      lower: prices.map((price, r) => Math.max(0, price - radius[r]!)),
      upper: prices.map((price, r) => price + radius[r]!),
    };
    const { lower, upper } = box;
    for (const exact of [false, true]) {
      const solved = await solveUnits(executor, problem, open, {
        ...task,
        limits: sharedCopy(box.limits),
        start: prices,
        lower: sharedCopy(lower),
        upper: sharedCopy(upper),
        constant: settled.valueMilli,
        exact,
      });
      prices = solved.prices;
      evaluations += solved.evaluations;
      yield { bound: solved.bound, prices, open, settled, passes, evaluations: evaluations + passes };
      if (prices.some((price, r) => isEdge(price, lower[r]!, upper[r]!))) break;
      if (exact) return;
    }
    widen *= 2;
  }
}

/** Whether a price may want to go on where its range ends. */
function isEdge(price: number, lower: number, upper: number): boolean {
  return (price >= upper && upper > lower) || (price <= lower && lower > 0);
}

/** What floors miss at the least, as a share of themselves: 0 when limits leave room for all of them. */
export async function leastMissing(executor: Executor, problem: Problem): Promise<number> {
  const { constraints } = problem;
  const upper = shared.f64(constraints.length);
  for (const [r, { kind, limit }] of constraints.entries())
    upper[r] = kind === "floors" ? 1 / Math.max(limit, 1) : Number.POSITIVE_INFINITY;
  const { bound } = await solveUnits(executor, problem, everybody(problem), {
    limits: sharedCopy(constraints.map(({ limit }) => limit)),
    start: shared.f64(constraints.length),
    upper,
    relative: 1e-8,
    ignoreValue: true,
  });
  return Math.max(0, -bound);
}
