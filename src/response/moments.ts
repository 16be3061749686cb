/** What was known of users at moments: for past offers at their time, for decisions now, by the same code. */
import type { ArgValue } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import type { NextBehaviours } from "./next-behaviour.js";

/** Positions in the numbers of a moment: native/include/couponcast/moments.h. */
export const NUMBERS = {
  events: 0,
  purchases: 1,
  orders: 2,
  spent: 3,
  days: 4,
  silence: 5,
  orderSilence: 6,
  logPrices: 7,
  priced: 8,
} as const;
export const MOMENT_NUMBERS = 9;

/** Moments of a kernel call. */
const SHARD_MOMENTS = 8192;
/** Events of an average user's taste that everybody's is blended in with. */
const PRIOR_EVENTS = 10;
const PRIOR_DAYS = 30;
const PRIOR_PURCHASES = 10;
const PRIOR_PRICES = 5;
/** Orders of the shop that a user's own are blended with: single orders differ more than users do. */
const PRIOR_ORDERS = 10;

/** Users' events as kernels take them, and what they amount to in all. */
export interface Journal {
  args: Record<string, ArgValue>;
  numUsers: number;
  numCoupons: number;
  /** float64 [coupons] everybody's share of taste in each scope, in shared memory. */
  scopeShare: Float64Array;
  totals: JournalTotals;
  next: NextBehaviours;
}

export interface JournalTotals {
  eventsPerDay: number;
  ordersPerDay: number;
  /** Purchases for each event that is none. */
  purchasesPerLook: number;
  linesPerOrder: number;
  meanOrderMinor: number;
  meanLogPrice: number;
}

export interface JournalInputs {
  /** indptr, times, items, behaviours, values, orders */
  events: Record<"indptr" | "times" | "items" | "behaviours" | "values" | "orders", ArgValue>;
  numUsers: number;
  /** [behaviours] */
  weights: readonly number[];
  next: NextBehaviours;
  /** float64 [items] minor units, NaN: unknown */
  prices: Float64Array;
  /** int64 [coupons + 1], int32 [..] items of each coupon's scope */
  scopeIndptr: BigInt64Array;
  scopeItems: Int32Array;
  /** float64 [coupons] everybody's share of taste in each scope */
  scopeShare: Float64Array;
}

/** No behaviour has this position. */
const NO_PURCHASE = 255;

/** Turns the scopes about, so that each item names its coupons. Cost: the scopes. */
export function journalOf(inputs: JournalInputs, totals: JournalTotals): Journal {
  const { weights, next, prices, scopeIndptr, scopeItems, scopeShare, numUsers } = inputs;
  const numCoupons = scopeIndptr.length - 1;
  const indptr = shared.i64(prices.length + 1);
  for (const item of scopeItems) indptr[item + 1]!++;
  for (let i = 0; i < prices.length; i++) indptr[i + 1]! += indptr[i]!;
  const place = indptr.slice();
  const itemCoupons = shared.i32(scopeItems.length);
  for (let c = 0; c < numCoupons; c++) {
    for (let at = Number(scopeIndptr[c]!); at < Number(scopeIndptr[c + 1]!); at++)
      itemCoupons[Number(place[scopeItems[at]!]!++)] = c;
  }
  const shareOf = shared.f64(numCoupons);
  shareOf.set(scopeShare);
  const weight = weights.reduce((sum, w) => sum + w, 0) / weights.length || 1;
  const behaviourWeights = shared.f64(weights.length);
  behaviourWeights.set(weights);
  const logPrice = shared.f64(prices.length);
  for (const [i, price] of prices.entries()) logPrice[i] = price > 0 ? Math.log(price) : Number.NaN;
  const args = {
    ...inputs.events,
    weights: behaviourWeights,
    purchase: next.purchase < 0 ? NO_PURCHASE : next.purchase,
    logPrice,
    itemIndptr: indptr,
    itemCoupons,
    priorShare: shareOf,
    priorWeight: PRIOR_EVENTS * weight,
  };
  return { args, numUsers, numCoupons, scopeShare: shareOf, totals, next };
}

/** Before anything is known. */
export const NO_TOTALS: JournalTotals = {
  eventsPerDay: 0,
  ordersPerDay: 0,
  purchasesPerLook: 1,
  linesPerOrder: 1,
  meanOrderMinor: 1,
  meanLogPrice: 0,
};

/** Sums over users, from their numbers now; in the order of the users. */
export async function totalsOf(numbers: Float64Array): Promise<JournalTotals> {
  const sums = new Float64Array(MOMENT_NUMBERS);
  await forEachYielding(numbers.length / MOMENT_NUMBERS, (u) => {
    for (let k = 0; k < MOMENT_NUMBERS; k++) sums[k]! += numbers[u * MOMENT_NUMBERS + k]!;
  });
  const sum = (name: keyof typeof NUMBERS) => sums[NUMBERS[name]]!;
  const perDay = (n: number) => (sum("days") > 0 ? n / sum("days") : 0);
  return {
    eventsPerDay: perDay(sum("events")),
    ordersPerDay: perDay(sum("orders")),
    purchasesPerLook: (sum("purchases") + 1) / (sum("events") - sum("purchases") + 1),
    linesPerOrder: sum("orders") > 0 ? sum("purchases") / sum("orders") : 1,
    meanOrderMinor: sum("orders") > 0 && sum("spent") > 0 ? sum("spent") / sum("orders") : 1,
    meanLogPrice: sum("priced") > 0 ? sum("logPrices") / sum("priced") : 0,
  };
}

/** float64 [moments * MOMENT_NUMBERS] what had happened before each moment. Cost: the events before. */
export async function numbersOf(
  executor: Executor,
  journal: Journal,
  users: Int32Array,
  moments: BigInt64Array,
  shares?: Float32Array,
): Promise<Float64Array> {
  const numbers = shared.f64(users.length * MOMENT_NUMBERS);
  const width = journal.numCoupons + 1;
  await executor.map(
    shards(users.length, SHARD_MOMENTS).map(({ begin, end }) => ({
      kernel: "userMoments",
      args: {
        ...journal.args,
        users,
        moments,
        begin,
        end,
        outNumbers: numbers.subarray(begin * MOMENT_NUMBERS, end * MOMENT_NUMBERS),
        ...(shares === undefined ? {} : { outShares: shares.subarray(begin * width, end * width) }),
      },
    })),
    { name: "users as they were" },
  );
  return numbers;
}

/** What the response model sees of a user besides taste. */
export const USER_FEATURES = [
  "events a day",
  "orders a day",
  "purchases for each look",
  "events",
  "days of silence beside the usual",
  "days since the last event",
  "usual order",
  "prices looked at",
  "chance that a purchase comes next",
  "chance that another behaviour comes next",
  "offers received",
  "redemptions an offer beside everybody's",
] as const;
/** Where those of what comes next begin. */
export const NEXT_FEATURES_AT = USER_FEATURES.indexOf("chance that a purchase comes next");

/** How a user stands at a moment: rates blended with the shop's, since short histories say little. */
export class UserState {
  eventsPerDay = 0;
  /** Orders a day. */
  purchaseRate = 0;
  logPurchasesPerLook = 0;
  logLines = 0;
  logMeanOrder = 0;
  logPrice = 0;
  #at = 0;
  #numbers: Float64Array = new Float64Array(0);

  constructor(readonly totals: JournalTotals) {}

  read(numbers: Float64Array, moment: number): this {
    const { totals } = this;
    this.#numbers = numbers;
    this.#at = moment * MOMENT_NUMBERS;
    const orders = this.number("orders");
    const purchases = this.number("purchases");
    const days = this.number("days") + PRIOR_DAYS;
    const looks = this.number("events") - purchases;
    this.eventsPerDay = (this.number("events") + totals.eventsPerDay * PRIOR_DAYS) / days;
    this.purchaseRate = (orders + totals.ordersPerDay * PRIOR_DAYS) / days;
    this.logPurchasesPerLook = Math.log(
      (purchases + totals.purchasesPerLook * PRIOR_PURCHASES) / (looks + PRIOR_PURCHASES),
    );
    this.logLines = Math.log((purchases + totals.linesPerOrder * PRIOR_ORDERS) / (orders + PRIOR_ORDERS));
    this.logMeanOrder = Math.log(this.meanOrderMinor(totals.meanOrderMinor));
    this.logPrice =
      (this.number("logPrices") + totals.meanLogPrice * PRIOR_PRICES) / (this.number("priced") + PRIOR_PRICES);
    return this;
  }

  number(name: keyof typeof NUMBERS): number {
    return this.#numbers[this.#at + NUMBERS[name]]!;
  }

  /** The mean of the user's orders blended with 10 of `usual`. */
  meanOrderMinor(usual: number): number {
    return Math.max(1e-3, (this.number("spent") + PRIOR_ORDERS * usual) / (this.number("orders") + PRIOR_ORDERS));
  }

  /** USER_FEATURES of the user, but for those of what comes next and of its offers. */
  features(orderMinor: number, into: Float32Array, at: number): void {
    const silence = this.number("silence");
    const rate = Math.max(this.eventsPerDay, 1e-9);
    into[at] = Math.log(rate);
    into[at + 1] = Math.log(Math.max(this.purchaseRate, 1e-9));
    into[at + 2] = this.logPurchasesPerLook;
    into[at + 3] = Math.log1p(this.number("events"));
    into[at + 4] = Math.log((silence + 1) / (1 / rate + 1));
    into[at + 5] = Math.log1p(silence);
    into[at + 6] = Math.log(orderMinor);
    into[at + 7] = this.logPrice;
  }
}
