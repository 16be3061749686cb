import { Random } from "../util/random.js";
import { sigmoid } from "../util/sigmoid.js";
import type { Activity } from "./activity.js";
import { type Calendar, weightBetween } from "./calendar.js";
import type { CouponTable } from "./coupon-table.js";
import { drawLatents, UserLatents } from "./latents.js";
import { MEAN_BOOST, MODEL, OWN_PURCHASE_SHARE } from "./model.js";
import type { SynthPlan } from "./options.js";
import type { Shop } from "./shop.js";

/**
 * What a user's habits amount to, in closed form from the session chain of model.ts. With g the chance that a session
 * goes on and p the mean purchase probability of a look: looks and purchases alternate freely, so
 * purchases per event = g p / (1 + g p), events per session = 1 / (1 - g).
 */
export interface Habits {
  /** mean purchase probability of a look */
  lookToPurchase: number;
  /** expected events over the user's time in the history */
  expectedEvents: number;
  expectedPurchases: number;
  /** expected sessions for each unit of season weight, from asOf on */
  sessionsPerWeight: number;
  /** expected value of an order, minor units */
  orderValueMinor: number;
}

const GO = MODEL.sessionGoesOn;
const STOP = 1 - GO;

/**
 * P(a session has no purchase in a scope that takes the share s of purchases). It solves
 * f = STOP + GO (p ((1-s) (STOP + GO f)) + (1-p) f): after a look the session stops, or goes on with a purchase (which
 * must be out of scope) or the next look.
 */
export function noPurchaseInSession(p: number, s: number): number {
  return (STOP * (1 + GO * p * (1 - s))) / (1 - GO * (1 - p) - GO * GO * p * (1 - s));
}

/** By multiplication: the last bit of `**` differs between engines. */
function power(base: number, exponent: number): number {
  let product = 1;
  for (let i = 0; i < exponent; i++) product *= base;
  return product;
}

/** The loyal buy when they want to: a coupon persuades them of nothing, or nearly. */
function persuasionOf(logit: number, loyal: boolean): number {
  return sigmoid(logit) * (loyal ? 0.03 : 1);
}

/** Discount depth saturates: half off moves hardly more people than a third off. */
const DEPTH_CAP = 0.6;
const MISMATCH = -2;
/** Relevance saturates too: half of the user's purchases in scope is nearly as good as all of them. */
const RELEVANCE = 5;
const RELEVANCE_HALF = 0.1;
/** What is for everybody speaks to nobody in particular: taken off by the share of the shop that is in scope. */
const BREADTH = 1.2;

/** Computes habits and truth of users, one at a time, into its own arrays. */
export class ResponseModel {
  /** of the last user given to `terms`, Float64 [coupons] */
  readonly without: Float64Array;
  readonly #persuade: Float64Array;
  readonly #apply: Float64Array;
  readonly habits: Habits = {
    lookToPurchase: 0,
    expectedEvents: 0,
    expectedPurchases: 0,
    sessionsPerWeight: 0,
    orderValueMinor: 0,
  };
  readonly #meanPrice: number;

  constructor(
    readonly shop: Shop,
    readonly table: CouponTable,
    readonly calendar: Calendar,
    /** events of the shop over the total weight of its users */
    readonly eventsPerWeight: number,
  ) {
    this.without = new Float64Array(table.size);
    this.#persuade = new Float64Array(table.size);
    this.#apply = new Float64Array(table.size);
    let price = 0;
    for (let g = 0; g < shop.numCategories; g++) price += shop.categoryMass[g]! * shop.categoryPrice[g]!;
    this.#meanPrice = price;
  }

  /** Fills `habits` for the user. */
  setHabits(latents: UserLatents): void {
    const { habits, calendar, shop } = this;
    const p = latents.conversion * MEAN_BOOST;
    const purchasesPerLook = GO * p;
    const purchasesPerEvent = purchasesPerLook / (1 + purchasesPerLook);
    habits.lookToPurchase = p;
    habits.expectedEvents = this.eventsPerWeight * latents.weight;
    habits.expectedPurchases = habits.expectedEvents * purchasesPerEvent;

    const weight = latents.cold
      ? Math.exp(MODEL.activitySigma * latents.activity) * MODEL.coldActivity
      : latents.weight;
    const around = latents.cold
      ? weightBetween(calendar, 0, calendar.days)
      : weightBetween(calendar, latents.beginDay, latents.endDay);
    habits.sessionsPerWeight =
      ((this.eventsPerWeight * weight * STOP) / around) * (latents.lapsed ? MODEL.lapsedActivity : 1);

    let own = 0;
    for (let k = 0; k < MODEL.numTastes; k++) own += MODEL.tasteWeights[k]! * shop.categoryPrice[latents.tastes[k]!]!;
    const price = OWN_PURCHASE_SHARE * own + (1 - OWN_PURCHASE_SHARE) * this.#meanPrice;
    // Pieces: 1 + geometric, cut off at the most.
    const pieces = (1 - power(latents.basket, MODEL.maxQuantity)) / (1 - latents.basket);
    const lines = purchasesPerEvent / STOP / (1 - noPurchaseInSession(p, 1));
    habits.orderValueMinor = lines * pieces * price * (1 - MODEL.saleDepth * latents.saleShare);
  }

  /** Fills `without` and the logits of the user, and `habits`. O(coupons). */
  terms(latents: UserLatents): void {
    this.setHabits(latents);
    const { table, habits } = this;
    const n = table.size;
    const [w0, w1, w2] = MODEL.tasteWeights;
    const row0 = latents.tastes[0]! * n;
    const row1 = latents.tastes[1]! * n;
    const row2 = latents.tastes[2]! * n;
    const order = habits.orderValueMinor;
    const depthSlope = 6 * (0.75 + 0.5 * latents.sensitivity);
    const userPersuade =
      0.8 * (latents.sensitivity - 0.5) +
      0.2 * Math.max(-2, Math.min(2, latents.activity)) -
      (latents.lapsed ? 0.7 : 0);
    const userApply = 4 + 0.6 * (latents.sensitivity - 0.5) + (latents.loyal ? 1 : 0);
    for (let c = 0; c < n; c++) {
      const overlap =
        w0 * table.scopeShare[row0 + c]! + w1 * table.scopeShare[row1 + c]! + w2 * table.scopeShare[row2 + c]!;
      const s = OWN_PURCHASE_SHARE * overlap + (1 - OWN_PURCHASE_SHARE) * table.scopeMass[c]!;
      const sessions = habits.sessionsPerWeight * table.horizonWeight[c]!;
      this.without[c] = 1 - Math.exp(-sessions * (1 - noPurchaseInSession(habits.lookToPurchase, s)));

      const least = table.minThreshold[c]!;
      const stretch = least > order ? Math.log(least / order) : 0;
      const paid = Math.max(least, order);
      const depth = Math.min(DEPTH_CAP, table.discount(c, paid) / paid);
      const bits = table.channelBits[c]! & latents.channel;
      const channel = bits === 0 ? MISMATCH : bits === latents.channel ? 0.1 : -0.2;
      const z =
        (RELEVANCE * s) / (s + RELEVANCE_HALF) +
        depthSlope * depth +
        table.kindEffect[c]! -
        BREADTH * table.scopeMass[c]! +
        channel +
        latents.proneness;
      this.#persuade[c] = z + userPersuade - 1.5 * stretch;
      this.#apply[c] = 0.5 * z + userApply - 1.5 * stretch;
    }
  }

  logitPersuade(c: number): number {
    return this.#persuade[c]!;
  }

  logitApply(c: number): number {
    return this.#apply[c]!;
  }

  /** P(the coupon causes a purchase that would not have been), of the last user given to `terms`. */
  persuasion(c: number, loyal: boolean, bias: number): number {
    return persuasionOf(this.#persuade[c]! + bias, loyal);
  }

  /** P(somebody who buys anyway uses the coupon). */
  application(c: number, bias: number): number {
    return sigmoid(this.#apply[c]! + bias);
  }

  /** Discount that a redemption costs at the user's usual order, or at the threshold where that is more. */
  discountAtOrder(c: number): number {
    return this.table.discount(c, Math.max(this.habits.orderValueMinor, this.table.minThreshold[c]!));
  }
}

const SAMPLE_USERS = 4000;
const SAMPLE_PAIRS = 100_000;

/**
 * The bias b of model.ts: with it the mean of p_redeem over eligible pairs of a fixed sample (users at even distances,
 * coupons at even distances) is MODEL.meanRedemption. Bisection to 1e-9.
 */
export function calibrateBias(plan: SynthPlan, response: ResponseModel, activity: Activity): number {
  const { shop, calendar, table } = response;
  const random = new Random(plan.seed);
  const latents = new UserLatents();
  const numUsers = Math.min(SAMPLE_USERS, plan.users);
  const step = Math.max(1, Math.ceil((numUsers * table.size) / SAMPLE_PAIRS));
  const without: number[] = [];
  const persuade: number[] = [];
  const apply: number[] = [];
  const loyal: boolean[] = [];
  for (let i = 0; i < numUsers; i++) {
    const user = Math.floor((i * plan.users) / numUsers);
    drawLatents(random, plan.seed, user, shop, calendar, user === activity.forcedCold, latents);
    response.terms(latents);
    for (let c = i % step; c < table.size; c += step) {
      if (!table.mayHave(c, latents)) continue;
      without.push(response.without[c]!);
      persuade.push(response.logitPersuade(c));
      apply.push(response.logitApply(c));
      loyal.push(latents.loyal);
    }
  }
  const meanAt = (bias: number): number => {
    let sum = 0;
    for (let i = 0; i < without.length; i++) {
      const p0 = without[i]!;
      sum += p0 * sigmoid(apply[i]! + bias) + (1 - p0) * persuasionOf(persuade[i]! + bias, loyal[i]!);
    }
    return sum / without.length;
  };
  let low = -40;
  let high = 40;
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (meanAt(middle) < MODEL.meanRedemption) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
