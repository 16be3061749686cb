import { CouponcastError, invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import type { PolishStats } from "../native/addon.js";
import { integerBetween, numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { type Allocation, allocateTable } from "./allocate.js";
import type { Limits } from "./limits.js";
import { type CandidateTable, MILLI, Problem } from "./problem.js";
import { drawUnits, type Expected, type SmoothPrices, smoothPrices, sumOverUnits } from "./smooth-dual.js";
import { type CandidateFile, type Candidates, candidateTable } from "./table-of.js";

/** How far draws go from the best allocation: at least one of epsilon and temperatureMinor above 0. */
export interface ExploreOptions {
  /** Share of the draws that are spread over all sets of coupons that a user may get, as evenly as the limits allow. */
  epsilon?: number | undefined;
  /** In minor units: sets whose worth, after prices, differs by this much differ by a factor e in their chance. */
  temperatureMinor?: number | undefined;
  /** Of the draws; default 1. */
  seed?: number | undefined;
  /** Share of every limit that is set aside, in [0, 1): draws scatter around what is expected. */
  reserve?: number | undefined;
  /** [users] a number of each user's own: its draw depends on this and the seed alone. Default: its position. */
  keys?: BigInt64Array | undefined;
}

const EXPLORE_OPTIONS = { epsilon: true, temperatureMinor: true, seed: true, reserve: true, keys: true };

/** A limit, and what draws use of it: pieces, or minor units. */
export interface ExploredLimit {
  name: string;
  /** Whose stock or budget it is; null for all others. */
  coupon: number | null;
  kind: "limit" | "floor";
  counts: "pieces" | "money";
  limit: number;
  /** Never more than the limit (for floors: less). */
  expected: number;
  /** Standard deviation of what is drawn, coupons taken as independent. */
  deviation: number;
  drawn: number;
}

/** A random assignment, and with what probability it came about. */
export interface Exploration {
  /** [users * width] 1 for each candidate that is handed out. */
  chosen: Uint8Array;
  /** float64 [users * width] probability that the candidate is handed out. */
  propensities: Float64Array;
  /** float64 [users] probability of all that the user (and its identity) was given, "nothing" included. */
  decisionPropensities: Float64Array;
  /** [users] 1 where that is just what `best` gives. */
  isBest: Uint8Array;
  /** What was drawn. */
  assigned: number;
  valueMinor: number;
  spendMinor: number;
  /** What a draw brings on the average. */
  expected: { assigned: number; valueMinor: number; spendMinor: number };
  /** best.valueMinor - expected.valueMinor: what is paid for knowing. */
  givenUpMinor: number;
  limits: ExploredLimit[];
  /** The allocation that is explored around. */
  best: Allocation;
  seed: number;
}

interface Settings {
  epsilon: number;
  temperature: number;
  seed: number;
  reserve: number;
  keys: BigInt64Array;
}

function settingsOf(options: ExploreOptions, numUsers: number): Settings {
  const epsilon = numberBetween("epsilon", options.epsilon ?? 0, 0, 1);
  const temperature = numberBetween("temperatureMinor", options.temperatureMinor ?? 0, 0, 1e8) * MILLI;
  const reserve = numberBetween("reserve", options.reserve ?? 0, 0, 1);
  if (reserve === 1) throw invalidArgument("expected reserve below 1: nothing would be left to draw from");
  const seed = integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  if (epsilon === 0 && temperature === 0)
    throw invalidArgument("expected epsilon or temperatureMinor above 0: without them nothing is explored");
  const keys = shared.i64(numUsers);
  if (options.keys === undefined) for (let user = 0; user < numUsers; user++) keys[user] = BigInt(user);
  else if (options.keys instanceof BigInt64Array && options.keys.length === numUsers) keys.set(options.keys);
  else throw invalidArgument(`expected keys as a BigInt64Array of ${numUsers}: a number of each user`);
  return { epsilon, temperature, seed, reserve, keys };
}

/** Limits of what is not drawn evenly: the rest, whole pieces. */
function limitsLeft(problem: Problem, limits: Limits, left: readonly number[]): Limits {
  const coupons = limits.coupons.map((coupon) => ({ ...coupon }));
  const budgets = (limits.budgets ?? []).map((budget) => ({ ...budget }));
  const floors = (limits.floors ?? []).map(({ name, coupons: ids, segments }) => ({ name, coupons: ids, segments }));
  const rest: { budgetMinor?: number; floors: NonNullable<Limits["floors"]>[number][] } = { floors };
  for (const [r, { kind, index, measure }] of problem.constraints.entries()) {
    const amount = left[r]!;
    if (kind === "stock") coupons[index]!.stock = Math.floor(amount);
    else if (kind === "coupon-budget") coupons[index]!.budgetMinor = Math.floor(amount) / MILLI;
    else if (kind === "budgets") budgets[index]!.limitMinor = Math.floor(amount) / MILLI;
    else if (kind === "budget") rest.budgetMinor = Math.floor(amount) / MILLI;
    else if (measure === "pieces") floors[index] = { ...floors[index]!, ...{ leastPieces: Math.ceil(amount) } };
    else floors[index] = { ...floors[index]!, ...{ leastSpendMinor: Math.ceil(amount) / MILLI } };
  }
  return { ...limits, coupons, budgets, ...rest };
}

/** The largest share of the draws that no limit is broken by in expectation; 1 but for the end of the search for prices. */
function keepOf(problem: Problem, usage: Float64Array, limits: readonly number[]): number {
  return problem.constraints.reduce(
    (keep, { kind }, r) =>
      kind !== "floors" && usage[r]! > limits[r]! ? Math.min(keep, limits[r]! / usage[r]!) : keep,
    1,
  );
}

function refuseFloors(problem: Problem, { usage }: Expected): void {
  for (const [r, { kind, name, limit, measure }] of problem.constraints.entries()) {
    if (kind !== "floors" || usage[r]! >= limit * (1 - 1e-9)) continue;
    const amount = (units: number) => (measure === "pieces" ? `${units} pieces` : `${units / MILLI} minor units`);
    throw new CouponcastError(
      "ERR_COUPONCAST_INFEASIBLE",
      `${name}: expected at least ${amount(limit)}, but with this much exploration only ${amount(Number(usage[r]!.toPrecision(6)))} could be expected`,
      { field: name, hint: "Lower the floor, epsilon, the temperature or the reserve." },
    );
  }
}

/** @internal Limits by the ids of their coupons, for people. */
export function withCouponIds(limits: readonly ExploredLimit[], ids: readonly string[]): ExploredLimit[] {
  return limits.map(({ coupon, counts, ...rest }) => {
    const name = coupon === null ? rest.name : `${counts === "pieces" ? "stock" : "budget"} of ${ids[coupon]}`;
    return { ...rest, name, coupon, counts };
  });
}

/** @internal Exploration over candidates that are already in the kernels' form. */
export async function exploreTable(
  executor: Executor,
  table: CandidateTable,
  limits: Limits,
  options: ExploreOptions,
): Promise<Exploration> {
  const { epsilon, temperature, seed, reserve, keys } = settingsOf(options, table.numUsers);
  const best = await allocateTable(executor, table, limits);
  const problem = await Problem.create(executor, table, limits);
  const { constraints, numUsers, width } = problem;
  const units = drawUnits(problem);
  const isFloor = (r: number) => constraints[r]!.kind === "floors";
  const whole = constraints.map(({ limit }, r) => (isFloor(r) ? limit : limit * (1 - reserve)));
  const nothing: SmoothPrices & { keep: number } = {
    prices: shared.f64(constraints.length),
    expected: undefined as never,
    passes: 0,
    keep: 1,
  };

  let wide = nothing;
  let left: readonly number[] = whole;
  if (epsilon > 0) {
    const task = { temperature: 1, ignoreValue: true, start: nothing.prices };
    const evenly = whole.map((limit, r) => (isFloor(r) ? Number.NEGATIVE_INFINITY : limit));
    const solved = await smoothPrices(executor, problem, units, { ...task, limits: evenly });
    const keep = keepOf(problem, solved.expected.usage, whole);
    wide = { ...solved, keep };
    left = whole.map(
      (limit, r) => Math.max(0, limit - epsilon * keep * solved.expected.usage[r]!) / (1 - epsilon || 1),
    );
  }
  let near = nothing;
  let fixed: Uint8Array | undefined;
  if (temperature > 0) {
    const task = { temperature, ignoreValue: false, start: best.prices };
    const solved = await smoothPrices(executor, problem, units, { ...task, limits: left });
    near = { ...solved, keep: keepOf(problem, solved.expected.usage, left) };
  } else {
    fixed = (await allocateTable(executor, table, limitsLeft(problem, limits, left))).chosen;
  }

  const chosen = shared.u8(numUsers * width);
  const propensities = shared.f64(numUsers * width);
  const decisionPropensities = shared.f64(numUsers);
  const isBest = shared.u8(numUsers);
  const expected = await sumOverUnits(executor, units.count, constraints.length, () => ({
    kernel: "drawSets",
    args: {
      ...problem.args(),
      unitIndptr: units.unitIndptr,
      members: units.members,
      epsilon,
      widePrices: wide.prices,
      wideTemperature: 1,
      wideKeep: wide.keep,
      nearPrices: near.prices,
      nearTemperature: temperature || 1,
      nearKeep: near.keep,
      fixed,
      best: best.chosen,
      keys,
      seed,
      chosen,
      propensity: propensities,
      decision: decisionPropensities,
      isBest,
    },
  }));
  refuseFloors(problem, expected);
  const recount = await countDraws(executor, problem, chosen);
  return {
    chosen,
    propensities,
    decisionPropensities,
    isBest,
    assigned: recount.assigned,
    valueMinor: recount.valueMilli / MILLI,
    spendMinor: recount.spendMilli / MILLI,
    expected: {
      assigned: expected.assigned,
      valueMinor: expected.valueMilli / MILLI,
      spendMinor: expected.spendMilli / MILLI,
    },
    givenUpMinor: best.valueMinor - expected.valueMilli / MILLI,
    limits: constraints.map(({ name, kind, index, measure, limit }, r) => {
      const unit = measure === "pieces" ? 1 : MILLI;
      return {
        name,
        coupon: kind === "stock" || kind === "coupon-budget" ? index : null,
        kind: kind === "floors" ? "floor" : "limit",
        counts: measure === "pieces" ? "pieces" : "money",
        limit: limit / unit,
        expected: expected.usage[r]! / unit,
        deviation: Math.sqrt(Math.max(0, expected.curvature[r]!)) / unit,
        drawn: Number(recount.usage[r]) / unit,
      };
    }),
    best,
    seed,
  };
}

/** Recounts a draw, independently of how it came about: caps must hold; what it uses of the limits is counted, not judged. */
export async function countDraws(executor: Executor, problem: Problem, chosen: ArgValue) {
  const usage = shared.i64(problem.constraints.length);
  const args = problem.args();
  const unlimited = shared.i64(problem.constraints.length).fill(2n ** 62n);
  const { indptr: unitIndptr, members } = problem.components ?? { indptr: undefined, members: shared.i32(0) };
  const { value } = await executor.run({
    kernel: "checkFeasible",
    args: {
      ...args,
      limit: unlimited,
      floor: shared.u8(problem.constraints.length),
      unitIndptr,
      members,
      chosen,
      outUsage: usage,
    },
  });
  return { ...(value as PolishStats), usage };
}

/**
 * Draws an assignment by lot around the best one, and says how likely each part of it was, so that any other policy can be
 * evaluated from what comes of it (`evaluatePolicy`).
 *
 * With `temperatureMinor` a user's set of coupons S is drawn with P(S) ~ exp((value of S - prices) / temperature) over all
 * sets that the caps allow, exactly, also for several coupons and for identities; with `epsilon` a share of the users draws
 * from the sets of greatest entropy instead: all alike, as far as the limits allow. Caps hold in every draw; budgets, stock
 * and floors in expectation, for which prices are solved anew; `reserve` sets some of them aside. A candidate that no limit
 * has room for alone is never drawn. Reproducible from the seed and the users' keys; the same for any number of threads.
 * Cost: two allocations and some 20 to 200 passes; memory: 10 bytes a candidate place more than `allocate`.
 * Errors: those of allocate; ERR_COUPONCAST_INFEASIBLE where a floor is out of reach in expectation.
 * Source: formulas.md, "Allocation" and "Off-policy evaluation".
 */
export async function exploreAllocation(
  candidates: Candidates | CandidateFile,
  limits: Limits,
  explore: ExploreOptions,
  options: RunOptions = {},
): Promise<Exploration> {
  knownOptions("explore", explore, EXPLORE_OPTIONS);
  knownOptions("exploreAllocation", options, RUN_OPTIONS);
  const executor = new Executor(options);
  const table = await candidateTable(executor, candidates, limits);
  return exploreTable(executor, table, limits, explore);
}
