/** Prices of the constraints, and who is left to decide once they are nearly right. */
import { type Executor, shards, shared } from "../executor/executor.js";
import type { DualPartial } from "../native/addon.js";
import type { Problem } from "./problem.js";

const SHARD_USERS = 16_384;
/** Up to so many users everybody is looked at in each step. */
const DIRECT_USERS = 4096;
/** Users whose rows stand for all while prices are far off: a quarter, within these. */
const MIN_SAMPLE_USERS = 2048;
const MAX_SAMPLE_USERS = 65_536;
const MAX_PASSES = 3;
/** The neighbourhood of prices in which users are settled: this share of themselves over the size of the sample. */
const LEAST_RADIUS = 8;
/** Prices that a correction moves less than by so many such neighbourhoods are near enough. */
const NEAR = 8;
const MAX_SCANS = 6;

/** Users that are decided for themselves, one unit each, and identities of several users. */
export interface Units {
  unitIndptr?: BigInt64Array;
  members: Int32Array;
}

/** The dual's minimum, and what of the primal it settles. */
export interface DualSolution {
  /** Best upper bound on the value of any assignment, milli. */
  bound: number;
  /** One price a constraint. */
  prices: Float64Array;
  /** Whom other prices nearby would give something else. Everybody else keeps what `chosen` says. */
  open: Units;
  /** [users * width] best responses at the prices. */
  chosen: Uint8Array;
  /** What users outside `open` add up to. */
  settled: Omit<DualPartial, "surplus">;
  /** Their use of each constraint. */
  usage: BigInt64Array;
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
  chosen?: Uint8Array;
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

/** A fixed choice of users, spread evenly: one from each of so many stretches. */
function sampleUsers(numUsers: number): Int32Array {
  const count = Math.min(MAX_SAMPLE_USERS, Math.max(MIN_SAMPLE_USERS, Math.floor(numUsers / 4)));
  const members = shared.i32(count);
  for (let i = 0; i < count; i++) {
    const begin = Math.floor((i * numUsers) / count);
    const size = Math.floor(((i + 1) * numUsers) / count) - begin;
    members[i] = begin + ((Math.imul(i, 0x9e3779b1) >>> 8) % size);
  }
  return members;
}

/** Members of `units`, with one unit for each of `singles`. */
function joinUnits(singles: Int32Array, problem: Problem): Units {
  const { components } = problem;
  if (components === undefined) return { members: singles };
  const members = shared.i32(singles.length + components.members.length);
  members.set(singles);
  members.set(components.members, singles.length);
  const unitIndptr = shared.i64(singles.length + components.indptr.length);
  for (let i = 0; i <= singles.length; i++) unitIndptr[i] = BigInt(i);
  for (let u = 1; u < components.indptr.length; u++)
    unitIndptr[singles.length + u] = BigInt(singles.length) + components.indptr[u]!;
  return { unitIndptr, members };
}

/** The users that `isOpen` marks, but for members of identities. */
function listOpen(problem: Problem, isOpen: (user: number) => boolean): Units {
  const joined = problem.components?.joined;
  const wanted = (user: number) => joined?.[user] !== 1 && isOpen(user);
  let count = 0;
  for (let user = 0; user < problem.numUsers; user++) if (wanted(user)) count++;
  const singles = shared.i32(count);
  let at = 0;
  for (let user = 0; user < problem.numUsers; user++) if (wanted(user)) singles[at++] = user;
  return joinUnits(singles, problem);
}

export const everybody = (problem: Problem): Units => listOpen(problem, () => true);

/**
 * Minimises the Lagrangian dual D(prices) = sum_r +-limit_r price_r + sum_units max w.
 *
 * Few users: by a bundle method on all. Many: on a fixed sample first, whose limits are then corrected until its best
 * prices are those of everybody (a pass each); users whose choice no price nearby changes are settled by one more pass,
 * and the rest solved exactly within that neighbourhood. If the best prices lie at its edge, once more from there.
 * Any prices give a valid bound. Deterministic: shards are fixed and added in order.
 * Cost: some 3 to 8 passes over the candidates; memory: a byte a candidate, 44 a candidate of open users.
 * Source: formulas.md, "Allocation"; Kiwiel 1990; Zhang et al. (arXiv 2002.00352) for sampled starts.
 */
export async function solveDual(
  executor: Executor,
  problem: Problem,
  start: Float64Array | undefined,
  chosen: Uint8Array,
  relative = 1e-8,
): Promise<DualSolution> {
  const { numUsers, constraints } = problem;
  const limits = sharedCopy(constraints.map(({ limit }) => limit));
  let prices = sharedCopy(start ?? new Float64Array(constraints.length));
  let evaluations = 0;
  if (numUsers <= DIRECT_USERS) {
    const open = everybody(problem);
    const solved = await solveUnits(executor, problem, open, { limits, start: prices, relative, chosen });
    return {
      bound: solved.bound,
      prices: solved.prices,
      open,
      chosen,
      settled: { valueMilli: 0, spendMilli: 0, assigned: 0 },
      usage: shared.i64(constraints.length),
      passes: solved.evaluations,
      evaluations: solved.evaluations,
    };
  }

  const sample = { members: sampleUsers(numUsers) };
  const share = sample.members.length / numUsers;
  let sampled = await solveUnits(executor, problem, sample, {
    limits: limits.map((limit) => limit * share) as Float64Array,
    start: prices,
    relative: 1e-7,
  });
  evaluations += sampled.evaluations;
  const near = LEAST_RADIUS / sample.members.length;
  let passes = 0;
  let moved = new Float64Array(constraints.length);
  prices = sampled.prices;
  // A price that is 0 is measured by what moves the bound by its own size.
  const sizeOf = (r: number, bound: number) => Math.max(prices[r]!, (1e-3 * Math.abs(bound)) / Math.max(limits[r]!, 1));
  let bound = sampled.bound / share;
  while (passes < MAX_PASSES && constraints.length > 0) {
    const all = await pass(executor, problem, prices, undefined, passes++);
    const corrected = sharedCopy(
      constraints.map((_, r) => Number(sampled.usage[r]) + share * (limits[r]! - Number(all.usage[r]))),
    );
    bound = all.surplus + constraints.reduce((sum, { limit }, r) => sum + problem.sign(r) * limit * prices[r]!, 0);
    sampled = await solveUnits(executor, problem, sample, { limits: corrected, start: prices, relative: 1e-8 });
    evaluations += sampled.evaluations;
    moved = sampled.prices.map((price, r) => Math.abs(price - prices[r]!)) as Float64Array<ArrayBuffer>;
    prices = sampled.prices;
    if (moved.every((by, r) => by <= NEAR * near * sizeOf(r, bound))) break;
  }

  const marks = shared.u8(numUsers);
  let widen = 1;
  for (let scan = 1; ; scan++) {
    const radius = sharedCopy(constraints.map((_, r) => widen * Math.max(moved[r]!, near * sizeOf(r, bound))));
    const settled = await pass(executor, problem, prices, { radius, chosen, open: marks }, passes++);
    const open = listOpen(problem, (user) => marks[user] === 1);
    const lower = sharedCopy(prices.map((price, r) => Math.max(0, price - radius[r]!)));
    const upper = sharedCopy(prices.map((price, r) => price + radius[r]!));
    const solved = await solveUnits(executor, problem, open, {
      limits: sharedCopy(constraints.map((_, r) => limits[r]! - Number(settled.usage[r]))),
      start: prices,
      lower,
      upper,
      constant: settled.valueMilli,
      relative,
      chosen,
    });
    evaluations += solved.evaluations;
    const atEdge = constraints.some((_, r) => {
      const price = solved.prices[r]!;
      return (price >= upper[r]! && radius[r]! > 0) || (price <= lower[r]! && lower[r]! > 0);
    });
    if (!atEdge || scan === MAX_SCANS) {
      return {
        bound: solved.bound,
        prices: solved.prices,
        open,
        chosen,
        settled,
        usage: settled.usage,
        passes,
        evaluations: evaluations + passes,
      };
    }
    prices = solved.prices;
    widen *= 2;
  }
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
