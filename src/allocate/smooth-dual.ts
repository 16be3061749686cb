/** Prices of a smooth dual: a convex function of prices >= 0 whose gradient is what the limits have left. */
import { type Executor, shards, shared } from "../executor/executor.js";
import type { ExpectedTotals } from "../native/addon.js";
import type { Problem } from "./problem.js";

const SHARD_UNITS = 16_384;
const MAX_PASSES = 400;
const MEMORY = 12;
/** Limits are aimed at so much below themselves, and met to half of that: so they hold in expectation, to the last bit. */
const AIM = 2e-6;

/** Whom the draws are for: the members of several users, or everybody when there are none. */
export interface DrawUnits {
  unitIndptr?: BigInt64Array | undefined;
  members: Int32Array;
  count: number;
}

/** Every user as one unit, identities of several as one. */
export function drawUnits(problem: Problem): DrawUnits {
  const { components, numUsers } = problem;
  if (components === undefined) return { members: shared.i32(0), count: numUsers };
  const { joined, indptr, members } = components;
  const numSingles = numUsers - members.length;
  const all = shared.i32(numUsers);
  let at = 0;
  for (let user = 0; user < numUsers; user++) if (joined[user] === 0) all[at++] = user;
  all.set(members, at);
  const count = numSingles + indptr.length - 1;
  const unitIndptr = shared.i64(count + 1);
  for (let u = 0; u <= count; u++)
    unitIndptr[u] = BigInt(Math.min(u, numSingles)) + (u > numSingles ? indptr[u - numSingles]! : 0n);
  return { unitIndptr, members: all, count };
}

export interface Expected extends ExpectedTotals {
  /** float64 [constraints] */
  usage: Float64Array;
  /** float64 [constraints] variance of the use, candidates taken as independent */
  curvature: Float64Array;
}

/** Adds up what kernels say of shards of units, in order. */
export async function sumOverUnits(
  executor: Executor,
  count: number,
  constraints: number,
  call: (range: { begin: number; end: number }) => Parameters<Executor["map"]>[0][number],
): Promise<Expected> {
  const results = await executor.map(
    shards(count, SHARD_UNITS).map((range) => {
      const { kernel, args } = call(range);
      const outUsage = { $return: "F64" as const, length: constraints };
      return { kernel, args: { ...args, ...range, outUsage, outCurvature: { ...outUsage } } };
    }),
  );
  const sum: Expected = {
    surplus: 0,
    valueMilli: 0,
    spendMilli: 0,
    assigned: 0,
    usage: new Float64Array(constraints),
    curvature: new Float64Array(constraints),
  };
  for (const { value, outputs } of results) {
    const part = value as ExpectedTotals;
    sum.surplus += part.surplus;
    sum.valueMilli += part.valueMilli;
    sum.spendMilli += part.spendMilli;
    sum.assigned += part.assigned;
    for (let r = 0; r < constraints; r++) {
      sum.usage[r]! += (outputs.outUsage as Float64Array)[r]!;
      sum.curvature[r]! += (outputs.outCurvature as Float64Array)[r]!;
    }
  }
  return sum;
}

export interface SmoothTask {
  /** In the order of the problem's constraints; a floor may be -Infinity: it is left out. */
  limits: readonly number[];
  start: Float64Array;
  temperature: number;
  ignoreValue: boolean;
}

export interface SmoothPrices {
  prices: Float64Array;
  /** What is drawn at them. */
  expected: Expected;
  passes: number;
}

interface At {
  prices: Float64Array;
  expected: Expected;
  value: number;
  gradient: Float64Array;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/**
 * Minimises sum_r +-limit_r price_r + sum of units temperature ln(sum over sets exp(w / temperature)) over prices >= 0:
 * projected L-BFGS, scaled by the diagonal of the Hessian. The gradient is limit - expected use (for floors the negative),
 * so at the minimum every limit holds in expectation. Ends when limits hold to 1e-6 and prices of slack ones are worth less
 * than that, or after 400 passes. Source: Bertsekas 1982 (two-metric projection); Liu & Nocedal 1989.
 */
export async function smoothPrices(
  executor: Executor,
  problem: Problem,
  units: DrawUnits,
  { limits, start, temperature, ignoreValue }: SmoothTask,
): Promise<SmoothPrices> {
  const count = problem.constraints.length;
  const used = limits.map(Number.isFinite);
  const aims = limits.map((limit, r) => (used[r] ? limit * (1 - problem.sign(r) * AIM) : 0));
  let passes = 0;
  const look = async (prices: Float64Array): Promise<At> => {
    const expected = await sumOverUnits(executor, units.count, count, () => ({
      kernel: "expectUse",
      args: {
        ...problem.args(),
        unitIndptr: units.unitIndptr,
        members: units.members,
        prices,
        temperature,
        ignoreValue,
      },
    }));
    executor.progress("exploration", ++passes, undefined);
    const gradient = new Float64Array(count);
    let value = expected.surplus;
    for (let r = 0; r < count; r++) {
      if (!used[r]) continue;
      gradient[r] = problem.sign(r) * (aims[r]! - expected.usage[r]!);
      value += problem.sign(r) * aims[r]! * prices[r]!;
    }
    return { prices, expected, value, gradient };
  };

  const first = shared.f64(count);
  first.set(start);
  let at = await look(first);
  const pairs: { step: Float64Array; turn: Float64Array; rho: number }[] = [];
  while (passes < MAX_PASSES && !isDone(at, aims)) {
    const isFree = (r: number) => used[r] && (at.prices[r]! > 0 || at.gradient[r]! < 0);
    const gradient = at.gradient.map((g, r) => (isFree(r) ? g : 0));
    const direction = directionOf(gradient, at, temperature, pairs);
    for (let r = 0; r < count; r++) if (!isFree(r)) direction[r] = 0;
    let next: At | undefined;
    for (let length = 1; length > 1e-10 && next === undefined && passes < MAX_PASSES; length *= 0.3) {
      const prices = shared.f64(count);
      for (let r = 0; r < count; r++) prices[r] = Math.max(0, at.prices[r]! + length * direction[r]!);
      const tried = await look(prices);
      let slope = 0;
      for (let r = 0; r < count; r++) slope += gradient[r]! * (prices[r]! - at.prices[r]!);
      if (tried.value <= at.value + 1e-4 * slope) next = tried;
    }
    if (next === undefined) {
      if (pairs.length === 0) break;
      // What was learned of the curvature misleads: start over from the diagonal.
      pairs.length = 0;
      continue;
    }
    const step = next.prices.map((p, r) => p - at.prices[r]!);
    const turn = next.gradient.map((g, r) => g - at.gradient[r]!);
    const product = dot(step, turn);
    if (product > 1e-14 * Math.sqrt(dot(step, step) * dot(turn, turn))) {
      pairs.push({ step, turn, rho: 1 / product });
      if (pairs.length > MEMORY) pairs.shift();
    }
    at = next;
  }
  return { prices: at.prices, expected: at.expected, passes };
}

/** Whether all limits hold, and those that leave something have next to no price. */
function isDone({ prices, gradient, value }: At, aims: readonly number[]): boolean {
  const small = Math.max(1e-9, 1e-6 * Math.abs(value));
  return gradient.every((g, r) => g >= -0.5 * AIM * aims[r]! && g * prices[r]! <= small);
}

/** Two-loop recursion over the last steps, from the inverse of the Hessian's diagonal. */
function directionOf(
  gradient: Float64Array,
  { prices, expected }: At,
  temperature: number,
  pairs: readonly { step: Float64Array; turn: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.slice();
  const alphas: number[] = [];
  for (const { step, turn, rho } of [...pairs].reverse()) {
    const alpha = rho * dot(step, q);
    alphas.push(alpha);
    for (let r = 0; r < q.length; r++) q[r]! -= alpha * turn[r]!;
  }
  const scaled = q.map((g, r) => {
    const curvature = expected.curvature[r]! / temperature;
    // Where nothing would be used, the price falls at once; the line search sees to the rest.
    return curvature > 0 ? g / curvature : Math.sign(g) * prices[r]!;
  });
  for (const [i, { step, turn, rho }] of pairs.entries()) {
    const beta = rho * dot(turn, scaled);
    const alpha = alphas[pairs.length - 1 - i]!;
    for (let r = 0; r < scaled.length; r++) scaled[r]! += (alpha - beta) * step[r]!;
  }
  return scaled.map((d) => -d);
}
