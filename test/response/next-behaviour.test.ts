import { describe, expect, it } from "vitest";
import type { Coupon } from "../../src/campaign/coupon-schema.js";
import { Executor, shared } from "../../src/executor/executor.js";
import { couponChannels } from "../../src/response/channels.js";
import { couponArrays } from "../../src/response/economics.js";
import { fitResponse } from "../../src/response/fit-response.js";
import type { ResponseOptions } from "../../src/response/model.js";
import {
  journalOf,
  NEXT_FEATURES_AT,
  NO_TOTALS,
  numbersOf,
  totalsOf,
  USER_FEATURES,
} from "../../src/response/moments.js";
import { raisePurchaseRate } from "../../src/response/next-behaviour.js";
import { fitOrderValue, statesAt } from "../../src/response/order-value.js";
import { userScores } from "../../src/response/scores.js";
import { Random } from "../../src/util/random.js";
import { nextBehavioursOf } from "../support/next-behaviours.js";

const DAY = 86_400_000_000;
const START = Date.parse("2025-01-01T00:00:00Z") * 1000;
const OFFERED = START + 60 * DAY;
const NOW = START + 90 * DAY;
const BEHAVIOURS = ["browse", "cart", "purchase"];
const [BROWSE, CART, PURCHASE] = [0, 1, 2];
const coupons = [
  { id: "c", kind: "percent", percent: 20, ttlDays: 14, channel: "both", thresholdMinor: 0 },
] as unknown as Coupon[];

/**
 * Users who are alike but for their last event before an offer, by lot something in the cart or a look: those with a cart
 * mostly buy within days, with the coupon or without, the others seldom do but for the coupon. Half the offers are withheld.
 */
function shop(numUsers: number) {
  const random = new Random(8);
  const rows: { time: number; behaviour: number }[][] = [];
  const hasCart = new Uint8Array(numUsers);
  const history = {
    users: Int32Array.from({ length: numUsers }, (_, user) => user),
    coupons: new Int32Array(numUsers),
    times: new BigInt64Array(numUsers).fill(BigInt(OFFERED)),
    redeemed: new Uint8Array(numUsers),
    treated: new Uint8Array(numUsers),
    converted: new Uint8Array(numUsers),
  };
  for (let user = 0; user < numUsers; user++) {
    // Earlier looks, carts and purchases are as many for everybody.
    const events = [BROWSE, CART, PURCHASE, BROWSE].map((behaviour, i) => ({ time: START + 5 * i * DAY, behaviour }));
    hasCart[user] = random.int(2);
    events.push({ time: OFFERED - DAY, behaviour: hasCart[user] === 1 ? CART! : BROWSE! });
    history.treated[user] = random.int(2);
    const anyway = random.next() < (hasCart[user] === 1 ? 0.6 : 0.05);
    const persuaded = !anyway && random.next() < (hasCart[user] === 1 ? 0.05 : 0.3);
    const isTreated = history.treated[user] === 1;
    history.converted[user] = anyway || (persuaded && isTreated) ? 1 : 0;
    history.redeemed[user] = isTreated && (persuaded || (anyway && random.next() < 0.7)) ? 1 : 0;
    if (history.converted[user] === 1) events.push({ time: OFFERED + 2 * DAY, behaviour: PURCHASE! });
    rows.push(events);
  }
  const all = rows.flat();
  const indptr = shared.i64(numUsers + 1);
  for (const [user, events] of rows.entries()) indptr[user + 1] = indptr[user]! + BigInt(events.length);
  const events = {
    indptr,
    times: BigInt64Array.from(all, ({ time }) => BigInt(time)),
    items: new Int32Array(all.length),
    behaviours: Uint8Array.from(all, ({ behaviour }) => behaviour),
    values: Float64Array.from(all, ({ behaviour }) => (behaviour === PURCHASE ? 3000 : 0)),
    orders: Uint8Array.from(all, ({ behaviour }) => (behaviour === PURCHASE ? 1 : 0)),
  };
  return { events, history, hasCart };
}

const OPTIONS: ResponseOptions = {
  l2: 1,
  heldOutShare: 0.3,
  minRedemptions: 20,
  prior: 0.02,
  maxTrainingOffers: 1e6,
  calibration: "none",
  seed: 1,
  without: "nothing",
};

async function fitted() {
  const numUsers = 4000;
  const { events, history, hasCart } = shop(numUsers);
  const executor = new Executor({ threads: 2 });
  const inputs = {
    events,
    numUsers,
    weights: [1, 1, 1],
    next: await nextBehavioursOf(executor, events, BEHAVIOURS, PURCHASE!, NOW),
    prices: Float64Array.of(3000),
    scopeIndptr: BigInt64Array.of(0n, 1n),
    scopeItems: Int32Array.of(0),
    scopeShare: Float64Array.of(1),
  };
  const blank = journalOf(inputs, NO_TOTALS);
  const now = await numbersOf(executor, blank, history.users, new BigInt64Array(numUsers).fill(BigInt(NOW)));
  const journal = { ...blank, totals: await totalsOf(now) };
  const orderValue = await fitOrderValue(executor, journal, now, 3000);
  const traits = { attributes: [], values: new Int32Array(0) };
  const { tiers, horizonDays } = couponArrays(coupons, OFFERED / 1000, "UTC");
  const pairArgs = { ...tiers, horizonDays, meanShare: Float32Array.of(1), couponChannels: couponChannels(coupons) };
  const learn = (without: ResponseOptions["without"]) =>
    fitResponse(executor, pairArgs, history, coupons, "UTC", journal, orderValue, traits, { ...OPTIONS, without });
  const past = { received: new Float64Array(numUsers), redeemed: new Float64Array(numUsers), rate: 0.2 };
  const states = await statesAt(executor, journal, orderValue, history.users, history.times, past);
  const mean = (of: (user: number) => number, cart: number) => {
    const users = history.users.filter((user) => hasCart[user] === cart);
    return users.reduce((sum, user) => sum + of(user), 0) / users.length;
  };
  return { numUsers, learn, states, traits, mean, hasCart };
}

describe("the next behaviour in the response model", () => {
  it("tells those who are about to buy anyway, so that a coupon is worth less to them", async () => {
    const { numUsers, learn, states, traits, mean } = await fitted();
    const model = await learn("nothing");
    expect(model.parts).toHaveLength(3);
    const scores = await userScores(model, states.features, traits, [0, 0, 0, 0]);
    const logit = (part: number, cart: number) => mean((user) => scores[part * numUsers + user]!, cart);
    // Buys without the coupon; would not, but does because of it.
    expect(logit(0, 1)).toBeGreaterThan(logit(0, 0) + 2);
    expect(logit(2, 1)).toBeLessThan(logit(2, 0) - 0.5);
    expect(model.coefficients.map(({ label }) => label)).toContain("user: chance that a purchase comes next");

    const blind = await learn("next behaviour");
    const unseen = await userScores(blind, states.features, traits, [0, 0, 0, 0]);
    const without = (part: number, cart: number) => mean((user) => unseen[part * numUsers + user]!, cart);
    expect(Math.abs(without(0, 1) - without(0, 0))).toBeLessThan(0.1);
    expect(model.quality!.heldOutLogLoss).toBeLessThan(blind.quality!.heldOutLogLoss - 0.005);
  });

  it("is the log-odds of a purchase and of anything else, as they stood then", async () => {
    const { states, hasCart } = await fitted();
    const n = BEHAVIOURS.length;
    for (let user = 0; user < 50; user++) {
      const [browse, cart, buys] = states.next.subarray(user * n, (user + 1) * n);
      const at = user * USER_FEATURES.length + NEXT_FEATURES_AT;
      const odds = (p: number) => Math.log(Math.min(Math.max(p, 0.001), 0.999) / (1 - Math.max(p, 0.001)));
      expect(states.features[at]).toBeCloseTo(odds(buys!), 5);
      expect(states.features[at + 1]).toBeCloseTo(odds(browse! + cart!), 5);
      if (hasCart[user] === 1) expect(buys).toBeGreaterThan(0.5);
      else expect(buys).toBeLessThan(0.3);
    }
  });

  it("raises the orders a day of those who are about to buy, never lowers them", async () => {
    const rate = Float64Array.of(0.01, 0.5, 0.01, 0.01);
    const chances = Float32Array.of(0.2, 0.75, 0, 0.75, 1, 0, 0, 1);
    await raisePurchaseRate(rate, chances, 1, 14);
    expect(rate[0]).toBeCloseTo(-Math.log(0.25) / 14, 6);
    expect(rate[1]).toBe(0.5);
    expect(rate[2]).toBe(0.01);
    // Nobody buys for certain.
    expect(rate[3]).toBeCloseTo(-Math.log(0.001) / 14, 6);
  });
});
