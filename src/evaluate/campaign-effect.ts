import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { fieldsOf, integerBetween, numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type Estimate, type Interval, normalEstimate, sortedQuantile } from "./interval.js";

/** What each user did after the decision; one element a user, users in an order that does not change. */
export interface CampaignOutcomes {
  /** 1: open to the campaign, whether or not it got a coupon; 0: in the holdout. */
  treated: ArrayLike<number>;
  /** Orders in the time that counts. */
  orders: ArrayLike<number>;
  salesMinor: ArrayLike<number>;
  /** Margin before discounts. */
  marginMinor: ArrayLike<number>;
  /** Discounts that coupons cost. */
  discountMinor: ArrayLike<number>;
  /** Group of each user in [0, numGroups), as its segment; negative: in none. */
  groups?: ArrayLike<number> | undefined;
}

export interface CampaignEffectOptions extends RunOptions {
  /** Of all intervals, in (0, 1); default 0.95. */
  confidence?: number | undefined;
  /** Bootstrap replicates, 100 to 100,000, or 0 for none; default 1000. */
  replicates?: number | undefined;
  /** Of the bootstrap; default 1. */
  seed?: number | undefined;
  /** Groups of users to tell apart, 0 to 10,000; default 0. */
  numGroups?: number | undefined;
}

export interface Arm {
  numUsers: number;
  /** Users with an order. */
  numBuyers: number;
  orders: number;
  salesMinor: number;
  marginMinor: number;
  discountMinor: number;
  /** Share of the users with an order. */
  conversion: number;
}

/** An estimate with the interval of the bootstrap beside that of the delta method. */
export interface Effect extends Estimate {
  /** Quantiles of the bootstrap; null without one. */
  bootstrap: Interval | null;
}

export interface GroupEffect {
  treated: Arm;
  holdout: Arm;
  /** Differences treated - holdout. */
  conversion: Effect;
  ordersPerUser: Effect;
  salesPerUserMinor: Effect;
  marginPerUserMinor: Effect;
  /** Margin that the campaign added, for all treated users, before discounts. */
  incrementalMarginMinor: Effect;
  /** The same less the discounts. */
  incrementalProfitMinor: Effect;
  /** Incremental sales over discounts; null where there were none. */
  incrementalRoas: Effect | null;
  /** (incremental margin - discounts) / discounts; null where there were none. */
  incrementalRoi: Effect | null;
}

export interface CampaignEffect {
  all: GroupEffect;
  /** By group; null for a group without treated or without holdout users. */
  groups: (GroupEffect | null)[];
}

const EFFECT_OPTIONS = { ...RUN_OPTIONS, confidence: true, replicates: true, seed: true, numGroups: true };
/** Columns of the sums, behind the count: buyers, orders, sales, margin, discount. */
const COLUMNS = 5;
const WIDTH = COLUMNS + 1;
const MAX_SUM_ELEMENTS = 2 ** 26;

interface Sums {
  count: number;
  buyers: number;
  orders: number;
  sales: number;
  margin: number;
  discount: number;
}

/**
 * What a campaign changed, by comparing all users who were open to it with the holdout, which was drawn at random: not
 * the receivers, whom the allocation chose for what they were likely to do anyway.
 *
 * Intervals: delta method (normal), and quantiles of a Poisson bootstrap over users. Both are the same for any number
 * of threads. Money in minor units.
 *
 * Cost: users * replicates hashes. Memory: 48 bytes a user, and 12 numbers a replicate and group.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (lengths that differ, numbers that are not finite, an arm without users),
 * _CANCELLED, _CLOSED. Source: formulas.md, "Money"; Chamandy et al. 2012 (bootstrap).
 */
export async function campaignEffect(
  outcomes: CampaignOutcomes,
  options: CampaignEffectOptions = {},
): Promise<CampaignEffect> {
  const executor = new Executor(knownOptions("campaignEffect", options, EFFECT_OPTIONS));
  const confidence = numberBetween("confidence", options.confidence ?? 0.95, 1e-6, 1 - 1e-6);
  const replicates = integerBetween("replicates", options.replicates ?? 1000, 0, 100_000);
  if (replicates > 0 && replicates < 100)
    throw invalidArgument(`expected 0 or at least 100 replicates but received ${replicates}`);
  const numGroups = integerBetween("numGroups", options.numGroups ?? 0, 0, 10_000);
  const seed = integerBetween("seed", options.seed ?? 1, 0, 2 ** 32 - 1);
  const { values, groups } = await readOutcomes(outcomes, numGroups);

  // Cells: (group or none) x (holdout, treated).
  const cells = (numGroups + 1) * 2;
  const moments = await momentsOf(values, groups, cells);
  const drawn = await bootstrap(executor, values, groups, cells, replicates, seed);
  const all = Array.from({ length: numGroups + 1 }, (_, g) => g);
  const effectOf = (members: readonly number[]) => groupEffect(moments, drawn, members, confidence);
  const whole = effectOf(all);
  if (whole === null)
    throw invalidArgument("expected users in the holdout and users outside it", {
      hint: "Without a holdout nothing tells what users would have done anyway: run campaigns with holdout.share above 0.",
    });
  return { all: whole, groups: Array.from({ length: numGroups }, (_, g) => effectOf([g])) };
}

async function readOutcomes(outcomes: CampaignOutcomes, numGroups: number) {
  const { treated, orders, salesMinor, marginMinor, discountMinor } = fieldsOf("outcomes", outcomes);
  const n = fieldsOf("treated", treated).length;
  const columns = { orders, salesMinor, marginMinor, discountMinor };
  for (const [name, column] of Object.entries({ ...columns, groups: outcomes.groups ?? treated })) {
    if (fieldsOf(name, column).length !== n)
      throw invalidArgument(`expected ${n} elements in ${name}, as in treated, but received ${column.length}`);
  }
  const values = shared.f64(n * COLUMNS);
  const groups = shared.i32(n);
  await forEachYielding(n, (i) => {
    if (treated[i] !== 0 && treated[i] !== 1)
      throw invalidArgument(`expected 0 or 1 in treated[${i}] but received ${String(treated[i])}`);
    const group = outcomes.groups?.[i] ?? -1;
    if (!Number.isInteger(group) || group >= numGroups)
      throw invalidArgument(`expected a whole number below ${numGroups} in groups[${i}] but received ${group}`);
    groups[i] = (group < 0 ? numGroups : group) * 2 + treated[i]!;
    values[i * COLUMNS] = orders[i]! > 0 ? 1 : 0;
    for (const [c, [name, column]] of Object.entries(columns).entries()) {
      const value = column[i]!;
      if (!Number.isFinite(value))
        throw invalidArgument(`expected a finite number in ${name}[${i}] but received ${String(value)}`);
      values[i * COLUMNS + c + 1] = value;
    }
  });
  return { values, groups };
}

/** Sums and sums of products of each cell: float64 [cells][WIDTH * WIDTH], index 0 standing for 1. */
async function momentsOf(values: Float64Array, groups: Int32Array, cells: number): Promise<Float64Array> {
  const products = new Float64Array(cells * WIDTH * WIDTH);
  const row = new Float64Array(WIDTH);
  await forEachYielding(groups.length, (i) => {
    row[0] = 1;
    for (let c = 0; c < COLUMNS; c++) row[c + 1] = values[i * COLUMNS + c]!;
    const at = groups[i]! * WIDTH * WIDTH;
    for (let a = 0; a < WIDTH; a++) {
      for (let b = a; b < WIDTH; b++) products[at + a * WIDTH + b]! += row[a]! * row[b]!;
    }
  });
  return products;
}

async function bootstrap(
  executor: Executor,
  values: Float64Array,
  groups: Int32Array,
  cells: number,
  replicates: number,
  seed: number,
): Promise<Float64Array> {
  const width = cells * WIDTH;
  if (replicates * width > MAX_SUM_ELEMENTS)
    throw invalidArgument(
      `${replicates} replicates of ${cells / 2 - 1} groups need ${replicates * width} sums, more than ${MAX_SUM_ELEMENTS}`,
      { hint: "Ask for fewer replicates, or fewer groups." },
    );
  const sums = shared.f64(replicates * width);
  const parts = shards(replicates, 8);
  await executor.map(
    parts.map(({ begin, end }) => ({
      kernel: "poissonBootstrap",
      args: {
        values,
        columns: COLUMNS,
        groups,
        numGroups: cells,
        seed,
        begin,
        end,
        outSums: sums.subarray(begin * width, end * width),
      },
    })),
    { name: "bootstrap", weight: (index) => parts[index]!.end - parts[index]!.begin },
  );
  return sums;
}

const asSums = (at: (column: number) => number): Sums => ({
  count: at(0),
  buyers: at(1),
  orders: at(2),
  sales: at(3),
  margin: at(4),
  discount: at(5),
});

const armOf = ({ count, buyers, orders, sales, margin, discount }: Sums): Arm => ({
  numUsers: count,
  numBuyers: buyers,
  orders,
  salesMinor: sales,
  marginMinor: margin,
  discountMinor: discount,
  conversion: count > 0 ? buyers / count : 0,
});

/** The effect in the groups `members` together; null where an arm has no users. */
function groupEffect(
  moments: Float64Array,
  drawn: Float64Array,
  members: readonly number[],
  confidence: number,
): GroupEffect | null {
  const numCells = moments.length / WIDTH / WIDTH;
  const product = (arm: number, a: number, b: number) =>
    members.reduce((sum, g) => sum + moments[((g * 2 + arm) * WIDTH + Math.min(a, b)) * WIDTH + Math.max(a, b)]!, 0);
  const [holdout, treated] = [0, 1].map((arm) => asSums((c) => product(arm, 0, c))) as [Sums, Sums];
  if (holdout.count === 0 || treated.count === 0) return null;
  const replicates = Array.from({ length: drawn.length / (numCells * WIDTH) }, (_, r) =>
    [0, 1].map((arm) =>
      asSums((c) => members.reduce((sum, g) => sum + drawn[(r * numCells + g * 2 + arm) * WIDTH + c]!, 0)),
    ),
  ) as [Sums, Sums][];

  /** Covariance of the means of two columns of an arm. */
  const covariance = (arm: number, a: number, b: number) => {
    const n = product(arm, 0, 0);
    if (n < 2) return 0;
    return (product(arm, a, b) - (product(arm, 0, a) * product(arm, 0, b)) / n) / (n - 1) / n;
  };
  const quantity = (error: number, of: (holdout: Sums, treated: Sums) => number): Effect => {
    const values = Float64Array.from(replicates, ([h, t]) => of(h, t))
      .filter(Number.isFinite)
      .sort();
    const tail = (1 - confidence) / 2;
    return {
      ...normalEstimate(of(holdout, treated), error, confidence),
      bootstrap:
        values.length === 0 ? null : { low: sortedQuantile(values, tail), high: sortedQuantile(values, 1 - tail) },
    };
  };
  const perUser = (column: number, key: keyof Sums) =>
    quantity(
      Math.sqrt(covariance(0, column, column) + covariance(1, column, column)),
      (h, t) => t[key] / t.count - h[key] / h.count,
    );
  const extra = (key: "sales" | "margin", h: Sums, t: Sums) => t.count * (t[key] / t.count - h[key] / h.count);
  const n = treated.count;
  const meanDiscount = treated.discount / n;
  /** Delta method for extra / discount, both by user. */
  const ratioError = (column: number, key: "sales" | "margin") => {
    const slope = extra(key, holdout, treated) / n / meanDiscount;
    const variance =
      covariance(0, column, column) +
      covariance(1, column, column) -
      2 * slope * covariance(1, column, 5) +
      slope ** 2 * covariance(1, 5, 5);
    return Math.sqrt(Math.max(0, variance)) / meanDiscount;
  };
  const marginVariance = covariance(0, 4, 4) + covariance(1, 4, 4);
  const profitVariance = marginVariance - 2 * covariance(1, 4, 5) + covariance(1, 5, 5);
  const paid = treated.discount > 0;
  return {
    treated: armOf(treated),
    holdout: armOf(holdout),
    conversion: perUser(1, "buyers"),
    ordersPerUser: perUser(2, "orders"),
    salesPerUserMinor: perUser(3, "sales"),
    marginPerUserMinor: perUser(4, "margin"),
    incrementalMarginMinor: quantity(n * Math.sqrt(marginVariance), (h, t) => n * (extra("margin", h, t) / t.count)),
    incrementalProfitMinor: quantity(
      n * Math.sqrt(Math.max(0, profitVariance)),
      (h, t) => (n * (extra("margin", h, t) - t.discount)) / t.count,
    ),
    incrementalRoas: paid ? quantity(ratioError(3, "sales"), (h, t) => extra("sales", h, t) / t.discount) : null,
    incrementalRoi: paid
      ? quantity(ratioError(4, "margin"), (h, t) => (extra("margin", h, t) - t.discount) / t.discount)
      : null,
  };
}
