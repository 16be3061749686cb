import { describe, expect, it } from "vitest";
import { Executor } from "../../src/executor/executor.js";
import { journalOf, MOMENT_NUMBERS, NO_TOTALS, numbersOf, totalsOf } from "../../src/response/moments.js";
import { fitOrderValue, statesAt } from "../../src/response/order-value.js";
import { Random } from "../../src/util/random.js";
import { nextBehavioursOf } from "../support/next-behaviours.js";

const DAY = 86_400_000_000;
const ORDERS = 8;

/** Users whose orders lie about a usual one of their own. */
async function shop(numUsers: number, between: number, within: number) {
  const random = new Random(11);
  const usual = Float64Array.from({ length: numUsers }, () => Math.log(3000) + between * random.normal());
  const count = numUsers * ORDERS;
  const events = {
    indptr: BigInt64Array.from({ length: numUsers + 1 }, (_, user) => BigInt(user * ORDERS)),
    times: BigInt64Array.from({ length: count }, (_, e) => BigInt((1 + (e % ORDERS)) * DAY)),
    items: new Int32Array(count),
    behaviours: new Uint8Array(count),
    values: Float64Array.from({ length: count }, (_, e) =>
      Math.exp(usual[Math.floor(e / ORDERS)]! + within * random.normal()),
    ),
    orders: new Uint8Array(count).fill(1),
  };
  const executor = new Executor({ threads: 2 });
  const scope = { scopeIndptr: BigInt64Array.of(0n, 1n), scopeItems: Int32Array.of(0), scopeShare: Float64Array.of(1) };
  const next = await nextBehavioursOf(executor, events, ["buy"], 0, 100 * DAY);
  const inputs = { events, numUsers, weights: [1], next, prices: Float64Array.of(3000), ...scope };
  const blank = journalOf(inputs, NO_TOTALS);
  const users = Int32Array.from({ length: numUsers }, (_, user) => user);
  const moments = new BigInt64Array(numUsers).fill(BigInt(100 * DAY));
  const now = await numbersOf(executor, blank, users, moments);
  expect(now.length).toBe(numUsers * MOMENT_NUMBERS);
  const journal = { ...blank, totals: await totalsOf(now) };
  const model = await fitOrderValue(executor, journal, now, undefined);
  const past = { received: new Float64Array(numUsers), redeemed: new Float64Array(numUsers), rate: 0.1 };
  const { orderValue } = await statesAt(executor, journal, model, users, moments, past);
  const errors = usual.map((u, user) => u - Math.log(orderValue[user]!));
  const mean = errors.reduce((sum, e) => sum + e, 0) / numUsers;
  return { model, deviation: Math.sqrt(errors.reduce((sum, e) => sum + (e - mean) ** 2, 0) / numUsers) };
}

describe("how far usual orders lie from what is thought of them", () => {
  it.each([
    [0.4, 0.5],
    [0.6, 0.2],
    [0.2, 0.6],
  ])("is found from orders alone: %f between users, %f between a user's orders", async (between, within) => {
    const { model, deviation } = await shop(4000, between, within);
    expect(model.spread).toBeGreaterThan(0.75 * deviation);
    expect(model.spread).toBeLessThan(1.35 * deviation);
  });

  it("is next to nothing where users are alike, and not known where the campaign says what an order is", async () => {
    const { model } = await shop(4000, 0, 0.3);
    expect(model.spread).toBeLessThan(0.06);
  });
});
