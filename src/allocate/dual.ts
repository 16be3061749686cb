import type { CallResult } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import type { Problem, Resource } from "./problem.js";

/** Multipliers (shadow prices) in shared memory, as kernels take them. */
export class Multipliers {
  readonly budget = shared.f64(1);
  readonly couponBudget: Float64Array;
  readonly stock: Float64Array;

  constructor(numCoupons: number) {
    this.couponBudget = shared.f64(numCoupons);
    this.stock = shared.f64(numCoupons);
  }

  set(resources: readonly Resource[], prices: ArrayLike<number>): void {
    for (const [r, { kind, coupon }] of resources.entries()) {
      const price = prices[r]!;
      if (kind === "budget") this.budget[0] = price;
      else if (kind === "coupon-budget") this.couponBudget[coupon] = price;
      else this.stock[coupon] = price;
    }
  }

  args(): Record<string, Float64Array> {
    return { budgetMultiplier: this.budget, couponBudgetMultipliers: this.couponBudget, stockMultipliers: this.stock };
  }
}

const SHARD_USERS = 16_384;
/** Cuts kept by the bundle; the oldest inactive ones go first. */
const MAX_CUTS = 80;
const MAX_EVALUATIONS = 400;
const MAX_STEP = 1000;

export interface DualSolution {
  /** Best upper bound on the value of any assignment, milli. */
  bound: number;
  /** One price a resource. */
  prices: Float64Array;
  evaluations: number;
}

interface Evaluation {
  dual: number;
  /** limit - usage of each resource: a subgradient of the dual. */
  slack: Float64Array;
}

/**
 * Minimises the Lagrangian dual D(prices) = sum_r limit_r price_r + sum_users max w by a proximal bundle method:
 * every evaluation adds a cut, the next point minimises the cuts' maximum plus a proximity term.
 *
 * Any point gives a valid upper bound, so the best one is kept. Ends when the model promises less than `relative` of
 * the bound, or after 400 evaluations. Deterministic: shards are fixed and added in order.
 * Source: formulas.md, "Allocation"; Kiwiel 1990.
 */
export async function solveDual(
  executor: Executor,
  problem: Problem,
  multipliers: Multipliers,
  start: Float64Array | undefined,
  relative = 1e-7,
): Promise<DualSolution> {
  const resources = problem.resources();
  const dims = resources.length;

  const evaluate = async (prices: Float64Array): Promise<Evaluation> => {
    multipliers.set(resources, prices);
    const results = await respond(executor, problem, multipliers);
    let surplus = 0;
    let spend = 0;
    const count = new Float64Array(problem.numCoupons);
    const couponSpend = new Float64Array(problem.numCoupons);
    for (const { value, outputs } of results) {
      const partial = value as { surplus: number; spendMilli: number };
      surplus += partial.surplus;
      spend += partial.spendMilli;
      for (let j = 0; j < problem.numCoupons; j++) {
        count[j]! += Number((outputs.outCouponCount as BigInt64Array)[j]);
        couponSpend[j]! += Number((outputs.outCouponSpend as BigInt64Array)[j]);
      }
    }
    let dual = surplus;
    const slack = new Float64Array(dims);
    for (const [r, { kind, coupon, limit }] of resources.entries()) {
      dual += limit * prices[r]!;
      slack[r] = limit - (kind === "budget" ? spend : kind === "stock" ? count[coupon]! : couponSpend[coupon]!);
    }
    return { dual, slack };
  };

  let center = start === undefined ? new Float64Array(dims) : start.slice();
  let best = await evaluate(center);
  let evaluations = 1;
  if (dims === 0 || best.dual === 0) return { bound: best.dual, prices: center, evaluations };

  // Prices differ by orders of magnitude (value per cost, value per piece): measure each by what moves the bound by
  // its own size, so that a step means the same in every direction.
  const scale = resources.map(({ limit }, r) => best.dual / Math.max(limit, limit - best.slack[r]!, 1));
  const best0 = best.dual;
  const cuts: { slope: Float64Array; offset: number }[] = [];
  const addCut = (at: Float64Array, { dual, slack }: Evaluation) => {
    const slope = slack.map((s, r) => (s * scale[r]!) / best0);
    const offset = dual / best0 - slope.reduce((sum, s, r) => sum + (s * at[r]!) / scale[r]!, 0);
    cuts.push({ slope, offset });
    if (cuts.length > MAX_CUTS) cuts.shift();
  };
  addCut(center, best);
  let step = 0.1;
  const point = shared.f64(dims);
  while (evaluations < MAX_EVALUATIONS) {
    const slopes = shared.f64(cuts.length * dims);
    const offsets = shared.f64(cuts.length);
    for (const [c, cut] of cuts.entries()) {
      slopes.set(cut.slope, c * dims);
      offsets[c] = cut.offset;
    }
    const { value } = await executor.run({
      kernel: "solveBundleMaster",
      args: { slopes, offsets, center: center.map((price, r) => price / scale[r]!), step, outPoint: point },
    });
    const promised = best.dual / best0 - (value as number);
    if (promised <= (relative * best.dual) / best0) {
      // At a short step the model promises little near the center only: look farther before giving up. A promise below
      // zero is the master's own rounding: it has no more to say.
      if (promised < 0 || step >= MAX_STEP) break;
      step *= 10;
      continue;
    }
    const candidate = Float64Array.from(point, (y, r) => y * scale[r]!);
    const next = await evaluate(candidate);
    evaluations++;
    addCut(candidate, next);
    const gained = (best.dual - next.dual) / best0;
    if (gained >= 0.1 * promised) {
      center = candidate;
      best = next;
      if (gained >= 0.5 * promised) step = Math.min(step * 2, MAX_STEP);
    } else {
      if (gained > 0) {
        center = candidate;
        best = next;
      }
      step = Math.max(step * 0.7, 1e-7);
    }
    executor.progress("dual bound", evaluations, undefined);
  }
  multipliers.set(resources, center);
  return { bound: best.dual, prices: center, evaluations };
}

/** The users' best responses at the multipliers, shard by shard; `chosen` receives 1 for each chosen candidate. */
function respond(
  executor: Executor,
  problem: Problem,
  multipliers: Multipliers,
  chosen?: Uint8Array,
): Promise<CallResult[]> {
  return executor.map(
    shards(problem.numUsers, SHARD_USERS).map(({ begin, end }) => ({
      kernel: "evaluateDual",
      args: {
        ...problem.args(),
        ...multipliers.args(),
        begin,
        end,
        outCouponCount: { $return: "I64", length: problem.numCoupons },
        outCouponSpend: { $return: "I64", length: problem.numCoupons },
        outChosen: chosen?.subarray(begin * problem.width, end * problem.width),
      },
    })),
  );
}

/** The candidates that the users' best responses at the multipliers choose. */
export async function bestResponses(
  executor: Executor,
  problem: Problem,
  multipliers: Multipliers,
): Promise<Uint8Array> {
  const chosen = shared.u8(problem.numUsers * problem.width);
  await respond(executor, problem, multipliers, chosen);
  return chosen;
}
